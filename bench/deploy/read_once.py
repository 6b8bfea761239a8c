"""A cohort whose crops, regions and volumes are read once, however many models ask for them."""

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop

if TYPE_CHECKING:
    from bench.imaging.crops import Crops
    from bench.imaging.volume import Volume

# Bytes of volumes that are kept; those beyond are read anew by each model.
MAX_VOLUMES = 512 * 2**20
# Of a voxel as it is kept: of a mask, and of an image whose header scales what it stores.
MASK_BYTES, SCALED_BYTES = 1, 4


@dataclass(frozen=True, eq=False)
class ReadOnce(Cohort):
    """A cohort that keeps what it has read; the cohorts taken of it share what is kept."""

    kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    def crops(self, crop: Crop) -> "Crops":
        """As those of any cohort; opened once."""
        key = ("crops", crop, self.case_ids)
        if key not in self.kept:
            self.kept[key] = super().crops(crop)
        return self.kept[key]  # type: ignore[no-any-return]

    def volume(self, case_id: str) -> "Volume":
        """As that of any cohort; kept while there is room."""
        if ("volume", case_id) in self.kept:
            return self.kept["volume", case_id]  # type: ignore[no-any-return]
        volume = super().volume(case_id)
        taken = self.kept.get("bytes", 0) + _bytes(volume)
        if taken <= MAX_VOLUMES:
            self.kept["bytes"] = taken
            self.kept["volume", case_id] = volume
        return volume


def read_once(exams: Cohort) -> ReadOnce:
    """The exams as such a cohort, which has read none yet."""
    return ReadOnce(**{one.name: getattr(exams, one.name) for one in fields(Cohort)})


def fitting(exams: Cohort) -> list[tuple[str, ...]]:
    """The exams in groups whose volumes can all be kept, so that no model reads one anew."""
    if not exams.has_volumes:
        return [exams.case_ids]
    from bench.imaging.volume import open_file

    source, taken = exams.crop_source(), 0
    groups: list[list[str]] = [[]]
    for case_id in exams.case_ids:
        data = open_file(case_id, "image", source.paths(case_id)[0]).data
        stored = data.number.itemsize if (data.slope, data.intercept) == (1, 0) else SCALED_BYTES
        size = int(np.prod(data.size)) * (stored + MASK_BYTES)
        if groups[-1] and taken + size > MAX_VOLUMES:
            groups.append([])
            taken = 0
        groups[-1].append(case_id)
        taken += size
    return [tuple(group) for group in groups]


def _bytes(volume: "Volume") -> int:
    voxels = volume.image.GetNumberOfPixels()
    return int(voxels * (volume.image.GetSizeOfPixelComponent() + MASK_BYTES))
