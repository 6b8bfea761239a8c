"""What a cohort can show: figures for planning."""

import math
from statistics import NormalDist

import numpy as np

from bench.inference.estimate import NEGLIGIBLE, normal_quantile
from bench.metrics import Array

POWER = 0.8


def detectable_difference(error: float) -> float:
    r"""Smallest true difference that a two-sided test at 5 % finds with 80 % power.

    .. math:: (z_{.975} + z_{.8}) \, \hat\sigma = 2.80 \, \hat\sigma

    for a difference whose estimate is normal with this standard error; a figure for planning (Chow et al.
    2017, section 3.2), which says nothing of what was observed. NaN without a standard error.
    """
    return (normal_quantile() + NormalDist().inv_cdf(POWER)) * error


def cases_needed(cases: int, error: float, difference: float) -> int | None:
    """How many cases show a true difference of the size observed with 80 % power.

    ``cases x (detectable / observed)^2``, rounded up: the variance of a difference falls with the number of
    cases, the composition of the cohort staying the same. None where nothing was observed, or without a
    standard error.
    """
    if not error > 0 or difference**2 < NEGLIGIBLE:
        return None
    return math.ceil(cases * (detectable_difference(error) / difference) ** 2)


def probability_better(differences: Array) -> float:
    """Share of resamples in which an oriented difference is above 0, ties counted half; NaN without any.

    ``differences`` has shape (draw,). It is the bootstrap's estimate of the probability, over cohorts like
    this one, that the sign of the observed difference is right: near 1 - p / 2 for the better method, so it
    adds no evidence to p. It is not the probability that a method is better.
    """
    valid = differences[~np.isnan(differences)]
    wins = (valid > NEGLIGIBLE**0.5).mean() if len(valid) else float("nan")
    ties = (np.abs(valid) <= NEGLIGIBLE**0.5).mean() if len(valid) else float("nan")
    return float(wins + ties / 2)
