"""Results that no honest method has, or that hang on one fold."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, norm

from bench.audit.check import Check, Evidence, Found, NotApplicable
from bench.audit.subject import Subject
from bench.audit.tested import NO_RESULTS, Tested, tested_patients
from bench.metrics import Array, auc
from bench.scoring.scores import Score
from bench.scoring.verdicts import against_constant, has_nothing_to_predict, is_better, is_beyond_oracle
from bench.store.doubts import scale_doubts

# Family-wise error of what is named below, and the least departure of a fold: as a difference of AUCs, or of
# the share of pairs of patients in which the error in the fold is the larger one.
ERROR, LEAST = 0.01, 0.1
# With fewer patients of a class the AUC of a fold is too coarse to be out of line.
FEWEST = 5


def _worse_than_baseline(subject: Subject) -> Found:
    if subject.results is None:
        return NO_RESULTS
    return [
        Evidence(f"{_named(score)}, the baseline {score.constant:.{score.metric.decimals}f}")
        for score in subject.scores
        if against_constant(score) == "worse" and score.constant_p * len(subject.cohort.tasks) < ERROR
    ]


def _better_than_oracle(subject: Subject) -> Found:
    if subject.results is None:
        return NO_RESULTS
    if subject.results.ceiling is None:
        return NotApplicable("nobody knows the oracle of a cohort that is not synthetic")
    return [
        Evidence(f"{_named(score)}, the oracle {score.ceiling:.{score.metric.decimals}f}")
        for score in subject.scores
        if is_beyond_oracle(score) or (is_better(score) and has_nothing_to_predict(score))
    ]


def _named(score: Score) -> str:
    value = f"{score.value:.{score.metric.decimals}f}"
    return f"{score.method} on {score.task.name}: {score.metric.title} {value}"


def _other_scale(subject: Subject) -> Found:
    if subject.results is None:
        return NO_RESULTS
    return [
        Evidence(f"{method.label}: {doubt}")
        for method in subject.results.methods
        for doubt in scale_doubts(method.predictions, subject.cohort)
    ]


def _fold_out_of_line(subject: Subject) -> Found:
    if subject.results is None:
        return NO_RESULTS
    if len(subject.split.folds) < 3:
        return NotApplicable("fewer than three folds cannot be compared")
    tested = tested_patients(subject.results)
    pairs = sum(len(one.predictions) for one in tested) * len(subject.split.folds)
    return [
        Evidence(f"{label} on {one.task.name}, fold {fold}: {text}")
        for one in tested
        for label, predicted in one.predictions.items()
        for fold in np.unique(one.fold)
        for text in _departs(one, predicted, one.fold == fold, pairs)
    ]


def _departs(one: Tested, predicted: Array, inside: NDArray[np.bool_], pairs: int) -> Iterator[str]:
    """How a fold differs from all others, where there are any and chance does not explain it."""
    if inside.all():
        return
    departure = _auc_departure if one.task.kind == "binary" else _error_departure
    size, p, what = departure(one, predicted, inside)
    if size >= LEAST and p * pairs < ERROR:
        yield f"{what} (p = {p:.1g})"


def _auc_departure(one: Tested, predicted: Array, inside: NDArray[np.bool_]) -> tuple[float, float, str]:
    """Difference of the AUCs of a fold and of the others, its p, and both in words."""
    here = auc(one.truth[inside], predicted[inside], None)
    others = auc(one.truth[~inside], predicted[~inside], one.fold[~inside])
    every = auc(one.truth, predicted, one.fold)
    spread = math.hypot(_auc_error(every, one.truth[inside]), _auc_error(every, one.truth[~inside]))
    size = abs(here - others)
    p = float(2 * norm.sf(size / spread)) if spread > 0 else math.nan
    return size, p, f"AUC {here:.3f}, that of the other folds {others:.3f}"


def _error_departure(one: Tested, predicted: Array, inside: NDArray[np.bool_]) -> tuple[float, float, str]:
    """The same of absolute errors: by how much one of the fold is likelier the larger one."""
    errors = np.abs(predicted - one.truth)
    here, others = errors[inside], errors[~inside]
    tested = mannwhitneyu(here, others)
    size = abs(tested.statistic / (len(here) * len(others)) - 0.5)
    what = f"median error {np.median(here):.3g}, that of the other folds {np.median(others):.3g}"
    return float(size), float(tested.pvalue), what


def _auc_error(value: float, truth: Array) -> float:
    r"""Standard error of an AUC of that size among these patients (Hanley & McNeil 1982).

    .. math:: \frac{A (1 - A) + (n_1 - 1)(Q_1 - A^2) + (n_0 - 1)(Q_2 - A^2)}{n_1 n_0}, \quad
              Q_1 = \frac{A}{2 - A}, \quad Q_2 = \frac{2 A^2}{1 + A}

    The AUC over all folds enters, not that of the fold itself, whose error would be 0 where it is 1. NaN with
    fewer than :data:`FEWEST` patients of a class.
    """
    positive = float((truth == 1).sum())
    negative = len(truth) - positive
    if min(positive, negative) < FEWEST:
        return math.nan
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    sums = (positive - 1) * (first - value**2) + (negative - 1) * (second - value**2)
    return float(np.sqrt((value * (1 - value) + sums) / (positive * negative)))


CHECKS = (
    Check(
        "BA012",
        "Method worse than the baseline",
        "A method is significantly worse than the training prevalence or median.",
        "Classes may be swapped, or the method has learned what does not hold on the tested patients.",
        "Look at its predictions by site and fold; check which class its probabilities are of.",
        "warn",
        _worse_than_baseline,
        cost="scores",
    ),
    Check(
        "BA013",
        "Method better than the oracle",
        "A method is better than a reader of the true parameters, or than the baseline where nothing can be "
        "predicted.",
        "Only what was known of the test labels leads there.",
        "Look for the leak: BA001 to BA009 name the usual ones.",
        "fail",
        _better_than_oracle,
        cost="scores",
    ),
    Check(
        "BA014",
        "Predictions on another scale",
        "Probabilities are decisions, or values are in another unit than the labels.",
        "Its numbers are those of the wrong quantity.",
        "Predict P(positive), and values in the unit of the task.",
        "warn",
        _other_scale,
    ),
    Check(
        "BA015",
        "Fold out of line",
        "In one fold a method does clearly better or worse than in the others.",
        "A fit that failed, or a leak into one fold, disappears in the mean over folds.",
        "Read the log of that cell, and look at its patients.",
        "warn",
        _fold_out_of_line,
    ),
)
