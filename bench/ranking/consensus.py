"""Ranks: what the cases show about the order of methods, on one task and over all.

Three things that are easily confused, and never mixed here:

* the shared rank of a method, 1 + the number of significantly better ones
  (:func:`bench.inference.ranks.rank_sets`, ``best``);
* its rank by value, the place of its value among all values, ties getting their mean: a description of this
  sample, which any other sample would shuffle (:func:`ranks_by_value`);
* its rank set: the ranks that its true value may have among the true values (:func:`rank_sets`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.inference import ALPHA, NO_INTERVAL, Interval
from bench.inference.ranks import RankSet, order_signs, rank_sets, separated
from bench.metrics import Array
from bench.scoring.scores import Score


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
    better
        Whether it is better than the baseline on at least one ranked task, where the family is that
        of all ranked tasks.
    """

    method: str
    status: str
    rank: int | None
    mean_rank: float
    interval: Interval
    scores: tuple[Score, ...]
    better: bool = False


def consensus(scores: Sequence[Score]) -> tuple[Consensus, ...]:
    """Order the methods over all ranked tasks, the best first; empty where no ranked task has a value.

    Methods that are better than the baseline on some task come before all others.

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
    names = list(dict.fromkeys(score.method for score in scores)) if columns else []
    complete = [name for name in names if all(name in column for column in columns)]
    means = np.array([np.mean([column[name].rank for column in columns]) for name in complete])
    ranks = consensus_ranks(means, separated(*comparisons(columns, complete)))
    intervals = _mean_rank_intervals(columns, complete)
    rows = [
        Consensus(name, "ok", rank, float(mean), interval, mine, _is_better(mine, len(columns)))
        for name, rank, mean, interval in zip(complete, ranks, means, intervals, strict=True)
        for mine in [_scores_of(name, columns)]
    ]
    apart = [_apart(name, columns, scores) for name in names if name not in complete]
    return (*sorted(rows, key=lambda row: (not row.better, row.rank, row.mean_rank, row.method)), *apart)


def consensus_ranks(aggregate: Array, better: NDArray[np.bool_]) -> list[int]:
    """Rank of each method: 1 + the number of methods with a smaller aggregate that are separated from it.

    ``aggregate`` is lower for better methods, shape (method,); ``better`` is that of :func:`separated`.
    """
    ahead = better & (order_signs(aggregate) < 0)
    return [1 + int(count) for count in ahead.sum(axis=0)]


def ranked_columns(scores: Sequence[Score]) -> list[dict[str, Score]]:
    """For each ranked task with a value: method to score, of the methods that have one."""
    ranked = [score for score in scores if score.task.ranked and score.rank is not None]
    names = dict.fromkeys(row.task.name for row in ranked)
    return [{row.method: row for row in ranked if row.task.name == name} for name in names]


def comparisons(columns: Sequence[Mapping[str, Score]], names: Sequence[str]) -> tuple[Array, Array]:
    """Values, higher is better (task, method), and adjusted p of pairs (task, method, method)."""
    rows = [[column[name] for name in names] for column in columns]
    values = [[one.metric.sign * one.value for one in row] for row in rows]
    adjusted = [[[one.adjusted.get(name, 1.0) for name in names] for one in row] for row in rows]
    shape = (len(columns), len(names))
    return np.array(values).reshape(shape), np.array(adjusted).reshape(*shape, len(names))


def _mean_rank_intervals(columns: Sequence[Mapping[str, Score]], complete: Sequence[str]) -> list[Interval]:
    """Mean ends of the rank sets of every task, among all methods with a value there."""
    sets: list[dict[str, RankSet]] = []
    for column in columns:
        values, adjusted = comparisons([column], list(column))
        found = rank_sets(values[0], adjusted[0], ALPHA / len(columns))
        sets.append(dict(zip(column, found, strict=True)))
    return [
        Interval(
            float(np.mean([ranks[name].best for ranks in sets])),
            float(np.mean([ranks[name].worst for ranks in sets])),
        )
        for name in complete
    ]


def _is_better(scores: Sequence[Score], tasks: int) -> bool:
    return any(score.gain.value > 0 and score.constant_p * tasks < ALPHA for score in scores)


def _scores_of(name: str, columns: Sequence[Mapping[str, Score]]) -> tuple[Score, ...]:
    return tuple(column[name] for column in columns if name in column)


def _apart(name: str, columns: Sequence[Mapping[str, Score]], scores: Sequence[Score]) -> Consensus:
    """A method that lacks a rank on some task, with the first reason."""
    lacking = {next(iter(column.values())).task.name for column in columns if name not in column}
    first = next(score for score in scores if score.method == name and score.task.name in lacking)
    mine = _scores_of(name, columns)
    where = f"{first.task.title or first.task.name.upper()}: " if mine else ""
    return Consensus(name, f"{where}{first.status}", None, float("nan"), NO_INTERVAL, mine)
