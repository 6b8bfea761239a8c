"""Radiomics of images whose grey scale was changed: measured by the method itself, case by case."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError
from bench_zoo.harmonisation.scale import Floats, Scale, Voxels
from bench_zoo.radiomics.extraction import (
    Block,
    Settings,
    _as_images,
    _extractors,
    features_of,
    lesion_block,
    region_voxels,
)

# Paths of image and mask, and the values of the lesion in the mask.
Files = tuple[Path, Path, tuple[float, ...]]

log = logging.getLogger(__name__)


def files_of(cohort: Cohort) -> dict[str, Files]:
    """The files of each case."""
    source = cohort.crop_source()
    return {
        case_id: (*source.paths(case_id), tuple(source.lesion_labels.get(case_id, ())))
        for case_id in cohort.case_ids
    }


def blocks(cohort: Cohort, settings: Settings) -> Iterator[tuple[Floats, Voxels]]:
    """Image and lesion of each case that can be read, in the cube that is measured."""
    for case_id, files in files_of(cohort).items():
        block = _block(case_id, files, settings)
        if block is not None:
            yield block.percent, block.distance <= 0


def scaled_features(case_id: str, files: Files, settings: Settings, scale: Scale) -> dict[str, float]:
    """Features by ``<region>_<pyradiomics name>``, as :func:`bench_zoo.radiomics.extraction.case_features`.

    None of a case that cannot be read, and none of a region that pyradiomics refuses; the log says which.
    """
    block = _block(case_id, files, settings)
    if block is None:
        return {}
    percent = scale.apply(block.percent, block.distance <= 0)
    features: dict[str, float] = {}
    for region, voxels in region_voxels(block, settings).items():
        pair = _as_images(percent, voxels, settings.spacing_mm)
        try:
            found = [features_of(extractor, *pair) for extractor in _extractors(settings, region)]
        except Exception as error:  # pyradiomics raises whatever its numerics run into
            log.warning("case %r lacks radiomics of its %s: %s", case_id, region, error)
            continue
        features |= {f"{region}_{name}": value for part in found for name, value in part.items()}
    return features


def in_order(rows: list[dict[str, float]], case_ids: tuple[str, ...]) -> pd.DataFrame:
    """A row a case, the columns by name."""
    table = pd.DataFrame(rows, index=list(case_ids))
    return table[sorted(table.columns)].astype(float)


def _block(case_id: str, files: Files, settings: Settings) -> Block | None:
    try:
        return lesion_block(case_id, files[0], files[1], settings, files[2])
    except (CohortError, RuntimeError, ValueError) as error:
        log.warning("case %r lacks radiomics features: %s", case_id, error)
        return None
