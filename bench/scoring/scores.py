"""From stored predictions to one score a task and method: a pure function, without images, GPU or plugins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import StoreError
from bench.inference import (
    ALPHA,
    NO_INTERVAL,
    Bootstrap,
    Difference,
    Interval,
    is_close,
)
from bench.inference.ranks import RankSet, best_fractions, rank_sets
from bench.metrics import Metric
from bench.metrics.metric import NAN
from bench.predictions.results import MethodResult, Results
from bench.scoring.evidence import Evidence, Resamples
from bench.scoring.sample import (
    Sample,
    context_of,
    fold_and_site,
    metric_of,
    sample_of,
    seed_values,
    with_values,
)
from bench.scoring.uncertainty import (
    CONSTANT,
    NO_DIFFERENCE,
    chance_of,
    differences_of,
    family_p,
    intervals_of,
    oracle_skill_of,
    way_to_oracle,
    with_constant,
)
from bench.task import Task


@dataclass(frozen=True)
class Score:
    """One method on one task; numbers are NaN where there is none.

    Parameters
    ----------
    rank, rank_set
        1 + the number of significantly better methods, and the ranks that the cases do not rule out; None
        without a value.
    best_fraction
        Share of resamples in which its value is the best of all.
    adjusted
        Method to p of the difference from it, adjusted for all pairs of methods of the task and the baseline.
    constant_p
        The same of :attr:`gain`; NaN where that has none.
    unclear
        Methods (the baseline as ``""``) to which the adjusted p is close to 5 %, see
        :func:`bench.inference.is_close`.
    patients, positive_patients
        Of the cases, and of those with a positive case; None for a continuous task.
    imputed
        Of how many of the ``n`` cases the prediction is the baseline's.
    value, interval
        Metric, averaged over seeds, on the ``n`` cases with a known label (``positives`` of them positive).
    constant, gain
        The baseline's value, and by how much the method is better (positive is better).
    ceiling, oracle_skill, oracle_skill_interval
        The oracle's value, and the improvement over the baseline as a fraction of the oracle's.
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
    oracle_skill: float = NAN
    oracle_skill_interval: Interval = NO_INTERVAL
    pooled: float = NAN
    within_site: float = NAN
    seeds: int = 0
    seed_sd: float = NAN
    rank_set: RankSet | None = None
    best_fraction: float = NAN
    adjusted: Mapping[str, float] = field(default_factory=dict, repr=False)
    imputed: int = 0
    patients: int = 0
    positive_patients: int | None = None
    constant_p: float = NAN
    unclear: tuple[str, ...] = ()


def score_results(results: Results, bootstrap: Bootstrap = Bootstrap()) -> tuple[Score, ...]:
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
        for score in _task_scores(results, sample_of(results, task), bootstrap)
    )


def sample_scores(results: Results, sample: Sample, bootstrap: Bootstrap) -> tuple[Score, ...]:
    """Scores on one sample, which may be another than :func:`sample_of` makes: other strata, other seeds."""
    return tuple(_task_scores(results, sample, bootstrap))


def metric_scores(
    results: Results, task: Task, metric: Metric, bootstrap: Bootstrap = Bootstrap()
) -> tuple[Score, ...]:
    """Scores of one task by any metric of its kind, one a method; all have rank 1 where it cannot rank."""
    by_it = replace(results, metrics={**results.metrics, task.name: metric})
    return tuple(_task_scores(by_it, sample_of(by_it, task), bootstrap))


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


