"""Intensity: MRI has no unit, so each case is scaled by robust statistics of its own crop."""

import numpy as np

from bench.errors import CohortError

# Normalised intensities are clipped to this range: 0 is the crop's median, 1 its 99th percentile.
INTENSITY_RANGE = (-3.0, 4.0)


def normalise(values: np.ndarray, case_id: str) -> np.ndarray:
    """Intensities as (value - median) / (99th percentile - median), clipped to INTENSITY_RANGE.

    The statistics are those of the voxels that lie in the image. Padding, where the image ends, becomes 0:
    the median, the value that says least. The result does not change with the scanner's gain and offset.

    Parameters
    ----------
    values
        Intensities, any shape, NaN where the image ends.
    case_id
        For the message of the CohortError raised where median and 99th percentile are the same.
    """
    scaled = in_unit(values, unit_of(values, case_id))
    return np.asarray(np.nan_to_num(np.clip(scaled, *INTENSITY_RANGE), nan=0.0))


def unit_of(values: np.ndarray, case_id: str, role: str = "image") -> tuple[np.float32, np.float32]:
    """The median of intensities, and how far their 99th percentile lies above it; see :func:`normalise`.

    ``role`` names the image in the message of the CohortError.
    """
    inside = values[~np.isnan(values)]
    if not inside.size:
        raise CohortError(f"case {case_id!r}: no voxel of its {role} lies in the crop round its lesion")
    median, high = np.percentile(inside, [50, 99])
    if not high > median:
        raise CohortError(
            f"case {case_id!r}: the {role} is constant round the lesion (median and 99th percentile are both "
            f"{median:g}), expected tissue with contrast; check that {role} and mask belong together"
        )
    return np.float32(median), np.float32(high - median)


def in_unit(values: np.ndarray, unit: tuple[np.float32, np.float32]) -> np.ndarray:
    """Intensities in a unit of :func:`unit_of`, not clipped, NaN where the image ends."""
    median, spread = unit
    return np.asarray((values - median) / spread)
