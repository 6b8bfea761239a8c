"""Thresholds: what makes a probability a decision, chosen by a named rule and never on a test case.

A cell's threshold comes from the predictions of its own validation cases where these hold at least
:data:`MIN_POSITIVES` positive ones. Otherwise it comes from inner cross-validated predictions of its
training cases, each made by a model of the same method that did not learn from the case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import unknown_name
from bench.metrics import TIE, Array, score_levels
from bench.metrics.metric import NAN

# With fewer positive validation cases the sensitivity at a threshold has a standard error of ten points.
MIN_POSITIVES = 20

WANTED_SENSITIVITY = 0.9

# Rules count cases: 0.9 of 20 positives must be 18 whatever the product rounds to.
ROUNDING = 1e-9

YOUDEN = "youden"
VALIDATION, INNER = "validation", "inner cross-validation"


class LabelledScores(NamedTuple):
    """Truth (1, 0 or NaN where unknown) and score of the cases that a threshold is chosen on, (case,)."""

    truth: Array
    score: Array

    @property
    def positives(self) -> int:
        """Number of positive cases."""
        return int((self.truth == 1).sum())

    @property
    def has_both_classes(self) -> bool:
        """Whether there is a positive and a negative case."""
        return self.positives > 0 and bool((self.truth == 0).any())


@dataclass(frozen=True)
class Threshold:
    """A decision is positive where the prediction of its cell is at least ``value``.

    Parameters
    ----------
    task, seed, fold
        Whose predictions it is for.
    rule
        A key of :data:`RULES`.
    value
        NaN where none could be chosen; then ``reason`` says why.
    source
        On which cases it was chosen: :data:`VALIDATION` or :data:`INNER`; empty where it was not.
    positives
        Number of positive cases among them.
    """

    task: str
    seed: int
    fold: int
    rule: str
    value: float
    source: str
    positives: int
    reason: str = ""


class LateThresholds(Sequence[Threshold]):
    """Thresholds that are chosen when they are first looked at, as most tables need none.

    Parameters
    ----------
    choose
        Called once, or never.
    """

    def __init__(self, choose: Callable[[], tuple[Threshold, ...]]) -> None:
        self.choose = cache(choose)

    def __len__(self) -> int:
        return len(self.choose())

    def __getitem__(self, index: Any) -> Any:
        return self.choose()[index]


def youden(truth: Array, score: Array) -> float:
    r"""The threshold t with the greatest sensitivity + specificity - 1 (Youden 1950).

    .. math:: \arg\max_t \frac{\#\{i^+ : x_i \ge t\}}{n^+} - \frac{\#\{j^- : x_j \ge t\}}{n^-}

    Of several that are equally good the lowest is taken, which is the most sensitive one; for a score that is
    the same for all cases that is the score itself, and every case is called positive. Candidates are those
    of :func:`candidate_thresholds`.

    Parameters
    ----------
    truth
        1 for positive, 0 for negative cases, both present, shape (case,).
    score
        Finite, shape (case,).
    """
    cuts = candidate_thresholds(score)
    gain = _share_reaching(cuts, score[truth == 1]) - _share_reaching(cuts, score[truth == 0])
    return float(cuts[gain >= gain.max() - ROUNDING][0])


def sensitivity_90(truth: Array, score: Array) -> float:
    """The highest threshold with a sensitivity of at least 0.9; arguments as for :func:`youden`."""
    cuts = candidate_thresholds(score)
    reached = _share_reaching(cuts, score[truth == 1])
    return float(cuts[reached >= WANTED_SENSITIVITY - ROUNDING][-1])


def candidate_thresholds(score: Array) -> Array:
    """Every threshold that separates scores, rising: the lowest, then midway between neighbours.

    Midway leaves room on either side for cases to come. Tied scores are one and stay together. Where no
    number lies between two neighbours, it is the upper one.
    """
    levels = np.unique(score)[np.unique(score_levels(np.unique(score)), return_index=True)[1]]
    middle = levels[:-1] + np.diff(levels) / 2
    return np.concatenate([levels[:1], np.where(middle > levels[:-1], middle, levels[1:])])


RULES: Mapping[str, Callable[[Array, Array], float]] = {
    YOUDEN: youden,
    "sensitivity_90": sensitivity_90,
}

RULE_TITLES: Mapping[str, str] = {
    YOUDEN: "greatest sensitivity + specificity (Youden)",
    "sensitivity_90": "highest with a sensitivity of at least 0.9",
}


def rule_named(name: str) -> str:
    """The name, if it is that of a rule; raises UsageError with the nearest otherwise."""
    if name not in RULES:
        raise unknown_name("threshold rule", name, RULES)
    return name


def choose_threshold(
    task: str,
    seed: int,
    fold: int,
    rule: str,
    validation: LabelledScores | None,
    inner: LabelledScores | None,
) -> Threshold:
    """The threshold of one cell and task.

    Parameters
    ----------
    validation
        Its validation cases, None where their predictions are not stored.
    inner
        Inner cross-validated predictions of its training cases, None where there are none.
    """
    chosen_on, source = validation, VALIDATION
    if not _suffices(validation):
        chosen_on, source = inner, INNER
    if chosen_on is None or not chosen_on.has_both_classes:
        positives = 0 if validation is None else validation.positives
        return Threshold(task, seed, fold, rule, NAN, "", positives, _why_not(validation, inner, fold))
    known = ~np.isnan(chosen_on.truth)
    value = RULES[rule](chosen_on.truth[known], chosen_on.score[known])
    return Threshold(task, seed, fold, rule, value, source, chosen_on.positives)


def decisions(
    predictions: pd.DataFrame, thresholds: Sequence[Threshold], rule: str
) -> tuple[pd.DataFrame, str]:
    """Predictions of one task with 1 or 0 in their place, and the reason where a threshold is lacking.

    Columns ``seed``, ``fold`` and ``prediction`` are used; without all thresholds the table comes back empty.
    """
    mine = {(threshold.seed, threshold.fold): threshold for threshold in thresholds if threshold.rule == rule}
    cells = list(zip(predictions["seed"], predictions["fold"], strict=True))
    for cell in dict.fromkeys(cells):
        if cell not in mine:
            return predictions.iloc[:0], f"none was chosen for seed {cell[0]}, fold {cell[1]}"
        if mine[cell].reason:
            return predictions.iloc[:0], mine[cell].reason
    cuts = np.array([mine[cell].value for cell in cells])
    decided = reaches(predictions["prediction"].to_numpy(dtype=float), cuts).astype(float)
    return predictions.assign(prediction=decided), ""


def reaches(score: Array, cut: Array) -> NDArray[np.bool_]:
    """Whether scores are at least as high as a threshold, but for rounding; arrays of one shape.

    The lowest threshold is a score itself: the same prediction, summed in another order, must reach it.
    """
    reached: NDArray[np.bool_] = score >= cut - TIE * np.abs(cut)
    return reached


def _suffices(validation: LabelledScores | None) -> bool:
    return validation is not None and validation.positives >= MIN_POSITIVES and validation.has_both_classes


def _why_not(validation: LabelledScores | None, inner: LabelledScores | None, fold: int) -> str:
    if inner is not None:
        return f"the training part of fold {fold} lacks a class"
    remedy = "run with --inner-folds 3"
    if validation is None:
        return f"no validation predictions are stored for fold {fold}: {remedy}"
    if validation.positives >= MIN_POSITIVES:
        return f"no negative case in the validation part of fold {fold}: {remedy}"
    return (
        f"{validation.positives} positives in the validation part of fold {fold}, {MIN_POSITIVES} needed: "
        f"{remedy}"
    )


def _share_reaching(cuts: Array, score: Array) -> NDArray[np.float64]:
    """Share of the scores that are at least each threshold, shape (threshold,)."""
    below = np.searchsorted(np.sort(score), cuts, side="left")
    share: NDArray[np.float64] = 1 - below / len(score)
    return share
