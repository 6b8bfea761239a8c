"""Learning curves: each method's value on the same test cases, by the number of patients it learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.errors import StoreError, UsageError
from bench.inference import NO_INTERVAL, Bootstrap, Interval, reach_factor, seed_influence
from bench.inference.learning_law import (
    NO_LAW_INTERVAL,
    FittedLaw,
    fitted_law,
    passing_interval,
    passings,
)
from bench.metrics import Array, Metric
from bench.metrics.metric import NAN
from bench.predictions.results import Results
from bench.scoring.evidence import Resamples
from bench.scoring.sample import Sample, context_of, metric_of, sample_of, seed_values, with_values
from bench.scoring.seeds import on_shared_seeds
from bench.scoring.uncertainty import intervals_of, metric_influence
from bench.task import Task


@dataclass(frozen=True)
class LearningPoint:
    """The value of a method that learned from so many patients; NaN where it has none.

    Parameters
    ----------
    size
        Patients of the training part of a fold, the median over folds where these differ.
    status
        ``ok``, or why there is no value.
    constant
        The baseline's value, which is made of the same training cases.
    """

    size: int
    status: str
    value: float = NAN
    interval: Interval = NO_INTERVAL
    constant: float = NAN


@dataclass(frozen=True)
class LearningCurve:
    """One method on one task: a point a size, and the law that these follow, on the ``n`` scored cases.

    ``positives``, ``patients`` and ``positive_patients`` are as of :class:`bench.scoring.scores.Score`; the
    limit of the law and its interval are in the units of the metric.
    """

    task: Task
    metric: Metric
    method: str
    points: tuple[LearningPoint, ...]
    fitted: FittedLaw
    n: int
    positives: int | None
    patients: int
    positive_patients: int | None


@dataclass(frozen=True)
class Passing:
    """From which size on one method is ahead of another up to the largest size.

    ``size`` is that by the values, with the interval over resamples of the test patients;
    :data:`bench.inference.learning_law.BELOW` and :data:`~bench.inference.learning_law.NEVER` stand for
    places outside the sizes. No interval with too few patients.
    """

    task: Task
    metric: Metric
    first: str
    second: str
    size: float
    interval: Interval


@dataclass(frozen=True)
class LearningCurves:
    """All curves, and for each pair of methods which one passes the other."""

    sizes: tuple[int, ...]
    curves: tuple[LearningCurve, ...]
    passings: tuple[Passing, ...]


@dataclass(frozen=True, eq=False)
class _Measured:
    """A method at one size: its value, higher is better, its standard error, and its values in resamples."""

    value: float
    error: float
    drawn: Array


@dataclass(frozen=True, eq=False)
class _Size:
    """All methods at one size."""

    sample: Sample
    points: Mapping[str, LearningPoint]
    measured: Mapping[str, _Measured]


def learning_curves(by_size: Mapping[int, Results], bootstrap: Bootstrap = Bootstrap()) -> LearningCurves:
    """The curves of the methods of these results.

    Parameters
    ----------
    by_size
        Results of the same test cases by the number of training patients. The resamples of patients are the
        same at every size, so that what is said of two sizes, or of two methods, is paired.

    Raises
    ------
    UsageError
        There are fewer than two sizes.
    StoreError
        The sizes do not share the test cases.
    """
    if len(by_size) < 2:
        raise UsageError(f"a learning curve needs at least two sizes, got {len(by_size)}")
    sizes = tuple(sorted(by_size))
    ordered = [on_shared_seeds(by_size[size]) for size in sizes]
    labels = dict.fromkeys(method.label for results in ordered for method in results.methods)
    curves: list[LearningCurve] = []
    passed: list[Passing] = []
    for task in ordered[-1].tasks:
        metric = metric_of(ordered[-1], task)
        columns = [
            _at_size(size, results, task, metric, bootstrap)
            for size, results in zip(sizes, ordered, strict=True)
        ]
        _require_same_cases(columns, task)
        curves += [_curve(label, sizes, columns, metric) for label in labels]
        passed += _passings(sizes, columns, metric)
    return LearningCurves(sizes, tuple(curves), tuple(passed))


def _at_size(size: int, results: Results, task: Task, metric: Metric, bootstrap: Bootstrap) -> _Size:
    sample = with_values(metric, sample_of(results, task, metric))
    statuses = {method.label: sample.statuses.get(method.label, method.status) for method in results.methods}
    blank = {label: LearningPoint(size, status) for label, status in statuses.items()}
    if not sample.predictions:
        return _Size(sample, blank, {})
    resamples, influence = Resamples(metric, sample, bootstrap), metric_influence(metric, sample)
    values = {label: float(said.mean()) for label, said in seed_values(metric, sample).items()}
    intervals = intervals_of(resamples, influence)
    constant = metric.value(sample.truth, sample.constant, context_of(metric, sample))
    points = {
        label: LearningPoint(size, "ok", value, intervals[row], constant)
        for row, (label, value) in enumerate(values.items())
    }
    measured = _measured(metric, sample, resamples, influence) if sample.can_be_tested else {}
    return _Size(sample, blank | points, measured)


def _measured(metric: Metric, sample: Sample, resamples: Resamples, influence: Array) -> dict[str, _Measured]:
    """Every method with its resamples, spread as patients, seeds and shared training cases make them."""
    said = list(seed_values(metric, sample).values())
    seeds = seed_influence(said, sample.numbered)
    found = {}
    for row, label in enumerate(sample.predictions):
        value, drawn = metric.sign * float(said[row].mean()), metric.sign * resamples.values.methods[row]
        grown = reach_factor(float(np.nanvar(drawn)), seeds[row], sample.variance_factor)
        error = float(np.sqrt((influence[row] ** 2).sum() + (seeds[row] ** 2).sum()))
        found[label] = _Measured(value, error, value + grown * (drawn - value))
    return found


def _require_same_cases(columns: Sequence[_Size], task: Task) -> None:
    first = columns[0].sample
    for column in columns[1:]:
        same = np.array_equal(column.sample.truth, first.truth)
        if not same or not np.array_equal(column.sample.patients.codes, first.patients.codes):
            raise StoreError(
                f"the sizes of a learning curve were tested on different cases of {task.name}; run them "
                "again with `bench curve` on the cohort as it is now"
            )


def _curve(label: str, sizes: Sequence[int], columns: Sequence[_Size], metric: Metric) -> LearningCurve:
    known = [
        (size, column.measured[label])
        for size, column in zip(sizes, columns, strict=True)
        if label in column.measured
    ]
    sample = columns[-1].sample
    binary = sample.task.kind == "binary"
    patients, positive_patients = sample.people
    points = [
        column.points.get(label, LearningPoint(size, "not run at this size"))
        for size, column in zip(sizes, columns, strict=True)
    ]
    return LearningCurve(
        task=sample.task,
        metric=metric,
        method=label,
        points=tuple(points),
        fitted=_law(known, metric),
        n=len(sample.truth),
        positives=int((sample.truth == 1).sum()) if binary else None,
        patients=patients,
        positive_patients=positive_patients,
    )


def _law(known: Sequence[tuple[int, _Measured]], metric: Metric) -> FittedLaw:
    """The law of the sizes that have resamples."""
    if not known:
        return FittedLaw(None, NO_LAW_INTERVAL, NO_LAW_INTERVAL, "no interval at any size")
    return fitted_law(
        np.array([size for size, _ in known], dtype=float),
        np.array([one.value for _, one in known]),
        np.column_stack([one.drawn for _, one in known]),
        np.array([one.error for _, one in known]),
        metric.sign * metric.best,
    )


def _passings(sizes: Sequence[int], columns: Sequence[_Size], metric: Metric) -> list[Passing]:
    """Each pair of methods that have a value at every size, the one that is ahead at the largest first."""
    labels = [label for label in columns[-1].points if _has_all(label, columns)]
    found = []
    for pair in combinations(labels, 2):
        ends = [metric.sign * columns[-1].points[label].value for label in pair]
        first, second = pair if ends[0] >= ends[1] else (pair[1], pair[0])
        found.append(_passing(first, second, sizes, columns, metric))
    return found


def _has_all(label: str, columns: Sequence[_Size]) -> bool:
    return all(label in column.points and column.points[label].status == "ok" for column in columns)


def _passing(
    first: str, second: str, sizes: Sequence[int], columns: Sequence[_Size], metric: Metric
) -> Passing:
    task, numbers = columns[-1].sample.task, np.array(sizes, dtype=float)
    values = [metric.sign * (column.points[first].value - column.points[second].value) for column in columns]
    size, interval = float(passings(numbers, np.array([values]))[0]), NO_INTERVAL
    if all(first in column.measured and second in column.measured for column in columns):
        drawn = [column.measured[first].drawn - column.measured[second].drawn for column in columns]
        valued = np.column_stack(drawn)[~np.isnan(drawn).any(axis=0)]
        interval = passing_interval(passings(numbers, valued)) if len(valued) else NO_INTERVAL
    return Passing(task, metric, first, second, size, interval)
