"""The combined model of a cohort's own feature table."""

from dataclasses import dataclass

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench_zoo.classical.sources import CarriedTable, covariate_features


@dataclass
class ClinicalTable(CarriedTable):
    """The cohort's own features and its clinical covariates in one model.

    What :class:`bench_zoo.classical.sources.ClinicalRadiomics` is for images: covariates are screened and
    selected like the features.
    """

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Columns of numbers, and clinical covariates by ``clinical_<column>``."""
        return pd.concat([super().measure(cohort), covariate_features(cohort)], axis=1)
