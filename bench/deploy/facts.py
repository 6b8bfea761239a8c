"""What of an exam can lie outside what training covered: geometry, lesion size, intensity, covariates."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.imaging.regions import REGIONS
from bench.imaging.volume import Volume
from bench.progress import Advance

MICROLITRES = 1000.0
APPEARANCE_CROP = Crop(channels=("image",))
APPEARANCE = tuple(f"{region} {what}" for region in REGIONS for what in ("mean", "SD"))
# Column of the facts: a hash of what the exam shows, by which a model knows what it has learned from.
DIGEST = "digest"


def _to_nobody(done: int, total: int) -> None:
    """Report to nobody."""


def exam_facts(cohort: Cohort, report: Advance = _to_nobody) -> pd.DataFrame:
    """Measurements and covariates of each case, one row a case, indexed by case id.

    Of a cohort with images: voxel edges (mm), volume (ml) and largest extent (mm) of the lesion, the share of
    the image that is darker than the lesion's median, and of each region of the standardised crop mean and
    standard deviation (:data:`APPEARANCE`). Of one with a feature table its features. Of all: acquisition
    and clinical covariates, under ``acquisition NAME`` and ``clinical NAME``, and :data:`DIGEST`, a hash of
    the image's voxels, whatever format or compression its file has, or else of the features.

    Parameters
    ----------
    report
        Told after each case how many are done.

    Raises
    ------
    CohortError
        An image or a mask cannot be read.
    """
    columns = [_covariates(cohort)]
    if cohort.feature_file is not None:
        columns.append(_featured(cohort))
    if cohort.has_volumes:
        columns = [table.drop(columns=DIGEST, errors="ignore") for table in columns]
        columns.append(_measured(cohort, report))
    return pd.concat(columns, axis=1)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _covariates(cohort: Cohort) -> pd.DataFrame:
    acquired, clinical = cohort.covariates("acquisition"), cohort.covariates("clinical")
    return pd.concat([acquired.add_prefix("acquisition "), clinical.add_prefix("clinical ")], axis=1)


def _featured(cohort: Cohort) -> pd.DataFrame:
    features = cohort.features()
    digests = [_hash(repr(row).encode()) for row in features.itertuples(index=False, name=None)]
    return features.add_prefix("feature ").assign(**{DIGEST: digests})


def _measured(cohort: Cohort, report: Callable[[int, int], None]) -> pd.DataFrame:
    crops, regions = cohort.crops(APPEARANCE_CROP), cohort.regions(APPEARANCE_CROP)
    rows = []
    for place, case_id in enumerate(cohort.case_ids):
        rows.append(_geometry(cohort.volume(case_id)) | _appearance(crops[place][0], regions[place]))
        report(place + 1, len(cohort))
    return pd.DataFrame(rows, index=cohort.table.index)


def _geometry(volume: Volume) -> dict[str, Any]:
    image, lesion, (z, y, x) = volume.array("image"), volume.array("mask") > 0, volume.spacing_mm
    extent = [np.ptp(axis) + 1 for axis in np.nonzero(lesion)]
    return {
        "voxel along x, mm": x,
        "voxel along y, mm": y,
        "voxel along z, mm": z,
        "lesion volume, ml": float(lesion.sum() * x * y * z / MICROLITRES),
        "largest lesion extent, mm": float(max(np.multiply(extent, (z, y, x)))),
        "share of the image darker than the lesion": float((image < np.median(image[lesion])).mean()),
        DIGEST: _hash(np.ascontiguousarray(image).tobytes()),
    }


def _appearance(image: np.ndarray, regions: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation of the standardised image in each region, NaN in an empty one."""
    values = []
    for region in regions:
        inside = image[region]
        values += [float(inside.mean()), float(inside.std())] if inside.size else [np.nan, np.nan]
    return dict(zip(APPEARANCE, values, strict=True))
