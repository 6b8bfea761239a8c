"""A cohort whose images are wiped in places: what a method makes of it says where it looks."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop, images_in

# What a wiped voxel holds: the median of the case's crop, the value beyond the image's end.
WIPED = 0.0


@dataclass(frozen=True, eq=False)
class AlteredCohort(Cohort):
    """Cases without labels, whose crops are wiped where ``wiped`` says so.

    Parameters
    ----------
    wiped
        Where intensities become :data:`WIPED`, bool, shape (case, z, y, x) on the grid of ``grid``; None for
        nowhere. Mask and distance stay, so that a method knows where the lesion is.
    grid
        The crop on whose grid ``wiped`` is; other crops have the same centre.
    seen
        Crops that were asked for, in their order.
    """

    wiped: np.ndarray | None = field(default=None, repr=False)
    grid: Crop = field(default_factory=Crop)
    seen: list[Crop] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, cohort: Cohort, case_ids: Sequence[str], **altered: Any) -> Self:
        """These cases, one of them as often as it is named; ``altered`` are the fields of this class."""
        taken = cohort.take(case_ids).blind()
        return cls(**{one.name: getattr(taken, one.name) for one in fields(Cohort)}, **altered)

    def crops(self, crop: Crop) -> Any:
        """Crops of these cases, float32, shape (case, channel, z, y, x), wiped."""
        self.seen.append(crop)
        values = np.array(super().crops(crop))
        if self.wiped is not None:
            wiped = same_places(self.wiped, self.grid, crop)
            for at, channel in enumerate(crop.channels):
                if images_in(channel, self.images):
                    values[:, at][wiped] = WIPED
        return values


def same_places(values: np.ndarray, grid: Crop, other: Crop) -> np.ndarray:
    """Values on the grid of a crop at the voxels of another of the same centre, bool; False beyond.

    Each voxel has the value of the one that its centre lies in; ``values`` have shape (..., z, y, x).
    """
    if (grid.shape, grid.spacing_mm) == (other.shape, other.spacing_mm):
        return values
    count, wanted = grid.shape[0], other.shape[0]
    places = (np.arange(wanted) - (wanted - 1) / 2) * other.spacing_mm
    index = np.rint(places / grid.spacing_mm + (count - 1) / 2).astype(int)
    inside = (index >= 0) & (index < count)
    index = index.clip(0, count - 1)
    taken = values[..., index[:, None, None], index[:, None], index]
    return np.asarray(taken & inside[:, None, None] & inside[:, None] & inside)


def crops_read(method: Any, cohort: Cohort, case_id: str) -> tuple[Crop, ...]:
    """The crops with an image that a fitted method reads to predict a case, each once."""
    watched = AlteredCohort.of(cohort, [case_id])
    method.predict(watched)
    shown = (crop for crop in watched.seen if any(images_in(name, cohort.images) for name in crop.channels))
    return tuple(dict.fromkeys(shown))
