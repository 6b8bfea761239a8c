"""Features by a parameter file of pyradiomics: image and mask as they are, and nothing done before."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from bench.imaging.distance import signed_distance
from bench.imaging.regions import REGIONS, region_masks
from bench.imaging.volume import Volume


@lru_cache(maxsize=1)
def own_extractor(parameters: str) -> Any:
    """``RadiomicsFeatureExtractor`` of parameters as JSON text; no diagnostics, which are no features."""
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    extractor = RadiomicsFeatureExtractor(json.loads(parameters))
    extractor.addProvenance(False)
    return extractor


def native_regions(
    volume: Volume, regions: Sequence[str], surround_mm: tuple[float, float]
) -> dict[str, sitk.Image]:
    """Masks of the regions on the image's own grid, 1 inside.

    The lesion is the mask as it stands. The others follow from the signed distance to its boundary
    (:func:`bench.imaging.regions.region_masks`) and end where the image ends.
    """
    lesion = sitk.GetArrayFromImage(volume.mask) != 0
    voxels = {"lesion": lesion}
    if set(regions) - {"lesion"}:
        spacing = np.array(volume.mask.GetSpacing()[::-1])
        distance = distance_near(lesion, spacing, max(surround_mm[1], 1.0))
        voxels |= dict(zip(REGIONS, region_masks(distance, surround_mm=surround_mm), strict=True))
    return {name: _as_mask(voxels[name], volume.mask) for name in regions}


def distance_near(lesion: np.ndarray, spacing_mm: np.ndarray, reach_mm: float) -> np.ndarray:
    """Signed distance to the lesion's boundary, mm, float32, shape (z, y, x); infinite far from it.

    It is known up to ``reach_mm`` from the lesion's bounding box at least: of a whole image it would take
    minutes.
    """
    (box,) = ndimage.find_objects(lesion.astype(np.uint8))
    margin = np.ceil(reach_mm / spacing_mm).astype(int) + 1
    block = np.pad(lesion[box], [(width, width) for width in margin])
    near = signed_distance(block, spacing_mm)
    starts = np.array([edge.start for edge in box]) - margin
    first, last = np.maximum(starts, 0), np.minimum(starts + block.shape, lesion.shape)
    distance = np.full(lesion.shape, np.inf, np.float32)
    inside = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    distance[inside] = near[tuple(slice(a, b) for a, b in zip(first - starts, last - starts, strict=True))]
    return distance


def _as_mask(voxels: np.ndarray, like: sitk.Image) -> sitk.Image:
    mask = sitk.GetImageFromArray(voxels.astype(np.uint8))
    mask.CopyInformation(like)
    return mask