def _task_scores(results: Results, sample: Sample, bootstrap: Bootstrap) -> list[Score]:
    metric = metric_of(results, sample.task)
    sample = with_values(metric, sample)
    blank = {method.label: _blank(method, sample, metric) for method in results.methods}
    if not sample.predictions:
        return list(blank.values())
    levels = (ALPHA, ALPHA / max(sum(task.ranked for task in results.tasks), 1))
    scored = _scored(metric, sample, bootstrap, blank, levels)
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
    bootstrap: Bootstrap,
    blank: Mapping[str, Score],
    levels: Sequence[float],
) -> dict[str, Score]:
    """The rows of the methods that have a value."""
    values, resamples = seed_values(metric, sample), Resamples(metric, sample, bootstrap)
    constant, ceiling = _ends(metric, sample)
    family = with_constant(sample)
    chance = chance_of(metric, family)
    oriented = metric.sign * np.array([*(float(said.mean()) for said in values.values()), constant])
    evidence = Evidence(metric, family, oriented, chance, resamples)
    gains, intervals = _gains(evidence), intervals_of(resamples, chance.patients)
    way = way_to_oracle(metric, sample, constant, ceiling)
    skills = [oracle_skill_of(evidence, row, way) for row in range(len(values))]
    pooled = _mean_values(metric, sample, np.zeros_like(sample.fold))
    within = _mean_values(metric, sample, fold_and_site(sample) if sample.site.any() else None)
    standing = _standing(evidence, gains, levels)
    return {
        label: replace(
            blank[label],
            **standing[label],
            value=float(said.mean()),
            interval=intervals[row],
            constant=constant,
            gain=gains[row],
            ceiling=ceiling,
            oracle_skill=skills[row][0],
            oracle_skill_interval=skills[row][1],
            pooled=pooled[label],
            within_site=within[label],
            seeds=len(said),
            seed_sd=float(said.std(ddof=1)) if len(said) > 1 else NAN,
        )
        for row, (label, said) in enumerate(values.items())
    }


def _ends(metric: Metric, sample: Sample) -> tuple[float, float]:
    """The metric of the baseline and of the oracle, NaN where there is no oracle."""
    known = context_of(metric, sample)
    constant = metric.value(sample.truth, sample.constant, known)
    return constant, NAN if sample.ceiling is None else metric.value(sample.truth, sample.ceiling, known)


def _gains(evidence: Evidence) -> list[Difference]:
    """The difference of each method from the baseline, which is the last row."""
    last = len(evidence.oriented) - 1
    if not evidence.metric.ranks:
        return [NO_DIFFERENCE] * last
    return [difference for difference, _ in differences_of(evidence, [(row, last) for row in range(last)])]


def _standing(
    evidence: Evidence, gains: Sequence[Difference], levels: Sequence[float]
) -> dict[str, dict[str, Any]]:
    """Where each method stands among the others: the fields of :class:`Score` on it.

    The baseline, in the last row, is a member of the family and has no rank. With too few patients
    to compare methods all have rank 1, and any rank may be the true one.
    """
    metric, count, labels = evidence.metric, len(gains), list(evidence.sample.predictions)[:-1]
    adjusted, fractions, pairs = np.ones((count + 1, count + 1)), np.full(count, NAN), 0
    known = not np.isnan(evidence.chance.patients[:count]).any()
    if metric.ranks and evidence.sample.can_be_tested and known:
        rows = _usable(evidence)
        contrasts = [pair for pair in combinations(range(count + 1), 2) if rows[list(pair)].all()]
        pairs = len(contrasts)
        found = family_p(evidence, contrasts, levels) if contrasts else adjusted
        adjusted = np.where(np.isnan(found), 1.0, found)
        fractions = (
            best_fractions(metric.sign * evidence.resamples.values.methods) if count > 1 else fractions
        )
    among = adjusted[:count, :count]
    return {
        label: {
            "rank": ranks.best,
            "rank_set": ranks,
            "best_fraction": float(fraction),
            "adjusted": dict(zip(labels, row.tolist(), strict=False)),
            # The joint bootstrap and the difference's own test differ in the third digit; never the smaller.
            "constant_p": NAN if np.isnan(gain.p) else max(float(row[-1]), gain.p),
            "unclear": tuple(
                name for name, p in zip([*labels, CONSTANT], row, strict=True) if is_close(p, pairs)
            ),
        }
        for label, ranks, fraction, row, gain in zip(
            labels, rank_sets(evidence.oriented[:count], among), fractions, adjusted, gains, strict=False
        )
    }


def _usable(evidence: Evidence) -> NDArray[np.bool_]:
    """Which rows have a value and a spread; the baseline may lack them, shape (row,)."""
    without = np.isnan(evidence.oriented) | np.isnan(evidence.chance.patients).any(axis=1)
    usable: NDArray[np.bool_] = ~without
    return usable


def _mean_values(metric: Metric, sample: Sample, stratum: NDArray[np.intp] | None) -> dict[str, float]:
    """The AUC with other strata, mean over seeds; NaN without such, and for other metrics."""
    if stratum is None or not metric.is_auc:
        return dict.fromkeys(sample.predictions, NAN)
    return {label: float(said.mean()) for label, said in seed_values(metric, sample, stratum).items()}
