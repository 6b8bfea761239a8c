"""Tables of features through ComBat, fitted on the training cases alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.radiomics import RadiomicsSettings, recipe_name
from bench.errors import CohortError, UsageError
from bench.methods.lens import Lens
from bench.methods.method import MethodSpec
from bench_zoo.harmonisation.measured import measures, on_measured
from bench_zoo.tabular.combat import ComBat

FEATURES = "features"


@dataclass(frozen=True, eq=False)
class Fitted:
    """ComBat of one table.

    Parameters
    ----------
    middles
        Medians of the training cases by feature, which fill gaps for ComBat.
    kept
        Medians of the protected covariates.
    """

    middles: "pd.Series[float]"
    kept: np.ndarray
    combat: ComBat

    @classmethod
    def of(cls, table: pd.DataFrame, sites: np.ndarray, covariates: np.ndarray) -> Self:
        """Learn from training cases; features that all of them lack are left out."""
        table = table.loc[:, table.notna().any()]
        middles = table.median()
        kept = np.nan_to_num(np.nanmedian(covariates, axis=0)) if covariates.size else np.zeros(0)
        filled = table.fillna(middles).to_numpy(dtype=float)
        return cls(middles, kept, ComBat.fitted(filled, sites, _filled(covariates, kept)))

    def apply(self, table: pd.DataFrame, sites: np.ndarray, covariates: np.ndarray) -> pd.DataFrame:
        """The features of any cases; gaps stay gaps."""
        table = table.reindex(columns=self.middles.index).astype(float)
        filled = table.fillna(self.middles).to_numpy()
        found = self.combat.apply(filled, sites, _filled(covariates, self.kept))
        return pd.DataFrame(found, index=table.index, columns=table.columns).mask(table.isna())

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        middles = {"names": list(map(str, self.middles.index)), "middles": self.middles.tolist()}
        return middles | {"kept": self.kept.tolist(), "combat": self.combat.as_json()}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """What :meth:`as_json` gave."""
        middles = pd.Series(state["middles"], index=state["names"], dtype=float)
        return cls(middles, np.array(state["kept"], dtype=float), ComBat.from_json(state["combat"]))


@dataclass
class CombatTable(Lens):
    """Shows a method its features after ComBat: the numbers of the cohort's table, or radiomics.

    Gaps are filled with training medians for ComBat, and are gaps again behind it.

    Parameters
    ----------
    harmonise
        ``combat``: :class:`bench_zoo.tabular.combat.ComBat`.
    by
        ``site``, or an acquisition covariate such as the vendor.
    protect
        Clinical covariates of numbers that ComBat keeps, such as age.
    unseen
        ``as_is``: cases of a site that was not in training keep their features. There is no other treatment;
        the parameter names it in the record.
    """

    harmonise: Literal["combat"] = "combat"
    by: str = "site"
    protect: tuple[str, ...] = ()
    unseen: Literal["as_is"] = "as_is"

    fitted: dict[str, Fitted] = field(default_factory=dict, init=False, repr=False)

    def features(self, cohort: Cohort) -> pd.DataFrame:
        """The cohort's own table; columns of words stay as they are."""
        table = cohort.features()
        words = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
        changed = self._changed(FEATURES, cohort, _numbers)
        return changed.join(table[words])

    def radiomics(self, cohort: Cohort, settings: RadiomicsSettings) -> pd.DataFrame:
        """Radiomics."""
        return self._changed(recipe_name(settings), cohort, lambda one: one.radiomics(settings))

    def as_json(self) -> dict[str, Any]:
        """ComBat of each table that was read."""
        return {name: one.as_json() for name, one in self.fitted.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """What :meth:`as_json` gave."""
        self.fitted = {name: Fitted.from_json(one) for name, one in state.items()}

    @classmethod
    def adapted(cls, spec: MethodSpec, specs: Mapping[str, MethodSpec]) -> MethodSpec:
        """Radiomics methods of this package read their features as a table."""
        if measures(spec):
            return on_measured(spec, specs)
        if spec.is_of_the_project and "features" not in spec.needs:
            raise UsageError(f"{spec.name} reads no table of features")
        return spec

    def _changed(self, name: str, cohort: Cohort, read: Callable[[Cohort], pd.DataFrame]) -> pd.DataFrame:
        if name not in self.fitted:
            if self.train is None:
                raise CohortError("ComBat: these features were not read when the method was fitted")
            known = self._sites(self.train), self._covariates(self.train)
            self.fitted[name] = Fitted.of(read(self.train), *known)
        return self.fitted[name].apply(read(cohort), self._sites(cohort), self._covariates(cohort))

    def _sites(self, cohort: Cohort) -> np.ndarray:
        if self.by == "site":
            return cohort.sites
        table = cohort.covariates("acquisition")
        if self.by not in table:
            known = ", ".join(["site", *map(str, table)])
            raise UsageError(f"by={self.by!r}: the cohort has no such acquisition covariate, it has {known}")
        return table[self.by].astype(str).to_numpy(dtype=object)

    def _covariates(self, cohort: Cohort) -> np.ndarray:
        table = cohort.covariates("clinical")
        lacking = [name for name in self.protect if name not in table]
        if lacking:
            raise UsageError(f"protect={lacking[0]!r}: the cohort has no such clinical covariate")
        return table[list(self.protect)].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)


def _numbers(cohort: Cohort) -> pd.DataFrame:
    table = cohort.features()
    return table[[name for name in table if pd.api.types.is_numeric_dtype(table[name])]].astype(float)


def _filled(covariates: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(covariates), kept, covariates)
