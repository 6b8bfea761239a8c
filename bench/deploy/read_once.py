"""A cohort whose crops, regions and volumes are read once, however many models ask for them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop

if TYPE_CHECKING:
    from bench.imaging.crops import Crops
    from bench.imaging.volume import Volume

# Bytes of volumes that are kept; those beyond are read anew by each model.
MAX_VOLUMES = 512 * 2**20


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
        size = volume.image.GetNumberOfPixels() * volume.image.GetSizeOfPixelComponent()
        taken = self.kept.get("bytes", 0) + size + volume.mask.GetNumberOfPixels()
        if taken <= MAX_VOLUMES:
            self.kept["bytes"] = taken
            self.kept["volume", case_id] = volume
        return volume
