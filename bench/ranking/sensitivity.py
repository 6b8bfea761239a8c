"""How the order of a board changes with choices that could have been made otherwise."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.inference import Bootstrap
from bench.inference.ranks import kendall_tau, ranks_by_value, separated
from bench.metrics import METRICS, Array
from bench.predictions.ensemble import seed_ensemble
from bench.predictions.missing import at_chance
from bench.predictions.results import MethodResult, Results
from bench.predictions.treatment import Missing
from bench.ranking.consensus import comparisons, consensus_ranks, ranked_columns
from bench.scoring.sample import Sample, metric_of, sample_of
from bench.scoring.scores import Score, metric_scores, sample_scores, score_results
from bench.task import Task

# What papers rank by; those that the benchmark offers are tried.
OTHER_METRICS = {
    "binary": ("auc", "average_precision", "brier", "log_loss"),
    "continuous": ("mae", "rmse", "spearman", "concordance"),
}

Columns = Sequence[Mapping[str, Score]]


@dataclass(frozen=True)
class Order:
    """Methods in an order.

    Parameters
    ----------
    values
        Method to what orders it, higher is better.
    ranks
        Method to shared rank, or consensus rank.
    """

    values: Mapping[str, float]
    ranks: Mapping[str, int]

    @property
    def first(self) -> tuple[str, ...]:
        """The methods with the best value."""
        top = max(self.values.values(), default=0.0)
        return tuple(name for name, value in self.values.items() if value == top)


@dataclass(frozen=True)
class Sensitivity:
    """What one other choice makes of the order.

    Parameters
    ----------
    task
        Which task is ordered; None for the consensus.
    choice, alternative
        What is chosen otherwise, and how.
    board_first, first
        The methods with the best value on the board, and now.
    tau
        Kendall's tau-b between the values of the board and the alternative's, of the methods in both; NaN
        where either has no order.
    moved
        Method to its place by value among these methods, on the board and now, where the two differ.
    reranked
        Method to its shared (or consensus) rank, on the board and now, where the two differ.
    metric
        Title of what orders the methods on the board.
    """

    task: Task | None
    choice: str
    alternative: str
    board_first: tuple[str, ...]
    first: tuple[str, ...]
    tau: float
    moved: Mapping[str, tuple[float, float]]
    reranked: Mapping[str, tuple[int, int]]
    metric: str = "mean rank"


def sensitivity(
    results: Results, missing: Missing = Missing.apart, bootstrap: Bootstrap = Bootstrap()
) -> tuple[Sensitivity, ...]:
    """Compare the order of a board with that under every other choice.

    On each task: another metric (the AUC over all pairs, the AUC within sites where there are several, and
    those of :data:`OTHER_METRICS` that the benchmark offers), the other treatment of missing results where
    some are missing, and with several seeds their ensemble and the first of them alone instead of the mean of
    the metric; a metric of decisions has no ensemble, for want of a threshold. On the consensus, with several
    ranked tasks: the same but for metrics, and other ways to aggregate tasks, see :data:`AGGREGATES`.

    Places by value are compared, which any two methods have; and shared ranks, which differ only where the
    cases separate methods. A place that moves without a rank that moves is noise.

    Parameters
    ----------
    results
        With missing results as they are, see :func:`bench.predictions.missing.at_chance`.
    missing
        How the board treats them.
    bootstrap
        Resamples of patients.
    """
    completed = at_chance(results)
    board, other = (completed, results) if missing is Missing.chance else (results, completed)
    scores = score_results(board, bootstrap)
    name = Missing.apart if missing is Missing.chance else Missing.chance
    others: list[tuple[str, str, tuple[Score, ...]]] = []
    if any(method.imputed for method in completed.methods):
        others.append(("missing results", name.value, score_results(other, bootstrap)))
    for label, change in SEEDS.items():
        if any(score.seeds > 1 for score in scores):
            changed = tuple(change(method, board.tasks) for method in board.methods)
            others.append(("seeds", label, score_results(replace(board, methods=changed), bootstrap)))
    found = []
    for task in results.tasks:
        before = _task_order(scores, task)
        if before.values:
            by_metric = _metric_orders(board, task, bootstrap)
            mine = [_compared(task, "metric", label, before, order) for label, order in by_metric]
            orders = [(choice, label, _task_order(one, task)) for choice, label, one in others]
            mine += [_compared(task, *order[:2], before, order[2]) for order in orders if order[2].values]
            found += [replace(score, metric=metric_of(board, task).title) for score in mine]
    return (*found, *_consensus_sensitivity(scores, others))


def _consensus_sensitivity(
    scores: Sequence[Score], others: Sequence[tuple[str, str, tuple[Score, ...]]]
) -> Iterator[Sensitivity]:
    """The same of the consensus, with several ranked tasks."""
    if len(ranked_columns(scores)) < 2:
        return
    before = _consensus_order(scores, mean_rank)
    for label, aggregate in AGGREGATES.items():
        yield _compared(None, "aggregation", label, before, _consensus_order(scores, aggregate))
    ranked = len(ranked_columns(scores))
    for choice, label, changed in (other for other in others if len(ranked_columns(other[2])) == ranked):
        yield _compared(None, choice, label, before, _consensus_order(changed, mean_rank))


def mean_rank(columns: Columns, names: Sequence[str]) -> Array:
    """Mean over tasks of the shared ranks: the consensus of the board, shape (method,)."""
    ranks: Array = np.mean(_shared(columns, names), axis=0)
    return ranks


def median_rank(columns: Columns, names: Sequence[str]) -> Array:
    """Median over tasks of the shared ranks, shape (method,)."""
    ranks: Array = np.median(_shared(columns, names), axis=0)
    return ranks


def borda(columns: Columns, names: Sequence[str]) -> Array:
    """Mean over tasks of the ranks by value, shape (method,); the order of Borda's count (de Borda 1781)."""
    values = comparisons(columns, names)[0]
    ranks: Array = np.mean([ranks_by_value(row) for row in values], axis=0)
    return ranks


