"""Radiomics as a table: what a radiomics method and its counterpart on tables share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.radiomics import RadiomicsSettings
from bench.errors import UsageError
from bench.methods.lens import Lens
from bench.methods.method import MethodSpec
from bench.methods.parameters import parameters
from bench_zoo.radiomics.parameters import settle_parameters

TARGET = "bench_zoo.harmonisation.measured:Measured"


@dataclass
class Measured(Lens):
    """Shows a method of feature tables the radiomics of its cases as that table.

    Parameters
    ----------
    regions, spacing_mm, bin_width, surround_mm, image_types, radiomics_file
        See :class:`bench.RadiomicsSettings`.
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

    def features(self, cohort: Cohort) -> pd.DataFrame:
        """What is measured in these cases, or what a lens before this one makes of it."""
        settings = {one.name: getattr(self, one.name) for one in fields(RadiomicsSettings)}
        return cohort.radiomics(RadiomicsSettings(**settings))


def measures(spec: MethodSpec) -> bool:
    """Whether it is a method of this package that measures radiomics itself."""
    return spec.target.startswith("bench_zoo.") and "radiomics" in spec.requires


def on_measured(spec: MethodSpec, specs: Mapping[str, MethodSpec]) -> MethodSpec:
    """The counterpart of a radiomics method on tables, with its features and hyperparameters.

    Raises
    ------
    UsageError
        The method has no counterpart.
    """
    if TARGET in spec.changes:
        return spec
    if spec.on_table not in specs:
        raise UsageError(f"{spec.name} measures features for no method that reads a table")
    table = specs[spec.on_table]
    standard = parameters(replace(table, params={}, changes=(TARGET,)))
    own = {**parameters(table), **parameters(spec)}
    return replace(
        spec,
        target=table.target,
        params={name: own[name] for name in standard.keys() & own.keys() if own[name] != standard[name]},
        changes=(TARGET, *spec.changes),
    )
