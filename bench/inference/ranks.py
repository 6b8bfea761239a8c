"""Ranks of methods with simultaneous confidence sets."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.inference import ALPHA
from bench.metrics import Array

# Values of one resample closer than this are a tie: the same predictions, summed in another order.
ROUNDING = 1e-12


class RankSet(NamedTuple):
    """The ranks that the cases do not rule out: best and worst."""

    best: int
    worst: int


def rank_sets(values: Array, adjusted: Array, alpha: float = ALPHA) -> list[RankSet]:
    r"""Simultaneous confidence sets for the true ranks (Mogstad, Romano, Shaikh & Wilhelm 2024, section 3).

    .. math:: [\,1 + |\{k : k \text{ significantly better than } j\}|,\;
               m - |\{k : k \text{ significantly worse than } j\}|\,]

    The true rank of a method is 1 + the number of methods with a truly better value. Where the comparisons of
    all pairs are right together with probability 1 - alpha, so are the sets of all methods: no assumption
    on how close the values are. The percentile bootstrap of the rank by value (Hall & Miller 2009; similar
    in Goldstein & Spiegelhalter 1996) has no such guarantee where methods are nearly equal.
    ``tests/simulations/rank_intervals.py`` measures both.

    The pairs are tested on both sides by step-down, and a rejection is taken with its direction. Mogstad et
    al. test both directions of a pair as two hypotheses; errors of direction are included in the measured
    coverage.

    Parameters
    ----------
    values
        Higher is better, shape (method,).
    adjusted
        Two-sided p of each pair, adjusted for all pairs: :func:`bench.scoring.uncertainty.family_p`.
    alpha
        Below which a pair is significant.

    Returns
    -------
    list of RankSet
        ``best`` is the shared rank.
    """
    better = (values[None, :] > values[:, None]) & (adjusted < alpha)
    above, below = better.sum(axis=1), better.sum(axis=0)
    return [RankSet(1 + int(up), len(values) - int(down)) for up, down in zip(above, below, strict=True)]


def best_fractions(resampled: Array) -> Array:
    """Share of resamples in which each method has the best value; a tie is shared by those that tie.

    This describes how often the order at the top survives a redraw of the patients. It is no probability
    that a method is the best one: of ten truly equal methods the luckiest often has more than a half.

    Parameters
    ----------
    resampled
        Values in resamples, higher is better, shape (method, draw); those with a NaN are left out.

    Returns
    -------
    numpy.ndarray
        Shape (method,), with the sum 1; NaN where there is no resample.
    """
    valid = resampled[:, ~np.isnan(resampled).any(axis=0)]
    if not valid.shape[1]:
        return np.full(len(resampled), np.nan)
    top = valid.max(axis=0)
    best = valid >= top - ROUNDING * np.maximum(1.0, np.abs(top))
    shares: Array = (best / best.sum(axis=0)).mean(axis=1)
    return shares


def ranks_by_value(values: Array) -> Array:
    """Place of each value, the highest first, ties at their mean place, shape (method,)."""
    signs = order_signs(values)
    ranks: Array = (signs > 0).sum(axis=0) + ((signs == 0).sum(axis=0) + 1) / 2
    return ranks


def kendall_tau(first: Array, second: Array) -> float:
    r"""Kendall's tau-b of two orders of the same methods (Kendall 1945), each of shape (method,).

    .. math:: \tau_b = \sum_{i<j} s_{ij} t_{ij} \Big/ \sqrt{\sum_{i<j} s_{ij}^2 \sum_{i<j} t_{ij}^2}

    with the signs s and t of the differences. In -1 to 1; NaN where either order ties all methods.
    """
    rows, columns = np.triu_indices(len(first), k=1)
    one, other = (order_signs(order)[rows, columns] for order in (first, second))
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / scale if scale else float("nan")


def separated(values: Array, adjusted: Array) -> NDArray[np.bool_]:
    """Whether the method of a row is significantly better than that of a column on at least one task.

    ``values`` are higher for better methods, shape (task, method); ``adjusted`` the adjusted p of each
    task, shape (task, method, method), which is multiplied with the number of tasks. Shape (method, method).
    """
    better = values[:, :, None] > values[:, None, :]
    found: NDArray[np.bool_] = np.any(better & (adjusted * len(values) < ALPHA), axis=0)
    return found


def order_signs(values: Array) -> Array:
    """Sign of each row's value less each column's, 0 where they tie but for rounding, (method, method)."""
    difference = values[:, None] - values[None, :]
    tied = np.abs(difference) <= ROUNDING * np.maximum(1.0, np.abs(values[:, None]))
    signs: Array = np.where(tied, 0.0, np.sign(difference))
    return signs
