"""What declared covariates alone predict: ``acquisition`` and ``clinical`` differ in their columns."""

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.methods.method import Predictions, Run
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.tabular.linear import Labelled, fit_linear, ridge_path
from bench_zoo.targets import Target, targets_of

FILE = "covariates.json"
# Standardised values are cut off here: one mistyped age shall not outvote the rest.
FARTHEST = 5.0
# Words that a warning quotes.
NAMED = 5

log = logging.getLogger(__name__)


@dataclass
class CovariateModel:
    """A ridge-penalised linear model of the covariates that the cohort declares with one role.

    It reads no image, so what it predicts is what the table knows. An image method that is no better than
    ``acquisition`` (scanner, field strength, spacing) may have learnt the scanner; one that is no better than
    ``clinical`` (age and the like) adds nothing. Columns are encoded as in :class:`Encoding`, fitted on the
    training cases. Losses: :func:`bench_zoo.tabular.linear.solve_ridge`. The penalty is chosen on the
    validation cases, see :func:`bench_zoo.tabular.linear.fit_linear`; there is no randomness.

    Parameters
    ----------
    role
        ``acquisition`` or ``clinical``.
    penalties
        Ridge penalties to choose from.
    """

    role: Literal["acquisition", "clinical"] = "acquisition"
    penalties: tuple[float, ...] = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)

    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    encodings: tuple["Encoding", ...] = field(default=(), init=False, repr=False)
    weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)), init=False, repr=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Fit one line a task; ``val`` chooses the penalty."""
        table = train.covariates(self.role)
        self.targets = targets_of(train)
        self.encodings = tuple(Encoding.of(table[name]) for name in table.columns)
        learn, judge = self._features(table), self._features(val.covariates(self.role))
        rows = [
            fit_linear(
                target,
                Labelled.of(target, learn, train),
                Labelled.of(target, judge, val),
                ridge_path(target.binary, self.penalties),
            )
            for target in self.targets
        ]
        self.weights = np.stack(rows)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        outputs = self._features(cohort.covariates(self.role)) @ self.weights[:, :-1].T + self.weights[:, -1]
        return {target.task: target.decode(outputs[:, at]) for at, target in enumerate(self.targets)}

    def count_parameters(self) -> int:
        """A weight an encoded column and an intercept, a task."""
        return int(self.weights.size)

    def save(self, folder: Path) -> None:
        """Write everything as JSON."""
        state = {
            "params": hyperparameters(self),
            "targets": [target.as_json() for target in self.targets],
            "encodings": [asdict(encoding) for encoding in self.encodings],
            "weights": self.weights.tolist(),
        }
        (folder / FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method = cls(**from_json(state["params"]))
        method.targets = tuple(Target.from_json(row) for row in state["targets"])
        method.encodings = tuple(Encoding.from_json(row) for row in state["encodings"])
        method.weights = np.array(state["weights"])
        return method

    def _features(self, table: pd.DataFrame) -> np.ndarray:
        columns = [encoding.apply(table[encoding.column]) for encoding in self.encodings]
        return np.concatenate([np.empty((len(table), 0)), *columns], axis=1)


@dataclass(frozen=True)
class Encoding:
    """One covariate as numbers; both kinds add an indicator of missing values where training cases lack some.

    A covariate is numeric where at least half of the training cases' known values are numbers; words among
    them (``>70``, ``unknown``) then count as missing. Else every value is a level.

    Parameters
    ----------
    column
        Name of the covariate.
    levels
        Text: the training cases' values, a 0/1 column each; any other value is 0 in all. Empty for a
        numeric covariate.
    median, mean, scale
        Numeric: what a missing value becomes, and what standardises; statistics of the training cases.
    missing
        Whether training cases lacked the value.
    """

    column: str
    levels: tuple[str, ...]
    median: float
    mean: float
    scale: float
    missing: bool

    @classmethod
    def of(cls, values: pd.Series) -> Self:
        """The encoding that the training cases' values define."""
        name, numbers = str(values.name), _numbers(values)
        known = numbers[np.isfinite(numbers)]
        if 2 * known.size < values.notna().sum():
            levels = tuple(sorted(values.dropna().astype(str).unique()))
            return cls(name, levels, 0.0, 0.0, 1.0, bool(values.isna().any()))
        _report_words(values[values.notna() & np.isnan(numbers)], len(values))
        median = float(np.median(known)) if known.size else 0.0
        filled = np.where(np.isfinite(numbers), numbers, median)
        lacking = bool(np.isnan(numbers).any())
        return cls(name, (), median, float(filled.mean()), float(filled.std()) or 1.0, lacking)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """The encoding that ``dataclasses.asdict`` wrote."""
        return cls(**{**row, "levels": tuple(row["levels"])})

    def apply(self, values: pd.Series) -> np.ndarray:
        """Columns of the model, shape (case, column)."""
        if self.levels:
            absent = values.isna().to_numpy(dtype=bool)
            text = values.astype(str).to_numpy(dtype=object)
            columns = [(text == level) & ~absent for level in self.levels]
        else:
            numbers = _numbers(values)
            absent = np.isnan(numbers)
            filled = np.where(np.isfinite(numbers), numbers, self.median)
            columns = [np.clip((filled - self.mean) / self.scale, -FARTHEST, FARTHEST)]
        if self.missing:
            columns.append(absent)
        return np.stack(columns, axis=1).astype(float)


def _numbers(values: pd.Series) -> np.ndarray:
    """Every value as a number, shape (case,), NaN where it is missing or a word."""
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _report_words(words: pd.Series, cases: int) -> None:
    if len(words):
        named = ", ".join(repr(word) for word in words.astype(str).unique()[:NAMED])
        log.warning(
            "covariate %r: %d of %d training values are no numbers (%s) and count as missing",
            words.name,
            len(words),
            cases,
            named,
        )
