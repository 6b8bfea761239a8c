"""Volumes of lesions."""

from collections.abc import Iterable

import numpy as np

from bench.imaging.source import CropSource
from bench.imaging.volume import read_volume


def lesion_volumes(source: CropSource, case_ids: Iterable[str]) -> np.ndarray:
    """Volume of the lesion of each case, mm³, shape (case,); every image and mask is read."""
    found = (
        read_volume(case_id, *source.paths(case_id), source.lesion_labels.get(case_id, ()))
        for case_id in case_ids
    )
    return np.array([one.array("mask").sum() * np.prod(one.spacing_mm) for one in found])
