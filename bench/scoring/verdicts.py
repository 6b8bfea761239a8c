"""Verdicts on a method in words, by the p that is corrected as the ranks of the task are."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.inference import ALPHA
from bench.inference.ranks import ROUNDING
from bench.scoring.uncertainty import MIN_GAP

if TYPE_CHECKING:
    from bench.scoring.scores import Score

Verdict = Literal["better", "worse", "not separable", "not tested", ""]

# Each fold of a cross-validation that learns from all cases it does not test doubles the variance at least.
ALL_ROTATE = 2.0


def against_constant(score: "Score") -> Verdict:
    """A method against the baseline, a member of the family of comparisons that the ranks rest on.

    ``not tested`` where there are too few patients for a p, empty for a method without a value.
    """
    if score.rank is None:
        return ""
    if np.isnan(score.constant_p):
        return "not tested"
    if not score.constant_p < ALPHA:
        return "not separable"
    return "better" if score.gain.value > 0 else "worse"


def is_better(score: "Score") -> bool:
    """Whether a method is shown to be better than the baseline."""
    return against_constant(score) == "better"


def has_nothing_to_predict(score: "Score") -> bool:
    """Whether the oracle is hardly better than the baseline."""
    gap = score.metric.sign * (score.ceiling - score.constant)
    return bool(gap < MIN_GAP * abs(score.metric.best - score.constant))


def is_beyond_oracle(score: "Score") -> bool:
    """Whether the whole interval of the oracle skill lies above what the true parameters allow."""
    return bool(score.oracle_skill_interval.low >= 1 - ROUNDING)


def subject(variance_factor: float) -> str:
    """What intervals and verdicts speak of, see :func:`bench.splits.shared_training.variance_factor`."""
    if variance_factor <= 1:
        return "these fitted models"
    if variance_factor < ALL_ROTATE:
        return "these methods, trained with the cases that all folds learn from"
    return "these methods, trained on cohorts of this kind"
