"""From stored predictions to one score a task and method: a pure function, without images, GPU or plugins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cohorts.cohort import Task
from bench.errors import StoreError
from bench.inference import (
    ALPHA,
    DRAW_SEED,
    DRAWS,
    NO_INTERVAL,
    Difference,
    Interval,
    draw_patients,
    is_undecided,
)
from bench.metrics import Array, Metric
from bench.ranking import RankSet, best_shares, rank_sets
from bench.sample import (
    NAN,
    MethodResult,
    Results,
    Sample,
    beside,
    fold_and_site,
    metric_of,
    of_methods,
    sample_of,
    seed_means,
    seed_values,
    shared_folds,
    tested_folds,
    with_values,
)
from bench.uncertainty import (
    CONSTANT,
    LEAST_GAP,
    NO_DIFFERENCE,
    Chance,
    Resampled,
    chance_of,
    difference_of,
    family_p,
    intervals_of,
    metric_influence,
    recovered_share,
    resample,
    way_to,
    with_constant,
)

__all__ = [
    "CONSTANT",
    "LEAST_GAP",
    "NAN",
    "NO_DIFFERENCE",
    "Chance",
    "MethodResult",
    "Resampled",
    "Results",
    "Sample",
    "Score",
    "beside",
    "chance_of",
    "difference_of",
    "family_p",
    "intervals_of",
    "metric_influence",
    "metric_of",
    "metric_scores",
    "of_methods",
    "sample_of",
    "sample_scores",
    "score_results",
    "seed_means",
    "shared_folds",
    "tested_folds",
    "with_values",
]


@dataclass(frozen=True)
class Score:
    """One method on one task; numbers are NaN where there is none.

    Parameters
    ----------
    rank, rank_set
        1 + the number of significantly better methods, and the ranks that the cases do not rule out; None
        without a value.
    best_share
        Share of resamples in which its value is the best of all.
    adjusted
        Method to p of the difference from it, adjusted for all pairs of methods of the task and the constant
        predictor.
    constant_p
        The same of :attr:`gain`; NaN where that has none.
    unclear
        Methods (the constant predictor as ``""``) whose p the most resamples place on neither side of 5 %:
        read as not separable.
    patients, positive_patients
        Of the cases, and of those with a positive case; None for a continuous task.
    imputed
        Of how many of the ``n`` cases the prediction is the constant predictor's.
    value, interval
        Metric, averaged over seeds, on the ``n`` cases with a known label (``positives`` of them positive).
    constant, gain
        The constant predictor's value, and by how much the method is better (positive is better).
    ceiling, share, share_interval
        The ceiling's value, and the share of the way from constant to ceiling that the method reaches.
    pooled
        AUC over all pairs, comparing scores of different folds.
    within_site
        AUC over pairs of the same fold and site, where there are several sites.
    seeds, seed_sd
        Number of training seeds, and the standard deviation of the metric between them.
    """

    task: Task
    metric: Metric
    method: str
    status: str
    n: int
    positives: int | None
    fit_seconds: float | None
    parameters: int | None
    rank: int | None = None
    value: float = NAN
    interval: Interval = NO_INTERVAL
    constant: float = NAN
    gain: Difference = NO_DIFFERENCE
    ceiling: float = NAN
    share: float = NAN
    share_interval: Interval = NO_INTERVAL
    pooled: float = NAN
    within_site: float = NAN
    seeds: int = 0
    seed_sd: float = NAN
    rank_set: RankSet | None = None
    best_share: float = NAN
    adjusted: Mapping[str, float] = field(default_factory=dict, repr=False)
    imputed: int = 0
    patients: int = 0
    positive_patients: int | None = None
    constant_p: float = NAN
    unclear: tuple[str, ...] = ()


def score_results(results: Results, draws: int = DRAWS, seed: int = DRAW_SEED) -> tuple[Score, ...]:
    """One score a task and method, in the order of the tasks and of the methods.

    All methods of a task are scored on the same cases: those with a known label that the finished methods
    were tested on. A method that lacks one of them gets a status and no value.

    Raises
    ------
    StoreError
        There is no method, or the predictions contradict each other or the truth: see :func:`sample_of`.
    """
    if not results.methods:
        raise StoreError(
            f"the store has no method for the cohort {results.cohort!r} and the split {results.split!r}; "
            f"run one with `bench run --cohort {results.cohort} --split {results.split} --method NAME`"
        )
    for method in results.methods:
        _refuse_other_protocol(method, results)
    return tuple(
        score
        for task in results.tasks
        for score in _task_scores(results, sample_of(results, task), draws, seed)
    )


def sample_scores(results: Results, sample: Sample, draws: int, seed: int) -> tuple[Score, ...]:
    """Scores on one sample, which may be another than :func:`sample_of` makes: other strata, other seeds."""
    return tuple(_task_scores(results, sample, draws, seed))


def metric_scores(
    results: Results, task: Task, metric: Metric, draws: int = DRAWS, seed: int = DRAW_SEED
) -> tuple[Score, ...]:
    """Scores of one task by any metric of its kind, one a method; ranks say nothing where it cannot rank."""
    by_it = replace(results, metrics={**results.metrics, task.name: metric})
    return tuple(_task_scores(by_it, sample_of(by_it, task), draws, seed))


def _refuse_other_protocol(method: MethodResult, results: Results) -> None:
    """Raise StoreError where a method was run on another cohort or split than the table is about."""
    expected = (results.cohort_fingerprint, results.split_fingerprint)
    for what, name, one, other in zip(
        ("cohort", "split"),
        (results.cohort, results.split),
        expected,
        method.made_on or expected,
        strict=True,
    ):
        if one != other:
            raise StoreError(
                f"{method.label} was run on the {what} {name} with the fingerprint {other[:12]}, this table "
                f"is about {one[:12]}; one table does not mix them, run it again on the {what} as it is now"
            )


def _task_scores(results: Results, sample: Sample, draws: int, seed: int) -> list[Score]:
    metric = metric_of(results, sample.task)
    sample = with_values(metric, sample)
    blank = {its.label: _blank(its, sample, metric) for its in results.methods}
    if not sample.predictions:
        return list(blank.values())
    drawn = draw_patients(sample.patients, draws, seed)
    levels = (ALPHA, ALPHA / max(sum(task.ranked for task in results.tasks), 1))
    scored = _scored(metric, sample, drawn, seed, blank, seed_values(metric, sample), levels)
    return [scored.get(label, blank[label]) for label in blank]


def _blank(method: MethodResult, sample: Sample, metric: Metric) -> Score:
    """The row of a method before it is scored."""
    return Score(
        task=sample.task,
        metric=metric,
        method=method.label,
        status=sample.statuses.get(method.label, method.status),
        n=len(sample.truth),
        positives=int((sample.truth == 1).sum()) if sample.task.kind == "binary" else None,
        fit_seconds=method.fit_seconds,
        parameters=method.parameters,
        imputed=method.imputed.get(sample.task.name, 0),
        patients=sample.people[0],
        positive_patients=sample.people[1],
    )


def _scored(
    metric: Metric,
    sample: Sample,
    drawn: Array,
    seed: int,
    blank: Mapping[str, Score],
    values: Mapping[str, Array],
    levels: Sequence[float],
) -> dict[str, Score]:
    """The rows of the methods that have a value."""
    resampled = resample(metric, sample, drawn)
    means = {label: float(said.mean()) for label, said in values.items()}
    known = beside(metric, sample)
    constant = metric.value(sample.truth, sample.constant, known)
    ceiling = NAN if sample.ceiling is None else metric.value(sample.truth, sample.ceiling, known)
    way = way_to(metric, sample, constant, ceiling)
    chance = chance_of(metric, with_constant(sample))
    intervals = intervals_of(metric, sample, resampled.methods, chance.patients, drawn)
    oriented = metric.sign * np.array([*means.values(), constant])
    gains = _gains(metric, sample, oriented, chance, drawn, seed)
    standing = _standing(metric, sample, oriented, chance, (drawn, seed), gains, resampled, levels)
    pooled = _mean_values(metric, sample, np.zeros_like(sample.fold))
    several = sample.site.max(initial=0) > 0
    within = _mean_values(metric, sample, fold_and_site(sample)) if several else dict.fromkeys(means, NAN)
    rows = {}
    for index, (label, mean) in enumerate(means.items()):
        gain = float(oriented[index] - oriented[-1])
        share, share_interval = recovered_share(
            metric, sample, gain, way, resampled, index, chance.seeds[index]
        )
        rows[label] = replace(
            blank[label],
            **standing[label],
            value=mean,
            interval=intervals[index],
            constant=constant,
            gain=gains[index],
            ceiling=ceiling,
            share=share,
            share_interval=share_interval,
            pooled=pooled[label],
            within_site=within[label],
            seeds=len(values[label]),
            seed_sd=float(values[label].std(ddof=1)) if len(values[label]) > 1 else NAN,
        )
    return rows


def _gains(
    metric: Metric, sample: Sample, oriented: Array, chance: Chance, drawn: Array, seed: int
) -> list[Difference]:
    """The difference of each method from the constant predictor, which is the last row."""
    last = len(oriented) - 1
    if not metric.ranks:
        return [NO_DIFFERENCE] * last
    given = (metric, with_constant(sample), oriented, chance)
    return [difference_of(*given, (row, last), drawn, seed)[0] for row in range(last)]


def _standing(
    metric: Metric,
    sample: Sample,
    oriented: Array,
    chance: Chance,
    drawing: tuple[Array, int],
    gains: Sequence[Difference],
    resampled: Resampled,
    levels: Sequence[float],
) -> dict[str, dict[str, Any]]:
    """Where each method stands among the others: the fields of :class:`Score` that say so.

    The constant predictor, in the last row, is a member of the family and has no rank. With too few patients
    to tell methods apart all have rank 1, and any rank may be the true one.
    """
    count, labels = len(gains), list(sample.predictions)
    adjusted, shares = np.ones((count + 1, count + 1)), np.full(count, NAN)
    if metric.ranks and sample.can_be_judged and not np.isnan(chance.patients[:count]).any():
        rows = _usable(oriented, chance)
        contrasts = [pair for pair in combinations(range(count + 1), 2) if rows[list(pair)].all()]
        given = (metric, with_constant(sample), oriented, chance, *drawing)
        found = family_p(*given, contrasts, levels) if contrasts else adjusted
        adjusted = np.where(np.isnan(found), 1.0, found)
        shares = best_shares(metric.sign * resampled.methods) if count > 1 else shares
    among = adjusted[:count, :count]
    return {
        label: {
            "rank": ranks.best,
            "rank_set": ranks,
            "best_share": float(share),
            "adjusted": dict(zip(labels, row.tolist(), strict=False)),
            # The joint bootstrap and the difference's own test differ in the third digit; never the smaller.
            "constant_p": NAN if np.isnan(gain.p) else max(float(row[-1]), gain.p),
            "unclear": tuple(
                name for name, p in zip([*labels, CONSTANT], row, strict=True) if is_undecided(p)
            ),
        }
        for label, ranks, share, row, gain in zip(
            labels, rank_sets(oriented[:count], among), shares, adjusted, gains, strict=False
        )
    }


def _usable(oriented: Array, chance: Chance) -> NDArray[np.bool_]:
    """Which rows have a value and a spread; the constant predictor may lack them, shape (row,)."""
    usable: NDArray[np.bool_] = ~(np.isnan(oriented) | np.isnan(chance.patients).any(axis=1))
    return usable


def _mean_values(metric: Metric, sample: Sample, stratum: NDArray[np.intp]) -> dict[str, float]:
    """The rank metric with other strata, mean over seeds; NaN for other metrics."""
    if not metric.is_area:
        return dict.fromkeys(sample.predictions, NAN)
    return {label: float(said.mean()) for label, said in seed_values(metric, sample, stratum).items()}