def lost_gain(columns: Columns, names: Sequence[str]) -> Array:
    """1 - the mean over tasks of the gain over the baseline as a share of a perfect one's.

    Shape (method,). A task on which the baseline is perfect, or perfection has no fixed value, is left out;
    NaN where that leaves none.
    """
    usable = [column for column in columns if abs(_perfect_gain(next(iter(column.values())))) > 0]
    shares = [
        [comparison[name].gain.value / _perfect_gain(comparison[name]) for name in names]
        for comparison in usable
    ]
    lost: Array = 1 - np.mean(shares, axis=0) if shares else np.full(len(names), np.nan)
    return lost


AGGREGATES: Mapping[str, Callable[[Columns, Sequence[str]], Array]] = {
    "median of ranks": median_rank,
    "Borda count of values": borda,
    "mean standardised gain": lost_gain,
}


def ensemble_of(method: MethodResult, tasks: Sequence[Task]) -> MethodResult:
    """The method's ensemble over training seeds in its place, or itself where it has none."""
    found = seed_ensemble(method, tasks)
    return method if found is None else replace(found, label=method.label)


def first_seed(method: MethodResult, tasks: Sequence[Task]) -> MethodResult:
    """The method with the predictions of its first seed alone."""
    first = method.predictions["seed"] == method.predictions["seed"].min()
    return replace(method, predictions=method.predictions[first], seeds=())


SEEDS: Mapping[str, Callable[[MethodResult, Sequence[Task]], MethodResult]] = {
    "ensemble over seeds": ensemble_of,
    "first seed alone": first_seed,
}


def _metric_orders(results: Results, task: Task, bootstrap: Bootstrap) -> Iterator[tuple[str, Order]]:
    """The order of a task's methods by every other metric."""
    sample, metric = sample_of(results, task), metric_of(results, task)
    for label, strata in _strata(sample) if metric.is_auc else ():
        yield label, _task_order(sample_scores(results, strata, bootstrap), task)
    for name in OTHER_METRICS[task.kind]:
        if name in METRICS and name != metric.name:
            found = metric_scores(results, task, METRICS[name], bootstrap)
            yield METRICS[name].title, _task_order(found, task)


def _strata(sample: Sample) -> Iterator[tuple[str, Sample]]:
    """The sample with other pairs of cases that count."""
    if sample.fold.max(initial=0) > 0:
        yield "pooled AUC", replace(sample, fold=np.zeros_like(sample.fold))
    if sample.site.max(initial=0) > 0:
        within = sample.fold * (sample.site.max() + 1) + sample.site
        yield "within-site AUC", replace(sample, fold=within)


def _task_order(scores: Sequence[Score], task: Task) -> Order:
    mine = {score.method: score for score in scores if score.task == task and score.rank is not None}
    values = {name: score.metric.sign * score.value for name, score in mine.items()}
    return Order(values, {name: score.rank or 1 for name, score in mine.items()})


def _consensus_order(scores: Sequence[Score], aggregate: Callable[[Columns, Sequence[str]], Array]) -> Order:
    columns = ranked_columns(scores)
    names = [name for name in columns[0] if all(name in column for column in columns)] if columns else []
    if not names:
        return Order({}, {})
    lower = aggregate(columns, names)
    if np.isnan(lower).any():
        return Order({}, {})
    ranks = consensus_ranks(lower, separated(*comparisons(columns, names)))
    # Means of ranks in another order of tasks differ in the last digit: no order.
    values = np.round(-lower, 12).tolist()
    return Order(dict(zip(names, values, strict=True)), dict(zip(names, ranks, strict=True)))


def _compared(task: Task | None, choice: str, alternative: str, before: Order, after: Order) -> Sensitivity:
    names = [name for name in before.values if name in after.values]
    one, other = (np.array([order.values[name] for name in names]) for order in (before, after))
    places = zip(names, ranks_by_value(one).tolist(), ranks_by_value(other).tolist(), strict=True)
    return Sensitivity(
        task=task,
        choice=choice,
        alternative=alternative,
        board_first=before.first,
        first=after.first,
        tau=kendall_tau(one, other),
        moved={name: (was, now) for name, was, now in places if was != now},
        reranked={
            name: (before.ranks[name], after.ranks[name])
            for name in names
            if before.ranks[name] != after.ranks[name]
        },
    )


def _shared(columns: Columns, names: Sequence[str]) -> Array:
    return np.array([[column[name].rank for name in names] for column in columns], dtype=float)


def _perfect_gain(score: Score) -> float:
    """By how much perfection is better than the baseline; 0 where that is not defined."""
    gain = score.metric.sign * (score.metric.best - score.constant)
    return 0.0 if np.isnan(gain) else gain
