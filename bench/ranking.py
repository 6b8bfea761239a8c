"""Ranks: what the cases say about the order of methods, on one task and over all.

Three things that are easily confused, and never mixed here:

* the shared rank of a method, 1 + the number of significantly better ones
  (:func:`bench.inference.shared_ranks`);
* its rank by value, the place of its value among all values, ties getting their mean: a description of this
  sample, which any other sample would shuffle (:func:`ranks_by_value`);
* its rank set: the ranks that its true value may have among the true values (:func:`rank_sets`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.inference import ALPHA, NO_INTERVAL, Interval
from bench.metrics import Array

if TYPE_CHECKING:
    from bench.scores import Score

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
    on how close the values are. The percentile bootstrap of the rank by value (Hall & Miller 2009; its like
    in Goldstein & Spiegelhalter 1996) has no such guarantee where methods are nearly equal.
    ``tests/simulations/rank_intervals.py`` measures both.

    The pairs are tested on both sides by step-down, and a rejection is read with its direction. Mogstad et
    al. test both directions of a pair as two hypotheses; errors of direction are included in the measured
    coverage.

    Parameters
    ----------
    values
        Higher is better, shape (method,).
    adjusted
        Two-sided p of each pair, adjusted for all pairs: :func:`bench.scores.family_p`.
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


def best_shares(resampled: Array) -> Array:
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
    signs = _order_signs(values)
    ranks: Array = (signs > 0).sum(axis=0) + ((signs == 0).sum(axis=0) + 1) / 2
    return ranks


def kendall_tau(first: Array, second: Array) -> float:
    r"""Kendall's tau-b of two orders of the same methods (Kendall 1945), each of shape (method,).

    .. math:: \tau_b = \sum_{i<j} s_{ij} t_{ij} \Big/ \sqrt{\sum_{i<j} s_{ij}^2 \sum_{i<j} t_{ij}^2}

    with the signs s and t of the differences. In -1 to 1; NaN where either order ties all methods.
    """
    rows, columns = np.triu_indices(len(first), k=1)
    one, other = (_order_signs(order)[rows, columns] for order in (first, second))
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / scale if scale else float("nan")


@dataclass(frozen=True)
class Consensus:
    """A method over all ranked tasks; see :func:`consensus`.

    Parameters
    ----------
    status
        ``ok``, or which task it has no rank on, and why.
    rank
        Consensus rank; None without a rank on every task.
    mean_rank
        Mean over tasks of the shared ranks.
    interval
        Of the mean over tasks of its true ranks.
    scores
        Its scores on the ranked tasks that it has a value on, in the order of the tasks.
    """

    method: str
    status: str
    rank: int | None
    mean_rank: float
    interval: Interval
    scores: tuple["Score", ...]


def consensus(scores: Sequence["Score"]) -> tuple[Consensus, ...]:
    """Order the methods over all ranked tasks, the best first; empty where no ranked task has a value.

    The mean rank of a method is the mean over tasks of its shared ranks, every ranked task (``ranked = true``
    in the cohort) with the same weight. Its consensus rank is 1 + the number of methods that have a smaller
    mean rank *and* are significantly better than it on at least one task, where the family is the pairs of
    all ranked tasks (a task's adjusted p times the number of tasks). So methods that are equally good on
    every task all share the first consensus rank with probability 95 %, however many tasks there are; the
    order of mean ranks alone would not give that.

    The interval of the mean rank averages the ends of :func:`rank_sets` at 5 % over the number of tasks: the
    sets of all methods and tasks hold together with 95 %, whatever the dependence between the tasks, hence so
    do their means. It is conservative.

    A method without a rank on one of the tasks has no consensus, rather than a mean over fewer tasks. A task
    on which no method has a value counts for nobody.
    """
    columns = ranked_columns(scores)
    names = list(dict.fromkeys(its.method for its in scores)) if columns else []
    complete = [name for name in names if all(name in column for column in columns)]
    means = np.array([np.mean([column[name].rank for column in columns]) for name in complete])
    ranks = consensus_ranks(means, separated(*comparisons(columns, complete)))
    intervals = _mean_rank_intervals(columns, complete)
    rows = [
        Consensus(name, "ok", rank, float(mean), interval, _scores_of(name, columns))
        for name, rank, mean, interval in zip(complete, ranks, means, intervals, strict=True)
    ]
    apart = [_apart(name, columns, scores) for name in names if name not in complete]
    return (*sorted(rows, key=lambda its: (its.rank, its.mean_rank, its.method)), *apart)


def consensus_ranks(aggregate: Array, better: NDArray[np.bool_]) -> list[int]:
    """Rank of each method: 1 + the number of methods with a smaller aggregate that are separated from it.

    ``aggregate`` is lower for better methods, shape (method,); ``better`` is that of :func:`separated`.
    """
    ahead = better & (_order_signs(aggregate) < 0)
    return [1 + int(count) for count in ahead.sum(axis=0)]


def separated(values: Array, adjusted: Array) -> NDArray[np.bool_]:
    """Whether the method of a row is significantly better than that of a column on at least one task.

    ``values`` are higher for better methods, shape (task, method); ``adjusted`` the adjusted p of each
    task, shape (task, method, method), which is multiplied with the number of tasks. Shape (method, method).
    """
    better = values[:, :, None] > values[:, None, :]
    found: NDArray[np.bool_] = np.any(better & (adjusted * len(values) < ALPHA), axis=0)
    return found


def ranked_columns(scores: Sequence["Score"]) -> list[dict[str, "Score"]]:
    """For each ranked task with a value: method to score, of the methods that have one."""
    ranked = [its for its in scores if its.task.ranked and its.rank is not None]
    names = dict.fromkeys(its.task.name for its in ranked)
    return [{its.method: its for its in ranked if its.task.name == name} for name in names]


def comparisons(columns: Sequence[Mapping[str, "Score"]], names: Sequence[str]) -> tuple[Array, Array]:
    """Values, higher is better (task, method), and adjusted p of pairs (task, method, method)."""
    rows = [[column[name] for name in names] for column in columns]
    values = [[its.metric.sign * its.value for its in row] for row in rows]
    adjusted = [[[its.adjusted.get(name, 1.0) for name in names] for its in row] for row in rows]
    shape = (len(columns), len(names))
    return np.array(values).reshape(shape), np.array(adjusted).reshape(*shape, len(names))


def _order_signs(values: Array) -> Array:
    """Sign of each row's value less each column's, 0 where they tie but for rounding, (method, method)."""
    difference = values[:, None] - values[None, :]
    tied = np.abs(difference) <= ROUNDING * np.maximum(1.0, np.abs(values[:, None]))
    signs: Array = np.where(tied, 0.0, np.sign(difference))
    return signs


def _mean_rank_intervals(columns: Sequence[Mapping[str, "Score"]], complete: Sequence[str]) -> list[Interval]:
    """Mean ends of the rank sets of every task, among all methods with a value there."""
    sets: list[dict[str, RankSet]] = []
    for column in columns:
        values, adjusted = comparisons([column], list(column))
        found = rank_sets(values[0], adjusted[0], ALPHA / len(columns))
        sets.append(dict(zip(column, found, strict=True)))
    return [
        Interval(
            float(np.mean([its[name].best for its in sets])),
            float(np.mean([its[name].worst for its in sets])),
        )
        for name in complete
    ]


def _scores_of(name: str, columns: Sequence[Mapping[str, "Score"]]) -> tuple["Score", ...]:
    return tuple(column[name] for column in columns if name in column)


def _apart(name: str, columns: Sequence[Mapping[str, "Score"]], scores: Sequence["Score"]) -> Consensus:
    """A method that lacks a rank on some task, with the first reason."""
    lacking = {next(iter(column.values())).task.name for column in columns if name not in column}
    first = next(its for its in scores if its.method == name and its.task.name in lacking)
    mine = _scores_of(name, columns)
    where = f"{first.task.title or first.task.name.upper()}: " if mine else ""
    return Consensus(name, f"{where}{first.status}", None, float("nan"), NO_INTERVAL, mine)
