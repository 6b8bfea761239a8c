"""The network of ``spatial_mtl``, piece by piece and switch by switch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench_zoo.losses import BalancedLoss
from bench_zoo.spatial_mtl.network import (
    REGIONS,
    Design,
    FlipAveraged,
    SpatialNetwork,
    TaskNetworks,
    depth_layers,
    image_bands,
    region_moments,
    space_to_depth,
)

DESIGN = Design("compact", (4, 8, 8), True, True, REGIONS, 2, 3, 6, 0.1)
PRIORS = (0.5, -1.0, 0.0)
SWITCHES = [
    {},
    {"attention": False},
    {"roi_weighting": False},
    {"attention": False, "roi_weighting": False},
    {"regions": ("core", "rim")},
    {"layers": 1},
    {"widths": (4, 8)},
]


def batch(cases: int = 3, edge: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(cases, 3, edge, edge, edge, generator=generator)
    images[:, 1] = (images[:, 1] > 0).float()
    images[:, 2] *= 5
    return images, torch.rand(cases, 3, edge, edge, edge, generator=generator) < 0.2


def network(kind: type[nn.Module] = SpatialNetwork, **switches: object) -> nn.Module:
    torch.manual_seed(0)
    return kind(replace(DESIGN, **switches), PRIORS)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [SpatialNetwork, TaskNetworks])
@pytest.mark.parametrize("switches", SWITCHES)
def test_every_switch_gives_an_output_a_task_and_a_relevance_a_voxel(
    kind: type[nn.Module], switches: dict[str, object]
) -> None:
    images, regions = batch()
    net = network(kind, **switches).eval()
    assert net(images, regions).shape == (3, 3)
    heat = net.relevance(images, regions)
    assert heat.shape == (3, 16, 16, 16)
    assert bool(torch.isfinite(heat).all()) and float(heat.min()) >= 0


@pytest.mark.parametrize("edge", [15, 16, 21])
def test_crops_of_any_edge_fit(edge: int) -> None:
    assert network().eval()(*batch(2, edge)).shape == (2, 3)


def test_an_untrained_network_predicts_the_priors() -> None:
    outputs = network().eval()(*batch())
    torch.testing.assert_close(outputs, torch.tensor(PRIORS).expand(3, 3))


@pytest.mark.parametrize("kind", [SpatialNetwork, TaskNetworks])
@pytest.mark.parametrize("switches", SWITCHES)
def test_every_parameter_learns_within_two_steps(kind: type[nn.Module], switches: dict[str, object]) -> None:
    net = network(kind, dropout=0.0, **switches)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    # The last layers start at zero, so that nothing before them learns in the first step.
    for _ in range(2):
        optimiser.zero_grad()
        net(*batch(6)).sub(torch.tensor([1.0, -2.0, 0.5])).square().sum().backward()
        optimiser.step()
    idle = [name for name, its in net.named_parameters() if its.grad is None or not its.grad.any()]
    # A softmax over one region is constant.
    assert [name for name in idle if "region_logits" not in name] == []
    assert bool(idle) == (switches.get("roi_weighting") is False)


def test_a_task_without_labels_leaves_its_own_branch_alone_and_no_other() -> None:
    net = network()
    loss = BalancedLoss([True, True, False], torch.ones(3), "fixed")
    targets = torch.tensor([[1.0, torch.nan, 0.3], [0.0, torch.nan, torch.nan], [1.0, torch.nan, -1.0]])
    loss(net(*batch()), targets).backward()
    learns = [bool(branch.last.weight.grad.any()) for branch in net.branches]
    assert learns == [True, False, True]


def test_attention_maps_lie_between_0_and_1_at_each_scale() -> None:
    net = network()
    scales = net.encoder(batch()[0][:, :2])
    maps = net.attention_maps(scales)
    assert [tuple(its.shape) for its in maps] == [(3, 1, edge, edge, edge) for edge in (8, 4, 2)]
    assert all(bool(((its >= 0) & (its <= 1)).all()) for its in maps)


def test_region_weights_of_a_task_are_positive_and_average_to_one() -> None:
    net = network()
    nn.init.normal_(net.region_logits)
    weights = net.region_weights().detach()
    assert weights.shape == (3, 3) and float(weights.min()) > 0
    torch.testing.assert_close(weights.mean(dim=1), torch.ones(3))


def test_region_moments_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 4, 5, 5, 5)).astype(np.float32)
    masks = rng.random((2, 3, 5, 5, 5)) < 0.3
    found = region_moments(torch.from_numpy(features), torch.from_numpy(masks).float()).numpy()
    for case, region in np.ndindex(2, 3):
        voxels = features[case][:, masks[case, region]]
        expected = np.concatenate([voxels.mean(axis=1), np.sqrt(voxels.var(axis=1) + 1e-4) - 1e-2])
        np.testing.assert_allclose(found[case, region], expected, atol=1e-4)


def test_an_empty_region_gives_zeros_and_finite_gradients() -> None:
    features = torch.randn(1, 2, 3, 3, 3, requires_grad=True)
    moments = region_moments(features, torch.zeros(1, 1, 3, 3, 3))
    assert not moments.any()
    moments.sum().backward()
    assert features.grad is not None and bool(torch.isfinite(features.grad).all())


def test_a_voxel_outside_the_regions_moves_no_fixed_statistic() -> None:
    image = torch.randn(1, 1, 9, 9, 9)
    mask = torch.zeros(1, 1, 9, 9, 9)
    mask[..., :4, :, :] = 1
    changed = image.clone()
    changed[..., 8, :, :] += 5
    torch.testing.assert_close(
        region_moments(image_bands(image), mask), region_moments(image_bands(changed), mask)
    )


def test_bands_of_a_ramp_are_its_mean_and_its_slope() -> None:
    ramp = torch.arange(8.0).view(1, 1, 1, 1, 8).expand(1, 1, 8, 8, 8) * 0.5
    inner = image_bands(ramp)[0, :, 3, 3, 3]
    torch.testing.assert_close(inner, torch.tensor([1.5, 1.5, 0.0, 0.5, 0.0]))


def test_layers_cut_a_region_evenly_between_its_depths() -> None:
    distance = torch.arange(8.0).view(1, 1, 1, 1, 8) - 2
    masks = (distance >= 0).float()
    layered = depth_layers(distance, masks, 3)
    assert layered.shape == (1, 1, 3, 1, 1, 8)
    inside = (layered[0, 0, :, 0, 0] > 0.5).int().tolist()
    assert inside == [[0, 0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1]]


def test_an_empty_layer_shows_what_its_region_shows() -> None:
    distance = torch.tensor([0.0, 9.0, 9.0]).view(1, 1, 1, 1, 3)
    values = torch.tensor([1.0, 4.0, 7.0]).view(1, 1, 1, 1, 3)
    layered = depth_layers(distance, torch.ones_like(distance), 3).flatten(1, 2)
    means = region_moments(values, layered)[0, :, 0]
    torch.testing.assert_close(means, torch.tensor([1.0, 4.0, 5.5]), atol=0.01, rtol=0)


def test_a_region_without_a_voxel_has_layers_without_weight() -> None:
    layered = depth_layers(torch.randn(1, 1, 3, 3, 3), torch.zeros(1, 2, 3, 3, 3), 4)
    assert layered.shape == (1, 2, 4, 3, 3, 3) and not layered.any()


def test_space_to_depth_keeps_every_voxel_once() -> None:
    images = torch.arange(64.0).view(1, 1, 4, 4, 4)
    blocks = space_to_depth(images)
    assert blocks.shape == (1, 8, 2, 2, 2)
    assert sorted(blocks.flatten().tolist()) == list(range(64))
    assert sorted(blocks[0, :, 0, 0, 0].tolist()) == sorted(images[0, 0, :2, :2, :2].flatten().tolist())


def test_flip_averaging_reads_a_case_and_its_three_mirror_images() -> None:
    class First(nn.Module):
        def forward(self, images: Tensor, regions: Tensor) -> Tensor:
            return images[:, :1, 0, 0, 0] + regions[:, :1, 0, 0, 0]

    images, regions = torch.zeros(1, 2, 4, 4, 4), torch.zeros(1, 3, 4, 4, 4, dtype=torch.bool)
    images[0, 0, 0, 0, 0], images[0, 0, 3, 0, 0], regions[0, 0, 0, 3, 0] = 1.0, 2.0, True
    assert float(FlipAveraged(First())(images, regions)) == (1 + 2 + 1 + 0) / 4


def test_a_case_does_not_see_the_cases_beside_it() -> None:
    net = network().eval()
    nn.init.normal_(net.branches[0].last.weight)
    images, regions = batch()
    torch.testing.assert_close(net(images, regions)[:1], net(images[:1], regions[:1]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("names", [(), ("core", "edge")])
def test_unknown_regions_are_refused_by_name(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"regions must be among .*core.*rim.*surround.* got "):
        network(regions=names)


def test_a_timm_backbone_gives_the_same_kind_of_network() -> None:
    images, regions = batch(2, 32)
    net = network(backbone="resnet18")
    net(images, regions).sum().backward()
    maps = net.attention_maps(net.encoder(images[:, :2]))
    assert [its.shape[-1] for its in maps] == [16, 8, 4, 2, 1]
    assert net.eval().relevance(images, regions).shape == (2, 32, 32, 32)
