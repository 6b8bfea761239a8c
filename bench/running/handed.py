"""What a method is handed: cases that know of no other case."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.radiomics import RadiomicsSettings
from bench.errors import CohortError
from bench.imaging.crop import Crop, require_images
from bench.imaging.crops import Crops, Regions, crops_of


@dataclass(frozen=True)
class StoredCrops:
    """Crops of some cases, as they are stored.

    Parameters
    ----------
    case_ids
        In the order of the first axis.
    values
        First image, mask and distance, shape (case, 3, z, y, x), float16.
    images
        Every image, shape (case, image, z, y, x), float16; None where the first was asked for alone.
    """

    case_ids: tuple[str, ...]
    values: np.ndarray
    images: np.ndarray | None = None

    def every_image(self) -> np.ndarray:
        """Every image; there are none where the crop shows the first alone."""
        return self.values[:, :0] if self.images is None else self.images


def _unasked(crop: Crop) -> StoredCrops:
    raise CohortError(f"crops of {crop.size_mm:g} mm were asked of cases that were not handed to a method")


def _unmeasured(settings: RadiomicsSettings) -> pd.DataFrame:
    raise CohortError("radiomics were asked of cases that were not handed to a method")


@dataclass(frozen=True, eq=False)
class HandedCohort(Cohort):
    """Cases without the rest of their cohort: their labels or none, their files, their crops.

    Parameters
    ----------
    ask_crops
        Who cuts crops, and gives those of these cases.
    ask_radiomics
        Who measures features, and gives the rows of these cases.
    feature_rows
        The rows of the feature table; None where the cohort carries none.
    """

    ask_crops: Callable[[Crop], StoredCrops] = field(default=_unasked, repr=False)
    ask_radiomics: Callable[[RadiomicsSettings], pd.DataFrame] = field(default=_unmeasured, repr=False)
    feature_rows: pd.DataFrame | None = field(default=None, repr=False)

    def crops(self, crop: Crop) -> Crops:
        """Crops of these cases, see :meth:`bench.cohorts.cohort.Cohort.crops`."""
        require_images(crop, self.images, self.name)
        stored = self.ask_crops(crop)
        rows = pd.Index(stored.case_ids).get_indexer(pd.Index(self.case_ids))
        return crops_of(stored.values, stored.every_image, rows, crop, self.images)

    def regions(
        self,
        crop: Crop,
        core_mm: float = 3.0,
        rim_mm: tuple[float, float] = (-3.0, 1.0),
        surround_mm: tuple[float, float] = (1.0, 9.0),
    ) -> Regions:
        """Core, rim and peritumoural region, see :meth:`bench.cohorts.cohort.Cohort.regions`."""
        distances = self.crops(Crop(crop.size_mm, crop.spacing_mm, ("distance",)))
        return Regions(distances, core_mm, rim_mm, surround_mm)

    def features(self) -> pd.DataFrame:
        """The rows of these cases in the feature table; raises CohortError where the cohort has none."""
        if self.feature_rows is None:
            raise CohortError(f"cohort {self.name!r} carries no feature table")
        return self.feature_rows.loc[list(self.case_ids)]

    def radiomics(self, settings: RadiomicsSettings | None = None) -> pd.DataFrame:
        """Features of these cases, see :meth:`bench.cohorts.cohort.Cohort.radiomics`."""
        return self.ask_radiomics(settings or RadiomicsSettings()).loc[list(self.case_ids)]


@dataclass(frozen=True, eq=False)
class WatchedCohort(Cohort):
    """Cases that note which images a method asked for; all that are taken of them note it in one place.

    Parameters
    ----------
    asked
        Channels of images, by the names of the images.
    """

    asked: set[str] = field(default_factory=set, repr=False)

    def crops(self, crop: Crop) -> Crops:
        """Crops of these cases, see :meth:`bench.cohorts.cohort.Cohort.crops`."""
        found = super().crops(crop)
        self.asked.update(crop.image_channels(self.images))
        return found

    def radiomics(self, settings: RadiomicsSettings | None = None) -> pd.DataFrame:
        """Features of the first image, see :meth:`bench.cohorts.cohort.Cohort.radiomics`."""
        found = super().radiomics(settings)
        self.asked.add(self.images[0])
        return found


def watched(cohort: Cohort) -> WatchedCohort:
    """The cases of a cohort, watched."""
    return WatchedCohort(**{one.name: getattr(cohort, one.name) for one in fields(cohort)})


def given(
    asked: Iterable[str], shows_files: bool, further: Iterable[str], images: tuple[str, ...]
) -> tuple[str, ...]:
    """The images that a method was given, as channels of crops, in the order of the images.

    Parameters
    ----------
    asked
        Channels of which it asked crops. Where it asked none, the first image counts if its files were shown.
    shows_files
        Whether files were shown.
    further
        Images beside the first whose files were shown then.
    images
        Of the cohort.
    """
    asked = set(asked)
    shown = {name for name in further if name in images} if shows_files else set()
    if shows_files and not asked:
        shown.add(images[0])
    return tuple(
        sorted(asked | shown, key=lambda channel: [images.index(part) for part in channel.split("-")])
    )
