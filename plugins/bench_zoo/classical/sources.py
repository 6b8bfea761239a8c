"""Where the features of a table model come from: images, masks, clinical covariates, or the cohort itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench_zoo.classical.table_model import TableModel
from bench_zoo.radiomics.carried import numeric_features
from bench_zoo.radiomics.extraction import settings_of
from bench_zoo.radiomics.parameters import settle_parameters
from bench_zoo.radiomics.table import feature_table

SHAPE = "lesion_original_shape_"


@dataclass
class CarriedTable(TableModel):
    """The cohort's own feature table in one of nine families (:class:`TableModel`); no image is read."""

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Columns of numbers, NaN where missing."""
        return numeric_features(cohort)


@dataclass
class RadiomicsTable(TableModel):
    """Radiomics in one of nine families (:class:`TableModel`).

    Features are measured once a cohort and setting, and shared with the other radiomics methods.

    Parameters
    ----------
    regions, spacing_mm, bin_width, surround_mm, image_types, radiomics_file
        See :class:`bench_zoo.radiomics.extraction.Settings`.
    """

    regions: tuple[str, ...] = ("lesion", "surround")
    spacing_mm: float = 1.5
    bin_width: float = 5.0
    surround_mm: tuple[float, float] = (1.0, 9.0)
    image_types: tuple[str, ...] = ("original",)
    radiomics_file: str = ""

    @classmethod
    def settle(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """The content of a parameter file of pyradiomics in place of its path."""
        return settle_parameters(cls, params)

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Features by ``<region>_<pyradiomics name>``."""
        return feature_table(cohort, settings_of(self), self.report)


@dataclass
class MaskShape(RadiomicsTable):
    """What the outline of the lesion alone predicts: pyradiomics' shape features, no intensity.

    Beside :class:`bench_zoo.baselines.tumour_size.method.TumourSize` it also sees how round, flat or ragged
    the mask is. An image method that is no better may have read who drew the mask, and how.
    """

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Shape features of the lesion, which need no intensity."""
        table = super().measure(cohort)
        return table[[name for name in table.columns if str(name).startswith(SHAPE)]]


@dataclass
class ClinicalRadiomics(RadiomicsTable):
    """The combined model of radiomics papers: radiomics and clinical covariates in one model.

    Covariates of numbers count as features; each value of a covariate of words is a feature of 0 and 1. Both
    are screened and selected like the radiomics. Papers often put a radiomics signature and covariates into a
    nomogram instead, which needs a second training set for the signature.
    """

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Radiomics, and clinical covariates by ``clinical_<column>``."""
        return pd.concat([super().measure(cohort), covariate_features(cohort)], axis=1)


def covariate_features(cohort: Cohort) -> pd.DataFrame:
    """Clinical covariates as numbers, shape (case, feature), NaN where missing.

    A value that is no number is missing in the column ``clinical_<column>``, and has a column
    ``clinical_<column>=<value>`` of its own, which is 1 where the case has it.
    """
    columns: dict[str, np.ndarray] = {}
    covariates = cohort.covariates("clinical")
    for name, values in covariates.items():
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        columns[f"clinical_{name}"] = np.where(np.isfinite(numbers), numbers, np.nan)
        for word in sorted(values[np.isnan(numbers)].dropna().astype(str).unique()):
            columns[f"clinical_{name}={word}"] = (values.astype(str) == word).to_numpy(dtype=float)
    return pd.DataFrame(columns, index=covariates.index)
