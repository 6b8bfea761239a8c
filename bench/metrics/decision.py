"""How good yes-or-no decisions are: metrics of the four counts of truth by decision."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import Array, Context, ratio, single


class Counts(NamedTuple):
    """Cases by truth and decision, each of shape (prediction, draw)."""

    true_positive: Array
    false_positive: Array
    false_negative: Array
    true_negative: Array


def resampled_counts(truth: Array, decisions: Array, weights: Array) -> Counts:
    """The four counts of several decisions (1 or 0), shape (prediction, case), in many resamples."""
    positive = (truth == 1)[:, None] * weights  # (case, draw)
    found, raised = decisions @ positive, decisions @ weights
    missed = positive.sum(axis=0) - found
    return Counts(found, raised - found, missed, weights.sum(axis=0) - raised - missed)


def sensitivity(truth: Array, decision: Array, context: Context = None) -> float:
    """Share of the positive cases that are found, TP / (TP + FN); NaN without a positive case.

    ``truth`` and ``decision`` are 1 or 0, shape (case,); so for every metric of this module.
    """
    return single(resampled_sensitivity, truth, decision)


def resampled_sensitivity(
    truth: Array, decisions: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`sensitivity` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    counts = resampled_counts(truth, decisions, weights)
    return ratio(counts.true_positive, counts.true_positive + counts.false_negative)


def specificity(truth: Array, decision: Array, context: Context = None) -> float:
    """Share of the negative cases that are passed, TN / (TN + FP); NaN without a negative case."""
    return single(resampled_specificity, truth, decision)


def resampled_specificity(
    truth: Array, decisions: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`specificity` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    counts = resampled_counts(truth, decisions, weights)
    return ratio(counts.true_negative, counts.true_negative + counts.false_positive)


def ppv(truth: Array, decision: Array, context: Context = None) -> float:
    """Share of the cases called positive that are, TP / (TP + FP); NaN where none is called positive.

    It depends on the prevalence among these cases, and holds elsewhere only where that is the same.
    """
    return single(resampled_ppv, truth, decision)


def resampled_ppv(truth: Array, decisions: Array, context: Context, weights: Array) -> NDArray[np.float64]:
    """:func:`ppv` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    counts = resampled_counts(truth, decisions, weights)
    return ratio(counts.true_positive, counts.true_positive + counts.false_positive)


def npv(truth: Array, decision: Array, context: Context = None) -> float:
    """Share of the cases called negative that are, TN / (TN + FN); NaN where none is called negative.

    It depends on the prevalence among these cases, and holds elsewhere only where that is the same.
    """
    return single(resampled_npv, truth, decision)


def resampled_npv(truth: Array, decisions: Array, context: Context, weights: Array) -> NDArray[np.float64]:
    """:func:`npv` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    counts = resampled_counts(truth, decisions, weights)
    return ratio(counts.true_negative, counts.true_negative + counts.false_negative)


def balanced_accuracy(truth: Array, decision: Array, context: Context = None) -> float:
    """Mean of sensitivity and specificity; 0.5 for any decision that is the same for all, NaN with one class.

    Brodersen et al. 2010.
    """
    return single(resampled_balanced_accuracy, truth, decision)


def resampled_balanced_accuracy(
    truth: Array, decisions: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`balanced_accuracy` in many resamples; see :func:`bench.metrics.resampled_auc`."""
    found = resampled_sensitivity(truth, decisions, context, weights)
    return (found + resampled_specificity(truth, decisions, context, weights)) / 2


def mcc(truth: Array, decision: Array, context: Context = None) -> float:
    r"""Matthews' correlation of truth and decision (Matthews 1975).

    .. math:: \frac{TP \cdot TN - FP \cdot FN}{\sqrt{(TP + FP)(TP + FN)(TN + FP)(TN + FN)}}

    From -1 to 1; 0 for a decision that is the same for all, NaN with one class.
    """
    return single(resampled_mcc, truth, decision)


def resampled_mcc(truth: Array, decisions: Array, context: Context, weights: Array) -> NDArray[np.float64]:
    """:func:`mcc` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    hit, alarm, miss, passed = resampled_counts(truth, decisions, weights)
    classes = (hit + miss) * (passed + alarm)
    calls = (hit + alarm) * (passed + miss)
    correlation = ratio(hit * passed - alarm * miss, np.sqrt(classes * calls))
    return np.where((calls <= 0) & (classes > 0), 0.0, correlation)
