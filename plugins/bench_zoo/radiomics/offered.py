"""Radiomics for any method: what :meth:`bench.Cohort.radiomics` asks."""

import importlib.util
from dataclasses import asdict

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.radiomics import RadiomicsSettings
from bench.errors import CohortError, UsageError
from bench_zoo.radiomics import REMEDY
from bench_zoo.radiomics.extraction import Settings
from bench_zoo.radiomics.parameters import HELP, parameters_text
from bench_zoo.radiomics.table import feature_table


def feature_rows(cohort: Cohort, settings: RadiomicsSettings) -> pd.DataFrame:
    """Features of the cases by ``<region>_<pyradiomics name>``, from the cache that all methods share.

    Raises
    ------
    CohortError
        pyradiomics is not installed, or does not accept the parameter file.
    """
    _require_pyradiomics()
    asked = asdict(settings)
    if settings.radiomics_file:
        asked["radiomics_file"] = parameters_of(settings.radiomics_file)
    return feature_table(cohort, Settings(**asked))


def parameters_of(text: str) -> str:
    """What a parameter file holds, as JSON; CohortError where pyradiomics does not accept it."""
    _require_pyradiomics()
    from pykwalify.compat import yml  # as pyradiomics reads it; JSON is YAML too

    try:
        content = yml.load(text)
    except Exception as error:  # the parser has many kinds of error
        raise CohortError(f"radiomics_file: neither YAML nor JSON; {HELP}") from error
    if not isinstance(content, dict):
        raise CohortError(f"radiomics_file: expected setting, imageType or featureClass; {HELP}")
    try:
        return parameters_text(content)
    except UsageError as error:
        raise CohortError(str(error)) from error


def _require_pyradiomics() -> None:
    if importlib.util.find_spec("radiomics") is None:
        raise CohortError(f"radiomics features need {REMEDY}")
