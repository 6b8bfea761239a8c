"""Voxels of lesion and peritumoural region with what tells habitats apart."""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import uniform_filter

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.imaging.regions import REGIONS

EDGE = 3
PARTS = ("lesion", "surround")
TRAITS = ("intensity", "mean", "sd")


def voxel_traits(image: np.ndarray) -> np.ndarray:
    """Intensity, and mean and standard deviation of 3 x 3 x 3 voxels: (z, y, x) -> (z, y, x, 3)."""
    exact = image.astype(float)
    mean = uniform_filter(exact, EDGE)
    square = uniform_filter(exact**2, EDGE)
    return np.stack([exact, mean, np.sqrt(np.maximum(square - mean**2, 0))], axis=-1)


def parted_cases(cohort: Cohort, crop: Crop) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Of each case the traits (z, y, x, 3), and where lesion and surround are, bool (z, y, x) by name."""
    crops, regions = cohort.crops(crop), cohort.regions(crop)
    surround = REGIONS.index("surround")
    for at in range(len(cohort)):
        image, mask = crops[at]
        yield voxel_traits(image), {"lesion": mask > 0.5, "surround": regions[at][surround]}
