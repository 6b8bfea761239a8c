"""Models of feature tables whose sites are harmonised inside fit."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.methods.method import Run
from bench_zoo.classical.sources import CarriedTable, RadiomicsTable
from bench_zoo.classical.table_model import TableModel
from bench_zoo.tabular.combat import ComBat

FILE = "combat.json"


@dataclass
class Harmonised(TableModel):
    """A table model whose features go through ComBat, fitted on the training cases alone.

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
        the parameter names it on the row.
    """

    harmonise: Literal["combat"] = "combat"
    by: str = "site"
    protect: tuple[str, ...] = ()
    unseen: Literal["as_is"] = "as_is"

    combat: ComBat | None = field(default=None, init=False, repr=False)
    names: tuple[str, ...] = field(default=(), init=False, repr=False)
    middles: tuple[float, ...] = field(default=(), init=False, repr=False)
    kept: tuple[float, ...] = field(default=(), init=False, repr=False)

    def raw(self, cohort: Cohort) -> pd.DataFrame:
        """Features before they are harmonised, shape (case, feature), NaN where missing."""
        raise NotImplementedError(f"{type(self).__name__} does not say which features: define raw")

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Fit ComBat, then the model on what it gives."""
        self.combat, self.report = None, run.report
        table = self.raw(train)
        table = table.loc[:, table.notna().any()]
        self.names = tuple(map(str, table.columns))
        self.middles = tuple(map(float, table.median()))
        covariates = self._covariates(train)
        self.kept = tuple(map(float, np.nan_to_num(np.nanmedian(covariates, axis=0)))) if self.protect else ()
        self.combat = ComBat.fitted(
            table.fillna(table.median()).to_numpy(dtype=float), self._sites(train), self._filled(covariates)
        )
        return super().fit(train, val, run)

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Harmonised features."""
        if self.combat is None:
            raise RuntimeError("ComBat has not been fitted: call fit or load first")
        table = self.raw(cohort).reindex(columns=list(self.names)).astype(float)
        gaps = table.isna()
        filled = table.fillna(pd.Series(self.middles, index=table.columns)).to_numpy()
        found = self.combat.apply(filled, self._sites(cohort), self._filled(self._covariates(cohort)))
        return pd.DataFrame(found, index=table.index, columns=table.columns).mask(gaps)

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

    def _filled(self, covariates: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(covariates), np.array(self.kept), covariates) if self.protect else covariates

    def save(self, folder: Path) -> None:
        """Write ComBat beside what :meth:`TableModel.save` writes."""
        super().save(folder)
        if self.combat is not None:
            state = {"names": self.names, "middles": self.middles, "kept": self.kept}
            text = json.dumps(state | {"combat": self.combat.as_json()})
            (folder / FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        method = super().load(folder)
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method.names, method.middles = tuple(state["names"]), tuple(state["middles"])
        method.kept, method.combat = tuple(state["kept"]), ComBat.from_json(state["combat"])
        return method


@dataclass
class HarmonisedCarried(Harmonised):
    """The cohort's own feature table, harmonised (:class:`Harmonised`), in one of nine families."""

    def raw(self, cohort: Cohort) -> pd.DataFrame:
        """Columns of numbers."""
        return CarriedTable.measure(self, cohort)  # type: ignore[arg-type]


@dataclass
class HarmonisedRadiomics(Harmonised, RadiomicsTable):
    """Radiomics, harmonised (:class:`Harmonised`), in one of nine families."""

    def raw(self, cohort: Cohort) -> pd.DataFrame:
        """Features by ``<region>_<pyradiomics name>``."""
        return RadiomicsTable.measure(self, cohort)
