"""Columns that give a label away: covariates and features whose values equal or wholly determine it.

A column of values that are all different determines every label and proves nothing; a column of two values
that parts the classes of 40 patients does not do so by chance. So a column is reported where it determines
the label of all patients and a random order of the labels would let it do so with a probability of at most
one in a thousand, over all columns and tasks together (Bonferroni).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import rankdata

from bench.cohorts.checking.violation import Violation
from bench.task import Task

CHANCE = 1e-3
"""Largest probability, over all columns and tasks, at which determination by chance is an error ..."""
DOUBT = 0.05
"""... and at which it is a warning."""
# A column that agrees with so many labels, of at least so many patients of the rarer kind, is a warning.
NEARLY, RARER = 0.95, 10
# Rows that are equal in so many columns, each with different values for most cases, are copies of one.
MEASURED = 5
GIVEN_AWAY, NEARLY_GIVEN_AWAY = "column gives a label away", "column nearly gives a label away"


@dataclass(frozen=True, eq=False)
class Column:
    """A column that methods read: ``where`` it stands, its ``values``, one a case."""

    where: str
    name: str
    values: "pd.Series"


@dataclass(frozen=True, eq=False)
class _Groups:
    """The lowest and the highest label of each value of a column."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, labels: np.ndarray) -> "_Groups":
        _, codes = np.unique(codes, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        low = np.minimum.reduceat(labels[order], starts)
        high = np.maximum.reduceat(labels[order], starts)
        return cls(low, high)

    @property
    def pure(self) -> bool:
        return bool((self.low == self.high).all())

    def apart(self, in_order: bool) -> bool:
        """Whether the labels of no two values overlap, and rise or fall with the value where ``in_order``."""
        rising = np.arange(len(self.low)) if in_order else np.lexsort((self.high, self.low))
        low, high = self.low[rising], self.high[rising]
        return bool((low[1:] >= high[:-1]).all() or (in_order and (high[1:] <= low[:-1]).all()))


@dataclass(frozen=True, eq=False)
class _Truth:
    """The cases of a task with a label: which they are, the labels, and a number for each patient."""

    task: Task
    rows: np.ndarray
    labels: np.ndarray
    patients: np.ndarray

    @classmethod
    def of(cls, task: Task, labels: np.ndarray, patients: np.ndarray) -> "_Truth":
        rows = ~np.isnan(labels)
        return cls(task, rows, labels[rows], patients[rows])

    @property
    def binary(self) -> bool:
        return self.task.kind == "binary"


def label_copies(
    columns: list[Column], labels: Mapping[str, np.ndarray], tasks: tuple[Task, ...], patients: np.ndarray
) -> Iterator[Violation]:
    """A violation for every column and task of which the column gives the label away.

    Parameters
    ----------
    columns
        Columns with one value a case.
    labels
        Labels of each task, shape (case,), NaN where unknown.
    patients
        Patient of each case, shape (case,): the cases of one count as one, and so do copies of one row,
        as of an oversampled class, in which every measured column would seem to determine the label.
    """
    whose = _people(columns, patients)
    truths = [_Truth.of(task, labels[task.name], whose) for task in tasks]
    varied = [truth for truth in truths if len(truth.labels) and truth.labels.min() < truth.labels.max()]
    pairs = max(len(columns) * len(varied), 1)
    for column in columns:
        codes, in_order = _codes(column.values)
        for truth in varied:
            violation = _violation_of(column, codes[truth.rows], in_order, truth, pairs)
            if violation is not None:
                yield violation


def _people(columns: list[Column], patients: np.ndarray) -> np.ndarray:
    """A number for each patient, the same for copies of one row."""
    whose: np.ndarray = pd.factorize(patients)[0]
    numeric = [one.values for one in columns if pd.api.types.is_numeric_dtype(one.values)]
    measured = [values for values in numeric if 2 * values.nunique() > len(values)]
    if len(measured) < MEASURED:
        return whose
    rows = pd.util.hash_pandas_object(
        pd.concat([one.reset_index(drop=True) for one in measured], axis=1), index=False
    )
    _, first, which = np.unique(rows.to_numpy(), return_index=True, return_inverse=True)
    return whose[first[which]]


def _codes(values: "pd.Series") -> tuple[np.ndarray, bool]:
    """A whole number for each value, -1 where there is none; and whether their order means something."""
    if not pd.api.types.is_numeric_dtype(values):
        return pd.factorize(values)[0], False
    found = values.to_numpy(dtype=float, na_value=np.nan)
    codes = np.full(len(found), -1)
    known = ~np.isnan(found)
    codes[known] = np.unique(found[known], return_inverse=True)[1]
    return codes, True


def _violation_of(
    column: Column, codes: np.ndarray, in_order: bool, truth: _Truth, pairs: int
) -> Violation | None:
    """The violation of one column on one task, or None; ``codes`` are of the cases with a label."""
    log_chance = _log_chance_of_determining(codes, in_order, truth)
    certain, doubtful = np.log([CHANCE, DOUBT]) - np.log(pairs)
    known = codes >= 0
    if log_chance <= doubtful:
        found = column.values.to_numpy()[truth.rows][known]
        same = in_order and np.array_equal(found.astype(float), truth.labels[known])
        detail = (
            f"{column.where}: column {column.name!r} {'equals' if same else 'determines'} the label of "
            f"{truth.task.name!r} in all {_patients(truth, known)} patients that have both: who sees it "
            "sees the label; list it under ignore, or remove it"
        )
        severity: Literal["error", "warning"] = "error" if log_chance <= certain else "warning"
        return Violation(GIVEN_AWAY, detail, severity=severity, column=column.name)
    agreement = _agreement(codes[known], in_order, truth.labels[known], truth.binary)
    if agreement < NEARLY:
        return None
    detail = (
        f"{column.where}: column {column.name!r} agrees with the label of {truth.task.name!r} to "
        f"{agreement:.0%} in "
        f"{_patients(truth, known)} patients; if it was made from the label, list it under ignore, or "
        "remove it"
    )
    return Violation(NEARLY_GIVEN_AWAY, detail, severity="warning", column=column.name)


def _patients(truth: _Truth, known: np.ndarray) -> int:
    return len(np.unique(truth.patients[known]))


def _log_chance_of_determining(codes: np.ndarray, in_order: bool, truth: _Truth) -> float:
    """Log probability that random labels would be determined like these; 0 where these are not."""
    known = codes >= 0
    chances = [_log_chance_of_kinds(codes, truth)]
    if in_order and known.sum() > 1:
        found = _Groups.of(codes[known], truth.labels[known])
        if found.apart(in_order=True) and (found.pure or not truth.binary):
            alone = _first_of_each(truth.patients[known])
            chances.append(np.log(2) + _log_arrangements(codes[known][alone], truth.labels[known][alone]))
    if in_order and not known.all():
        chances.append(_log_chance_of_kinds(known.astype(int), truth))
    return float(min(0.0, *chances))


def _log_chance_of_kinds(codes: np.ndarray, truth: _Truth) -> float:
    """The same for values in no order, of which not knowing is one."""
    kinds = len(np.unique(codes))
    if not 1 < kinds < len(codes):
        return 0.0
    found = _Groups.of(codes, truth.labels)
    if not (found.pure if truth.binary else found.apart(in_order=False)):
        return 0.0
    alone = _first_of_each(truth.patients)
    kinds = len(np.unique(codes[alone]))
    orders = kinds * np.log(2) if truth.binary else gammaln(kinds + 1)
    return float(orders + _log_arrangements(codes[alone], truth.labels[alone]))


def _first_of_each(patients: np.ndarray) -> np.ndarray:
    """Places of the first case of each patient."""
    return np.unique(patients, return_index=True)[1]


def _log_arrangements(codes: np.ndarray, labels: np.ndarray) -> float:
    """Log share of the orders of the labels that leave each value of the column the labels it has."""
    _, labels = np.unique(labels, return_inverse=True)
    _, codes = np.unique(codes, return_inverse=True)
    together = np.unique(np.stack([codes, labels]), axis=1, return_counts=True)[1]
    within = gammaln(np.bincount(codes) + 1).sum() - gammaln(together + 1).sum()
    return float(within - gammaln(len(labels) + 1) + gammaln(np.bincount(labels) + 1).sum())


def _agreement(codes: np.ndarray, in_order: bool, labels: np.ndarray, binary: bool) -> float:
    """How far a column comes on the way from knowing nothing of the label (0) to determining it (1)."""
    if len(labels) < 2 * RARER or len(np.unique(codes)) < 2 or len(np.unique(labels)) < 2:
        return 0.0
    if not binary:
        return _rank_correlation(codes, labels) if in_order else 0.0
    rarer = int(min(labels.sum(), len(labels) - labels.sum()))
    if rarer < RARER:
        return 0.0
    kinds = len(np.unique(codes))
    if in_order:
        return _best_threshold(codes, labels, rarer)
    if kinds > len(labels) / RARER:
        return 0.0
    positive = np.bincount(codes, weights=labels)
    wrong = np.minimum(positive, np.bincount(codes) - positive).sum()
    return float(1 - wrong / rarer)


def _best_threshold(codes: np.ndarray, labels: np.ndarray, rarer: int) -> float:
    """Share of the rarer class's errors that the best single threshold saves."""
    counts = np.bincount(codes)
    positive = np.bincount(codes, weights=labels)
    below, positive_below = counts.cumsum(), positive.cumsum()
    wrong = positive_below + (counts - positive).sum() - (below - positive_below)
    return float(1 - min(wrong.min(), (len(labels) - wrong).min()) / rarer)


def _rank_correlation(codes: np.ndarray, labels: np.ndarray) -> float:
    """Spearman's correlation, without its sign."""
    return float(abs(np.corrcoef(rankdata(codes), rankdata(labels))[0, 1]))
