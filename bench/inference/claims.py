"""How probable it is that a published claim of a better AUC is false, from what papers report."""

import math
from statistics import NormalDist
from typing import NamedTuple

from bench.errors import UsageError
from bench.inference.estimate import Interval, normal_quantile


class Claim(NamedTuple):
    """What the reported numbers say of a difference of two AUC.

    ``error`` is the standard error of the difference at ``correlation``, ``false`` the probability that the
    method claimed to be better is not.
    """

    correlation: float
    difference: float
    error: float
    interval: Interval
    false: float


def auc_error(auc: float, positives: int, negatives: int) -> float:
    r"""Standard error of an AUC of that size (Hanley & McNeil 1982).

    .. math:: \frac{A (1 - A) + (n_1 - 1)(Q_1 - A^2) + (n_0 - 1)(Q_2 - A^2)}{n_1 n_0}, \quad
              Q_1 = \frac{A}{2 - A}, \quad Q_2 = \frac{2 A^2}{1 + A}
    """
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    sums = (positives - 1) * (first - auc**2) + (negatives - 1) * (second - auc**2)
    return math.sqrt((auc * (1 - auc) + sums) / (positives * negatives))


def outperformance(auc: float, than: float, n: int, positives: int, correlation: float) -> Claim:
    r"""The posterior probability that a difference of two AUC on the same cases has the other sign.

    .. math:: P(\theta_1 \le \theta_2 \mid d) = \Phi(-d / \sigma), \quad
              \sigma^2 = \sigma_1^2 + \sigma_2^2 - 2 \rho \sigma_1 \sigma_2

    with a flat prior, as Christodoulou et al. 2025 (arXiv 2505.04720) ask of reported results; their
    correlation of the two methods, which papers do not report, is a parameter here. It assumes independent
    patients and one look: the best of several methods is more often false.

    Parameters
    ----------
    auc, than
        The two AUC, of the method that is claimed to be better first.
    n, positives
        Test cases, and the positive ones.
    correlation
        Of the two AUC over test sets, from 0 to below 1.

    Raises
    ------
    UsageError
        A value out of range.
    """
    _require(0 < than < 1 and 0 < auc < 1, f"AUC of {auc} and {than}", "two numbers between 0 and 1")
    _require(0 < positives < n, f"{positives} positives of {n}", "some, and fewer than all")
    _require(0 <= correlation < 1, f"a correlation of {correlation}", "a number from 0 to below 1")
    errors = [auc_error(one, positives, n - positives) for one in (auc, than)]
    error = math.sqrt(errors[0] ** 2 + errors[1] ** 2 - 2 * correlation * errors[0] * errors[1])
    difference, reach = auc - than, normal_quantile() * error
    interval = Interval(difference - reach, difference + reach)
    return Claim(correlation, difference, error, interval, NormalDist().cdf(-difference / error))


def _require(holds: bool, came: str, expected: str) -> None:
    if not holds:
        raise UsageError(f"got {came}, expected {expected}")
