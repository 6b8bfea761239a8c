"""What of an exam can lie outside what training covered: geometry, lesion size, intensity, covariates."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.files import cache_dir, write_whole
from bench.imaging import PREPROCESSING_VERSION
from bench.imaging.crop import Crop
from bench.imaging.regions import REGIONS
from bench.imaging.volume import Volume
from bench.progress import Advance

# Raised where a measurement changes.
VERSION = 1
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


def _hash(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _covariates(cohort: Cohort) -> pd.DataFrame:
    acquired, clinical = cohort.covariates("acquisition"), cohort.covariates("clinical")
    return pd.concat([acquired.add_prefix("acquisition "), clinical.add_prefix("clinical ")], axis=1)


def _featured(cohort: Cohort) -> pd.DataFrame:
    features = cohort.features()
    digests = [_hash(repr(row).encode()) for row in features.itertuples(index=False, name=None)]
    return features.add_prefix("feature ").assign(**{DIGEST: digests})


def _measured(cohort: Cohort, report: Callable[[int, int], None]) -> pd.DataFrame:
    """What is measured of each case, from the cache where these cases were measured before."""
    path = cache_dir() / "facts" / f"{_measured_key(cohort)}.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        rows = _measured_rows(cohort, report)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(rows))
    return pd.DataFrame(rows, index=cohort.table.index)


def _measured_key(cohort: Cohort) -> str:
    """A hash of all that the measurements are made of."""
    recipe = [VERSION, PREPROCESSING_VERSION, cohort.fingerprint, cohort.case_ids]
    return _hash(json.dumps(recipe).encode())


def _measured_rows(cohort: Cohort, report: Callable[[int, int], None]) -> list[dict[str, Any]]:
    crops, regions = cohort.crops(APPEARANCE_CROP), cohort.regions(APPEARANCE_CROP)
    rows = []
    for place, case_id in enumerate(cohort.case_ids):
        rows.append(_geometry(cohort.volume(case_id)) | _appearance(crops[place][0], regions[place]))
        report(place + 1, len(cohort))
    return rows


def _geometry(volume: Volume) -> dict[str, Any]:
    image, lesion, (z, y, x) = volume.array("image"), volume.array("mask") > 0, volume.spacing_mm
    return {
        "voxel along x, mm": x,
        "voxel along y, mm": y,
        "voxel along z, mm": z,
        "lesion volume, ml": float(lesion.sum() * x * y * z / MICROLITRES),
        "largest lesion extent, mm": float(max(np.multiply(_extent(lesion), (z, y, x)))),
        "share of the image darker than the lesion": float((image < np.median(image[lesion])).mean()),
        DIGEST: _hash(np.ascontiguousarray(image).data),
    }


def _extent(lesion: np.ndarray) -> list[int]:
    """Voxels from the first to the last of a lesion along z, y and x."""
    flat, stacked = np.asarray(lesion.any(axis=0)), np.asarray(lesion.any(axis=2))
    marked = [np.flatnonzero(one) for one in (stacked.any(axis=1), flat.any(axis=1), flat.any(axis=0))]
    return [int(np.ptp(one)) + 1 for one in marked]


def _appearance(image: np.ndarray, regions: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation of the standardised image in each region, NaN in an empty one."""
    values = []
    for region in regions:
        inside = image[region]
        values += [float(inside.mean()), float(inside.std())] if inside.size else [np.nan, np.nan]
    return dict(zip(APPEARANCE, values, strict=True))
