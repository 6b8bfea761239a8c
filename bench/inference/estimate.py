"""What an estimate is made of: an interval, a difference, and the quantiles that they use."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

LEVEL = 0.95


ALPHA = 1 - LEVEL


# Where all patients agree on a difference, rounding leaves a variance of 1e-34 rather than 0.
NEGLIGIBLE = 1e-24


class Interval(NamedTuple):
    """A 95 % interval; NaN where there is none."""

    low: float
    high: float

    def within(self, least: float, most: float) -> "Interval":
        """Its part between two bounds."""
        return Interval(float(np.clip(self.low, least, most)), float(np.clip(self.high, least, most)))


NO_INTERVAL = Interval(float("nan"), float("nan"))


class Difference(NamedTuple):
    """A paired difference with its interval and two-sided p."""

    value: float
    interval: Interval
    p: float


def normal_quantile() -> float:
    """The quantile of the normal distribution that bounds a 95 % interval, 1.96."""
    return NormalDist().inv_cdf(1 - ALPHA / 2)


def student_quantile(freedom: float) -> float:
    """The same of Student's distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - ALPHA / 2))


def two_sided(statistic: float, freedom: float) -> float:
    """Two-sided p of a statistic with these degrees of freedom; infinitely many for the normal one."""
    from scipy.special import ndtr, stdtr

    tail = ndtr(-abs(statistic)) if np.isinf(freedom) else stdtr(freedom, -abs(statistic))
    return float(2 * tail)


def expit(value: float) -> float:
    """The inverse of the logit."""
    return float(1 / (1 + np.exp(-value)))
