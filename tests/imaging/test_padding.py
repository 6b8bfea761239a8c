"""Values far from all others in what a crop is cut from."""

import numpy as np
import pytest

from bench.imaging.padding import padding_note


def tissue(kind: str = "normal") -> np.ndarray:
    rng = np.random.default_rng(0)
    values = rng.gamma(2, 100, (20, 20, 20)) if kind == "gamma" else rng.normal(400, 90, (20, 20, 20))
    return values.astype(np.float32)


@pytest.mark.parametrize("value", [1e30, -1e30, 3.4e38, -32768, 65535, 1e6])
@pytest.mark.parametrize("slices", [1, 6, 15])
def test_padding_is_told_with_its_value_and_count(value: float, slices: int) -> None:
    block = tissue()
    block[:slices] = value
    note = padding_note(block)
    assert f"has {slices * 400} voxels of {np.float32(value):.4g} round the lesion" in note


def test_two_kinds_of_padding_are_one_warning() -> None:
    block = tissue()
    block[:2], block[-2:] = -32768, 32767
    assert "has 1600 voxels of -3.277e+04 to 3.277e+04" in padding_note(block)


@pytest.mark.parametrize("kind", ["normal", "gamma"])
def test_tissue_air_and_bright_vessels_are_no_padding(kind: str) -> None:
    for block in (tissue(kind), np.maximum(tissue(kind), 0)):
        assert padding_note(block) == ""
    masked = tissue(kind)
    masked[:12] = 0
    assert padding_note(masked) == ""
    vessel = tissue(kind)
    vessel[5, 5, :5] = 4 * vessel.max()
    assert padding_note(vessel) == ""
    assert padding_note(np.full((4, 4, 4), 7, np.float32)) == ""
