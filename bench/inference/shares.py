"""Intervals of differences between groups of different patients."""

from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np

from bench.inference.estimate import ALPHA, NO_INTERVAL, Interval


def difference_interval(first: float, of_first: Interval, second: float, of_second: Interval) -> Interval:
    r"""Interval of a difference of two independent values from the intervals of each (MOVER).

    .. math:: d - \sqrt{(\theta_1 - l_1)^2 + (u_2 - \theta_2)^2}, \quad
              d + \sqrt{(u_1 - \theta_1)^2 + (\theta_2 - l_2)^2}

    Newcombe 1998; Zou & Donner 2008. It keeps the asymmetry of either interval. NaN without one of them.
    """
    value = first - second
    low = value - np.hypot(first - of_first.low, of_second.high - second)
    high = value + np.hypot(of_first.high - first, second - of_second.low)
    return Interval(float(low), float(high))


def wilson(share: float, n: float, alpha: float = ALPHA) -> Interval:
    """Wilson's interval of a share of n patients at any level; NaN for none."""
    if not n > 0:
        return NO_INTERVAL
    z = NormalDist().inv_cdf(1 - alpha / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = np.sqrt(z**2 * (share * (1 - share) / n + z**2 / (4 * n**2))) / (1 + z**2 / n)
    return Interval(max(0.0, float(centre - reach)), min(1.0, float(centre + reach)))


def largest_gap(
    shares: Sequence[float], counts: Sequence[float], alpha: float = ALPHA
) -> tuple[float, Interval]:
    """Largest difference between the shares of any two groups, with an interval that holds it.

    The interval is made of those of all pairs, each at ``alpha`` over their number: with that confidence all
    true differences lie in theirs, so the largest lies between the largest lower and the largest upper limit.
    Percentiles of a bootstrap would not do: the largest gap of resamples lies above the true one.

    Parameters
    ----------
    shares, counts
        Share of each group, and the patients that it is of.
    alpha
        One less the confidence.

    Returns
    -------
    tuple of float and Interval
        NaN with fewer than two groups that have a share.
    """
    known = [(share, n) for share, n in zip(shares, counts, strict=True) if n > 0]
    pairs = list(combinations(known, 2))
    if not pairs:
        return float("nan"), NO_INTERVAL
    level = alpha / len(pairs)
    limits = []
    for (one, of_one), (two, of_two) in pairs:
        low, high = difference_interval(one, wilson(one, of_one, level), two, wilson(two, of_two, level))
        limits.append((max(low, -high, 0.0), max(abs(low), abs(high))))
    values = [share for share, _ in known]
    found = Interval(max(low for low, _ in limits), min(1.0, max(high for _, high in limits)))
    return max(values) - min(values), found
