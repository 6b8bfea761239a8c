"""How a value grows with the number of training patients: a law, and where one curve passes another."""

from typing import NamedTuple

import numpy as np

from bench.inference.estimate import ALPHA, Interval
from bench.inference.intervals import percentile_interval
from bench.metrics import Array

# Sizes below which three parameters are no finding.
MIN_SIZES = 4
# Decays that are tried: below the first the law is a logarithm on all sizes, beyond the last a step.
DECAYS = np.geomspace(0.1, 2.0, 200)

BELOW, NEVER = 0.0, float("inf")
"""A passing before the smallest size, and none up to the largest."""


class Law(NamedTuple):
    r"""The inverse power law :math:`v(n) = a - b\,(n / n_0)^{-c}`, with b >= 0 and c in :data:`DECAYS`.

    ``limit`` is a, ``reach`` b, ``decay`` c and ``middle`` n_0, the geometric mean of the sizes. Higher is
    better.
    """

    limit: float
    reach: float
    decay: float
    middle: float

    def value(self, sizes: Array) -> Array:
        """The law at these sizes."""
        return self.limit - self.reach * (np.asarray(sizes, dtype=float) / self.middle) ** -self.decay


class FittedLaw(NamedTuple):
    """A law with intervals of its limit and decay; no law where the values do not tell one, and ``why``."""

    law: Law | None
    limit: Interval
    decay: Interval
    why: str


NO_LAW_INTERVAL = Interval(float("nan"), float("nan"))


def fitted_law(sizes: Array, values: Array, resampled: Array, errors: Array, best: float) -> FittedLaw:
    """Fit the law to the values at several sizes, and again to every resample.

    Weighted least squares, by the squared standard errors; of each decay on a grid the other two parameters
    are linear, so that nothing depends on a start. Source of the law: Viering and Loog, "The shape of
    learning curves: a review", IEEE TPAMI 45:7799, 2023.

    Parameters
    ----------
    sizes
        Numbers of training patients, rising, shape (size,).
    values, errors
        Higher is better, with standard errors, shape (size,).
    resampled
        The same values in resamples of the test patients, shape (draw, size).
    best
        What no value exceeds, as 1 for an AUC.

    Returns
    -------
    FittedLaw
        Without a law where there are fewer than :data:`MIN_SIZES` sizes, where the resamples do not show that
        the largest size is better than the smallest, and where the interval of the decay reaches an end of
        the grid, so that the limit is as open.
    """
    if len(sizes) < MIN_SIZES:
        return _no_law(f"fewer than {MIN_SIZES} sizes")
    if not np.isfinite(resampled).all() or not (errors > 0).all():
        return _no_law("no standard error at some size")
    if not percentile_interval(resampled[:, -1] - resampled[:, 0]).low > 0:
        return _no_law("these cases do not show that more patients help")
    weights = 1 / errors**2
    drawn = _parameters(sizes, resampled, weights, best)
    decay = percentile_interval(drawn[:, 2])
    if decay.low <= DECAYS[0] or decay.high >= DECAYS[-1]:
        return _no_law("these cases leave open how fast the curve flattens")
    limit, reach, slope = map(float, _parameters(sizes, values[None], weights, best)[0])
    law = Law(limit, reach, slope, _middle(sizes))
    return FittedLaw(law, percentile_interval(drawn[:, 0]), decay, "")


def passings(sizes: Array, difference: Array) -> Array:
    """The size from which on a difference stays above 0, up to the largest size; shape (draw,).

    Between two sizes it is interpolated along the logarithm of the size. :data:`BELOW` where it is above 0 at
    every size, :data:`NEVER` where it is not at the largest. ``difference`` has shape (draw, size).
    """
    behind = difference <= 0
    count = difference.shape[1]
    last = count - 1 - behind[:, ::-1].argmax(axis=1)
    found = np.where(behind.any(axis=1), NEVER, BELOW)
    rows = np.flatnonzero(behind.any(axis=1) & ~behind[:, -1])
    before, after = difference[rows, last[rows]], difference[rows, last[rows] + 1]
    logs = np.log(np.asarray(sizes, dtype=float))
    start, step = logs[last[rows]], logs[last[rows] + 1] - logs[last[rows]]
    found[rows] = np.exp(start + step * before / (before - after))
    return found


def passing_interval(drawn: Array) -> Interval:
    """95 % percentile interval of sizes of which some are :data:`NEVER`; its ends are drawn sizes."""
    low, high = np.quantile(drawn, [ALPHA / 2, 1 - ALPHA / 2], method="inverted_cdf")
    return Interval(float(low), float(high))


def _no_law(why: str) -> FittedLaw:
    return FittedLaw(None, NO_LAW_INTERVAL, NO_LAW_INTERVAL, why)


def _middle(sizes: Array) -> float:
    return float(np.exp(np.log(sizes).mean()))


def _parameters(sizes: Array, values: Array, weights: Array, best: float) -> Array:
    """Limit, reach and decay of each row of values (row, size), shape (row, 3)."""
    share = weights / weights.sum()
    found, least = np.zeros((len(values), 3)), np.full(len(values), np.inf)
    for decay in DECAYS:
        shape = (np.asarray(sizes, dtype=float) / _middle(sizes)) ** -decay
        limit, reach = _line(shape, values, share, best)
        misfit = ((values - limit[:, None] + reach[:, None] * shape) ** 2) @ share
        better = misfit < least
        least[better] = misfit[better]
        found[better] = np.column_stack([limit, reach, np.full(len(values), decay)])[better]
    return found


def _line(shape: Array, values: Array, share: Array, best: float) -> tuple[Array, Array]:
    """Limit and reach of the best ``limit - reach * shape`` with a reach from 0 on."""
    centred, means = shape - share @ shape, values @ share
    reach = np.maximum(-(values @ (share * centred)) / (share @ centred**2), 0.0)
    limit = means + reach * (share @ shape)
    beyond = limit > best
    bound = np.maximum((best - values) @ (share * shape) / (share @ shape**2), 0.0)
    return np.where(beyond, best, limit), np.where(beyond, bound, reach)
