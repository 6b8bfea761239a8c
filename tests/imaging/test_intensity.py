import numpy as np
import pytest

from bench.errors import CohortError
from bench.imaging.intensity import INTENSITY_RANGE, normalise


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(3).gamma(2, 100, (12, 12, 12)).astype(np.float32)


def test_gain_and_offset_of_the_scanner_leave_no_trace(values: np.ndarray) -> None:
    np.testing.assert_allclose(normalise(3.7 * values + 250, "a"), normalise(values, "a"), atol=1e-4)


def test_the_median_becomes_0_and_the_99th_percentile_1(values: np.ndarray) -> None:
    scaled = normalise(values, "a")
    assert np.percentile(scaled, [50, 99]) == pytest.approx([0, 1], abs=1e-5)


def test_padding_counts_in_no_statistic_and_becomes_0(values: np.ndarray) -> None:
    padded = np.concatenate([values, np.full_like(values, np.nan)])
    scaled = normalise(padded, "a")
    np.testing.assert_array_equal(scaled[:12], normalise(values, "a"))
    assert (scaled[12:] == 0).all()


def test_outliers_are_clipped(values: np.ndarray) -> None:
    values[0, 0, :2] = -1e6, 1e6
    scaled = normalise(values, "a")
    assert (scaled.min(), scaled.max()) == INTENSITY_RANGE


def test_a_crop_outside_the_image_names_the_case() -> None:
    with pytest.raises(CohortError, match="case 'a': no voxel of its image lies in the crop"):
        normalise(np.full((2, 2, 2), np.nan), "a")
