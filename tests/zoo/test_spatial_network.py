"""The network of ``spatial_mtl``, piece by piece and switch by switch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.errors import PluginError
from bench.imaging.regions import REGIONS
from bench_zoo.networks.spatial_mtl.network import Design, Pointwise, SpatialNetwork
from bench_zoo.networks.spatial_mtl.statistics import (
    depth_layers,
    image_bands,
    region_statistics,
    statistics_width,
)
from bench_zoo.torch_parts.encoders import staged_encoder
from bench_zoo.torch_parts.heads import FlipAveraged, TaskNetworks, TasksNetwork
from bench_zoo.torch_parts.losses import BalancedLoss
from bench_zoo.torch_parts.pooling import region_moments, space_to_depth

DESIGN = Design("compact", (4, 8, 8), True, True, REGIONS, True, 2, 3, 6, 0.1)
PRIORS = (0.5, -1.0, 0.0)
SWITCHES = [
    {},
    {"statistics": False},
    {"statistics": False, "attention": False},
    {"statistics": False, "roi_weighting": False},
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


def network(apart: bool = False, **switches: object) -> nn.Module:
    torch.manual_seed(0)
    design = replace(DESIGN, **switches)  # type: ignore[arg-type]
    if apart:
        return TaskNetworks(SpatialNetwork(design, [prior]) for prior in PRIORS)
    return SpatialNetwork(design, PRIORS)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("switches", SWITCHES)
def test_every_switch_gives_an_output_a_task_and_a_relevance_a_voxel(
    apart: bool, switches: dict[str, object]
) -> None:
    images, regions = batch()
    net = network(apart, **switches).eval()
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


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("switches", SWITCHES)
def test_every_parameter_learns_within_two_steps(apart: bool, switches: dict[str, object]) -> None:
    net = network(apart, dropout=0.0, **switches)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    # The last layers start at zero, so that nothing before them learns in the first step.
    for _ in range(2):
        optimiser.zero_grad()
        net(*batch(6)).sub(torch.tensor([1.0, -2.0, 0.5])).square().sum().backward()
        optimiser.step()
    idle = [
        name
        for name, named_parameter in net.named_parameters()
        if named_parameter.grad is None or not named_parameter.grad.any()
    ]
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
    maps: list[Tensor] = []
    for attend in net.attention:
        attend.register_forward_hook(lambda module, inputs, output: maps.append(output))
    net(*batch())
    assert [tuple(map.shape) for map in maps] == [(3, 1, edge, edge, edge) for edge in (8, 4, 2)]
    assert all(bool(((map >= 0) & (map <= 1)).all()) for map in maps)


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


def test_a_pointwise_mixture_is_a_convolution_of_one_voxel() -> None:
    mix, images = Pointwise(5, 3), torch.randn(2, 5, 4, 3, 2)
    expected = F.conv3d(images, mix.weight[:, :, None, None, None], mix.bias)
    torch.testing.assert_close(mix(images), expected, rtol=1e-5, atol=1e-5)


def test_space_to_depth_keeps_every_voxel_once() -> None:
    images = torch.arange(64.0).view(1, 1, 4, 4, 4)
    blocks = space_to_depth(images)
    assert blocks.shape == (1, 8, 2, 2, 2)
    assert sorted(blocks.flatten().tolist()) == list(range(64))
    assert sorted(blocks[0, :, 0, 0, 0].tolist()) == sorted(images[0, 0, :2, :2, :2].flatten().tolist())


def old_bands(image: Tensor) -> Tensor:
    """The bands by average pooling."""
    pad = (1,) * 6
    mean = F.avg_pool3d(F.pad(image, pad, mode="replicate"), 3, stride=1)
    wide = F.pad(mean, pad, mode="replicate")
    slopes = [
        (wide[:, :, 2:, 1:-1, 1:-1] - wide[:, :, :-2, 1:-1, 1:-1]) / 2,
        (wide[:, :, 1:-1, 2:, 1:-1] - wide[:, :, 1:-1, :-2, 1:-1]) / 2,
        (wide[:, :, 1:-1, 1:-1, 2:] - wide[:, :, 1:-1, 1:-1, :-2]) / 2,
    ]
    gradient = (slopes[0].square() + slopes[1].square() + slopes[2].square() + 1e-8).sqrt()
    return torch.cat([image, mean, image - mean, gradient, mean - F.avg_pool3d(wide, 3, stride=1)], dim=1)


@pytest.mark.parametrize("layers", [1, 4])
def test_statistics_are_moments_of_the_bands_over_the_voxels_of_every_layer(layers: int) -> None:
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(2, 1, 10, 10, 10, generator=generator)
    distance = torch.linspace(-9, 9, 1000).view(1, 1, 10, 10, 10).expand(2, -1, -1, -1, -1)
    masks = torch.cat([distance < -3, distance.abs() <= 3, distance > 3], dim=1).float()
    found = region_statistics(torch.cat([image, image, distance], dim=1), masks, masks, layers)
    assert found.shape == (2, 3, statistics_width(layers))
    bands, layered = old_bands(image).double(), depth_layers(distance, masks, layers).double()
    for case, region, layer in np.ndindex(2, 3, layers):
        weight = layered[case, region, layer] / layered[case, region, layer].sum()
        mean = (bands[case] * weight).sum(dim=(1, 2, 3))
        spread = ((bands[case] - mean.view(-1, 1, 1, 1)).square() * weight).sum(dim=(1, 2, 3))
        expected = torch.cat([mean, (spread + 1e-4).sqrt() - 1e-2]).float()
        torch.testing.assert_close(
            found[case, region, 10 * layer : 10 * layer + 10], expected, atol=1e-4, rtol=1e-4
        )
    torch.testing.assert_close(found[..., -1], torch.log1p(masks.sum(dim=(2, 3, 4))))


def test_bands_by_shifted_sums_are_those_of_average_pooling() -> None:
    image = 3 * torch.randn(2, 1, 9, 8, 7, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(image_bands(image), old_bands(image), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("axis", [2, 3, 4])
def test_statistics_of_a_mirror_image_are_those_of_the_case(axis: int) -> None:
    images, regions = batch()
    plain = network().invariants(images, regions)[0]
    mirrored = network().invariants(images.flip(axis), regions.flip(axis))[0]
    torch.testing.assert_close(plain, mirrored, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("statistics", [False, True])
def test_averaging_over_mirror_images_is_the_mean_of_four_whole_passes(apart: bool, statistics: bool) -> None:
    net = network(apart, statistics=statistics).eval()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.2)
    images, regions = batch()
    views = [net(images.flip(axes), regions.flip(axes)) for axes in ((), (2,), (3,), (4,))]
    expected = torch.stack(views).mean(dim=0)
    torch.testing.assert_close(FlipAveraged(net)(images, regions), expected, atol=1e-4, rtol=1e-4)


def test_attention_weights_the_features_that_go_on_and_not_only_the_pooling() -> None:
    images = batch()[0][:, :2]
    encoder = staged_encoder("compact", 2, (4, 8))

    class Half(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            gate = torch.ones_like(features[:, :1])
            gate[..., : features.shape[-1] // 2] = 0
            return gate

    plain, gated = encoder(images), encoder(images, [Half(), Half()])
    torch.testing.assert_close(gated[0], plain[0] * Half()(plain[0]))
    expected = encoder.stages[1](plain[0] * Half()(plain[0]))
    torch.testing.assert_close(gated[1], expected * Half()(expected))
    assert not torch.allclose(gated[1], plain[1] * Half()(plain[1]))


def test_a_voxel_that_attention_leaves_out_has_no_relevance() -> None:
    class Left(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            gate = torch.zeros_like(features[:, :1])
            gate[..., : features.shape[-1] // 2] = 1
            return gate

    net = network(statistics=False, roi_weighting=False).eval()
    for parameter in net.branches.parameters():
        nn.init.normal_(parameter)
    whole = net.relevance(*batch())
    net.attention = nn.ModuleList(Left() for _ in net.attention)
    heat = net.relevance(*batch())
    # Maps of 2 voxels reach a quarter of the crop beyond the middle when they are laid over it.
    assert float(heat[..., 12:].max()) == 0 and float(heat[..., :8].max()) > 0
    assert float(whole[..., 12:].max()) > 0


def test_the_network_of_the_abstract_has_no_input_but_learnt_features() -> None:
    net = network(statistics=False).eval()
    assert net.fixed == 0 and net.invariants(*batch()) == ()
    assert all(branch.direct is None for branch in net.branches)
    for stage in net.encoder.stages:
        for parameter in stage.parameters():
            nn.init.zeros_(parameter)
    for branch in net.branches:
        nn.init.normal_(branch.last.weight)
    # An encoder that gives nothing leaves nothing by which two cases could differ.
    outputs = net(*batch())
    torch.testing.assert_close(outputs, outputs[:1].expand_as(outputs))


def test_a_backbone_without_stages_is_refused_by_name() -> None:
    with pytest.raises(PluginError, match="backbone 'resnot' has no features at several scales"):
        staged_encoder("resnot", 2, (4, 8))


def test_flip_averaging_reads_a_case_and_its_three_mirror_images() -> None:
    class First(TasksNetwork):
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


@pytest.mark.slow
def test_a_timm_backbone_gives_the_same_kind_of_network() -> None:
    images, regions = batch(2, 32)
    net = network(backbone="resnet18")
    net(images, regions).sum().backward()
    assert [entry.shape[-1] for entry in net.encoder(images[:, :2], net.attention)] == [16, 8, 4, 2, 1]
    assert net.eval().relevance(images, regions).shape == (2, 32, 32, 32)
