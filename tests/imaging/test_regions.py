import numpy as np
import pytest

from bench.imaging.regions import region_masks


def sphere(radius: float, size: int = 32, spacing: float = 1.0) -> np.ndarray:
    axis = (np.arange(size) - (size - 1) / 2) * spacing
    return np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2) - radius


def test_core_rim_and_surround_follow_the_distance_and_do_not_overlap() -> None:
    distance = sphere(7)
    core, rim, surround = masks = region_masks(distance)
    np.testing.assert_array_equal(core, distance < -3)
    np.testing.assert_array_equal(rim, (distance >= -3) & (distance <= 1))
    np.testing.assert_array_equal(surround, (distance > 1) & (distance <= 9))
    assert masks.sum(axis=0).max() == 1


def test_a_lesion_too_small_for_a_core_gives_its_deepest_quarter_which_is_then_no_rim() -> None:
    distance = sphere(2.6)
    core, rim, _ = region_masks(distance)
    lesion = distance <= 0
    assert 0.25 <= core.sum() / lesion.sum() < 0.5  # all voxels as deep as the last of the quarter
    assert distance[core].max() < distance[lesion & ~core].min()
    assert not (core & rim).any()


def test_the_smallest_lesion_is_all_core() -> None:
    distance = np.full((5, 5, 5), 4.0)
    distance[2, 2, 2] = 0
    core, rim, surround = region_masks(distance)
    assert core.sum() == 1 and core[2, 2, 2]
    assert not rim.any()
    assert surround.sum() == 124


@pytest.mark.parametrize("radius", [2.6, 7])
def test_turning_the_lesion_turns_its_regions(radius: float) -> None:
    distance = sphere(radius) + 0.3 * np.linspace(-1, 1, 32)
    turned = region_masks(distance[::-1].transpose(1, 2, 0))
    np.testing.assert_array_equal(turned, region_masks(distance)[:, ::-1].transpose(0, 2, 3, 1))


def test_regions_that_are_asked_to_overlap_give_way_to_the_inner_one() -> None:
    masks = region_masks(sphere(7), core_mm=2, rim_mm=(-4, 3), surround_mm=(0, 5))
    assert masks.sum(axis=0).max() == 1
    assert (masks[0] == (sphere(7) < -2)).all()
