"""Persistence: known shapes, both orders of voxels, features, and the methods that read them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench.testing import check_method

pytest.importorskip("gudhi", reason="gudhi is not installed: pip install 'dcebench[topology]'")

from bench_zoo.networks.topotxr.method import TopoTxR
from bench_zoo.networks.topotxr.network import TwoStreamNetwork
from bench_zoo.topology.features import MEASURES, betti_curve, crop_features, diagram_features, statistics
from bench_zoo.topology.method import TopoFeatures
from bench_zoo.topology.persistence import LOOPS, VOIDS, Pairs, drawn_structures, persistence_pairs

pytestmark = pytest.mark.slow


def ring() -> np.ndarray:
    """A dark square ring in one plane of a bright volume: one loop, which the bright middle closes."""
    image = np.full((5, 7, 9), 2.0)
    image[2, 1:6, 1:6] = 0.0
    image[2, 2:5, 2:5] = 1.0
    image[2, 3, 3] = 1.5
    return image


def shell() -> np.ndarray:
    """A dark shell round a bright voxel: one void."""
    image = np.full((7, 7, 7), 2.0)
    image[1:6, 1:6, 1:6] = 0.0
    image[3, 3, 3] = 1.0
    return image


def test_a_dark_ring_is_one_loop_that_ends_where_its_middle_fills() -> None:
    components, loops, voids = persistence_pairs(ring())
    assert len(loops.longer_than(0.5).births) == 1 and len(voids.longer_than(0.5).births) == 0
    assert len(components.longer_than(0.5).births) == 0
    (life,) = loops.longer_than(0.5).values.tolist()
    assert life == [0.0, 1.5]
    place = np.unravel_index(loops.longer_than(0.5).deaths[0], ring().shape)
    assert tuple(map(int, place)) == (2, 3, 3)


def test_a_dark_shell_is_one_void_that_ends_at_the_voxel_inside() -> None:
    _, loops, voids = persistence_pairs(shell())
    assert len(loops.longer_than(0.5).births) == 0
    kept = voids.longer_than(0.5)
    assert kept.values.tolist() == [[0.0, 1.0]]
    assert tuple(map(int, np.unravel_index(kept.deaths[0], (7, 7, 7)))) == (3, 3, 3)


def test_places_hold_the_intensities_of_the_pairs_and_turned_images_have_the_same_lives() -> None:
    image = np.random.default_rng(0).random((5, 6, 7))
    for pairs, turned in zip(
        persistence_pairs(image), persistence_pairs(image.transpose(2, 0, 1)), strict=True
    ):
        np.testing.assert_array_equal(image.ravel()[pairs.births], pairs.values[:, 0])
        np.testing.assert_array_equal(image.ravel()[pairs.deaths], pairs.values[:, 1])
        np.testing.assert_allclose(np.sort(pairs.persistence), np.sort(turned.persistence))


def test_voxels_outside_a_mask_never_enter() -> None:
    image = ring()
    mask = np.ones(image.shape, dtype=bool)
    mask[:, 3, 3] = False
    assert len(persistence_pairs(image, mask)[LOOPS].longer_than(0.5).births) == 0
    empty = persistence_pairs(image, np.zeros(image.shape, dtype=bool))
    assert all(len(pairs.births) == 0 for pairs in empty)
    assert crop_features(image, np.zeros((3, *image.shape), dtype=bool)).shape == (9 * MEASURES,)


def test_structures_are_drawn_at_birth_and_death_and_only_above_the_threshold() -> None:
    wide = np.kron(shell(), np.ones((3, 3, 3)))  # smoothing over 3 voxels leaves it
    drawn = drawn_structures(wide, 0.3)
    assert drawn.shape == (2, *wide.shape) and drawn[VOIDS - 1].sum() == 2
    assert drawn[VOIDS - 1][9:12, 9:12, 9:12].sum() == 1
    assert not drawn_structures(wide, 5.0).any()


def test_features_count_lives_and_are_finite_without_any() -> None:
    pairs = Pairs(np.zeros(2, int), np.zeros(2, int), np.array([[0.0, 0.5], [0.15, 0.25]]))
    count, total, greatest, mean, entropy, birth = statistics(pairs)
    np.testing.assert_allclose(
        [count, total, greatest, mean, birth], [np.log(3), 0.6, 0.5, 0.3, 0.075], rtol=1e-12
    )
    assert entropy == pytest.approx(-(5 / 6 * np.log(5 / 6) + 1 / 6 * np.log(1 / 6)))
    # Levels -0.2, 0, 0.2, 0.4 ... 1.2.
    np.testing.assert_allclose(betti_curve(pairs)[[0, 2, 3, 4]], np.log([1, 3, 2, 1]))
    none = Pairs(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 2)))
    np.testing.assert_array_equal(diagram_features(none), np.zeros(MEASURES))


def test_a_linear_model_of_persistence_predicts_and_survives_a_file(tiny: Cohort, tmp_path: Path) -> None:
    train, val = tiny.take(tiny.case_ids[:20]), tiny.take(tiny.case_ids[20:28])
    method = TopoFeatures(spacing_mm=4.0).fit(train, val, Run(0, "cpu", 1, tmp_path))
    method.save(tmp_path)
    before, after = method.predict(val.blind()), TopoFeatures.load(tmp_path).predict(val.blind())
    for task, values in before.items():
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values, after[task])


def test_structures_pull_the_attention_in_training_and_change_no_prediction() -> None:
    torch.manual_seed(0)
    network = TwoStreamNetwork(2, (4, 8, 8), 4, 0.0, [0.0, 0.0])
    images = torch.randn(4, 2, 16, 16, 16)
    nowhere, everywhere = torch.zeros(4, 2, 16, 16, 16), torch.ones(4, 2, 16, 16, 16)
    far, near = network.train()(images, nowhere)[:, -1], network(images, everywhere)[:, -1]
    assert far.shape == (4,) and not torch.allclose(far, near)
    with torch.no_grad():
        network.eval()
        torch.testing.assert_close(network(images, nowhere), network(images, everywhere))


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["topo_features", "topotxr"])
def test_keeps_the_contract(name: str) -> None:
    check_method(name)


def test_structures_of_a_cohort_are_read_beside_its_crops(tiny: Cohort, tmp_path: Path) -> None:
    method = TopoTxR(spacing_mm=4.0, epochs=1, widths=(4, 8))
    cases = tiny.take(tiny.case_ids[:4])
    method.fit(cases, cases, Run(0, "cpu", 1, tmp_path))
    images, structures = method._examples(cases).read(np.array([2, 0]))
    assert images.shape[0] == structures.shape[0] == 2 and structures.dtype == torch.bool
    image = cases.crops(method._crop())[2][0]
    np.testing.assert_array_equal(structures[0].numpy(), drawn_structures(image, 0.1))
