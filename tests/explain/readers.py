"""Methods whose predictions come from a known place of the crop."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop

CROP = Crop(size_mm=40, spacing_mm=2, channels=("image", "mask"))
# Voxels of a box off the centre, (z, y, x), each edge another.
BOX = (slice(11, 17), slice(4, 9), slice(12, 16))


def in_box() -> np.ndarray:
    box = np.zeros(CROP.shape, bool)
    box[BOX] = True
    return box


@dataclass
class ReadsBox:
    """ER and Ki-67 follow the mean intensity in the box, PR and HER2 nothing."""

    crop: Crop = field(default=CROP)

    def fit(self, train: Cohort, val: Cohort, run: Any) -> "ReadsBox":
        return self

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        images = np.asarray(cohort.crops(self.crop))[:, 0]
        mean = images[:, *BOX].mean(axis=(1, 2, 3)).astype(float)
        flat = np.full(len(cohort), 0.5)
        return {"er": 1 / (1 + np.exp(-4 * mean)), "pr": flat, "her2": flat, "ki67": 30 * mean}


class ExplainsBox(ReadsBox):
    """The same, with a map of its own."""

    def explain(self, cohort: Cohort) -> np.ndarray:
        return np.repeat(in_box()[None].astype(float), len(cohort.crops(self.crop)), axis=0)
