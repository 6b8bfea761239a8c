"""What an estimate is made of: an interval, a difference, and the quantiles that they use."""

import math
from collections.abc import Sequence
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

    def reversed(self) -> "Difference":
        """The same with the two sides exchanged."""
        low, high = self.interval
        return Difference(-self.value, Interval(-high, -low), self.p)


def normal_quantile() -> float:
    """The quantile of the normal distribution that bounds a 95 % interval, 1.96."""
    return NormalDist().inv_cdf(1 - ALPHA / 2)


def student_quantile(freedom: float) -> float:
    """The same of Student's distribution, which with infinitely many degrees of freedom is the normal one."""
    if np.isinf(freedom):
        return normal_quantile()
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - ALPHA / 2))


def satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances, each with its own; infinite where no part is uncertain."""
    uncertain = sum(variance**2 / freedom for variance, freedom in parts)
    return float(sum(variance for variance, _ in parts) ** 2 / uncertain) if uncertain > 0 else math.inf


def two_sided(statistic: float, freedom: float) -> float:
    """Two-sided p of a statistic with these degrees of freedom; infinitely many for the normal one."""
    from scipy.special import ndtr, stdtr

    tail = ndtr(-abs(statistic)) if np.isinf(freedom) else stdtr(freedom, -abs(statistic))
    return float(2 * tail)


def expit(value: float) -> float:
    """The inverse of the logit."""
    return float(1 / (1 + np.exp(-value)))
