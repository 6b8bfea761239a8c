"""What is scored: stored predictions lined up with the truth, case by case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import StoreError, unknown_name
from bench.inference import MIN_PATIENTS, Patients, effective_patients, patients_of
from bench.inference.areas import Areas
from bench.metrics import METRICS, Array, Context, Metric
from bench.metrics.guarded import failure_of
from bench.metrics.metric import NAN
from bench.predictions.results import ROUNDING, MethodResult, Results, tested_folds
from bench.predictions.thresholds import decisions
from bench.task import Task


@dataclass(frozen=True, eq=False)
class Sample:
    """The cases on which a task is scored, and what every scored method predicts for them.

    All arrays are in the order of the case ids, shape (case,); ``predictions`` maps a method's label to an
    array of shape (seed, case), ``seeds`` to their numbers. ``statuses`` holds for the other methods why they
    are not here, ``site_names`` what the codes of ``site`` stand for. ``variance_factor`` is that of the
    :class:`Results`.
    """

    task: Task
    truth: Array
    fold: NDArray[np.intp]
    site: NDArray[np.intp]
    patients: Patients
    predictions: Mapping[str, Array]
    statuses: Mapping[str, str]
    constant: Array
    ceiling: Array | None
    site_names: tuple[str, ...] = ()
    seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    variance_factor: float = 1.0

    @cached_property
    def areas(self) -> Areas:
        """The AUC of all methods of a binary task, with all that makes them uncertain."""
        rows = tuple(self.predictions.values())
        return Areas(self.truth, rows, self.fold, self.patients, self.variance_factor, self.numbered)

    @property
    def fewest(self) -> float:
        """Effective number of patients of the rarer class of a binary task, or of all cases."""
        binary = self.task.kind == "binary"
        label = (self.truth == 1).astype(np.intp) if binary else np.zeros(len(self.truth), dtype=np.intp)
        return float(effective_patients(label, self.patients.codes, 2 if binary else 1).min())

    @property
    def can_be_tested(self) -> bool:
        """Whether there are patients enough for intervals and for telling methods apart."""
        return self.fewest > MIN_PATIENTS - ROUNDING

    @property
    def people(self) -> tuple[int, int | None]:
        """Number of patients, and of those with a positive case of a binary task."""
        positive = len(np.unique(self.patients.codes[self.truth == 1]))
        return len(self.patients.group), positive if self.task.kind == "binary" else None

    @property
    def numbered(self) -> list[tuple[int, ...]]:
        """Numbers of the seeds of each method, in the order of ``predictions``."""
        return [self.seeds.get(label, tuple(range(len(rows)))) for label, rows in self.predictions.items()]


# What was lined up of results that are in use.
_LINED_UP: WeakKeyDictionary[Results, dict[tuple[str, int], tuple[Metric, Sample]]] = WeakKeyDictionary()


def metric_of(results: Results, task: Task) -> Metric:
    """The metric that ranks a task; raises UsageError where it is none of the benchmark's own nor given."""
    if task.name in results.metrics:
        return results.metrics[task.name]
    if task.metric not in METRICS:
        raise unknown_name("metric", task.metric, METRICS, "See `bench metrics --list`.")
    return METRICS[task.metric]


def sample_of(results: Results, task: Task, metric: Metric | None = None) -> Sample:
    """Line up truth and predictions of one task by case id, as a metric (or the ranking one) needs them.

    The same results are lined up once, and what was made is kept as long as they are.

    For a metric of decisions the predictions are these, 1 or 0; the baseline, which is the same for all
    cases, calls every case positive, as either rule has it do, and there is no oracle.

    Raises
    ------
    StoreError
        A predicted case is not in the truth, a case has two predictions of one seed, or is tested in two
        different folds.
    """
    metric = metric or metric_of(results, task)
    known = _LINED_UP.setdefault(results, {})
    # A metric of a plugin may hold what has no hash; it is kept, so that no other can have the id.
    key = task.name, id(metric)
    if key not in known:
        known[key] = metric, _lined_up(results, task, metric)
    return known[key][1]


def _lined_up(results: Results, task: Task, metric: Metric) -> Sample:
    decided = metric.input == "decision"
    methods = (
        [_decided(method, task, results.rule) for method in results.methods] if decided else results.methods
    )
    finished = [method for method in methods if method.can_be_scored]
    tables = {
        method.label: method.predictions[method.predictions["task"] == task.name] for method in finished
    }
    fold = tested_folds(tables, results)
    known = results.truth.loc[fold.index]
    known = known[known[task.name].notna()].sort_index()
    fold = fold.loc[known.index]
    predictions, statuses = _predictions(tables, known.index)
    truth = known[task.name].to_numpy(dtype=float)
    label = truth if metric.stratify_by_class else None
    return Sample(
        task=task,
        truth=truth,
        fold=_codes(fold),
        site=_codes(known["site"]),
        patients=patients_of(known["patient_id"].to_numpy(dtype=object), label),
        predictions=predictions,
        statuses=statuses | {method.label: method.status for method in methods if not method.can_be_scored},
        constant=np.ones(len(truth)) if decided else _constant(task, metric, finished, fold),
        ceiling=None if decided else _ceiling(task, results.ceiling, known.index),
        site_names=tuple(map(str, np.unique(known["site"].to_numpy()))),
        seeds={label: tuple(sorted(map(int, tables[label]["seed"].unique()))) for label in predictions},
        variance_factor=results.variance_factor,
    )


def _decided(method: MethodResult, task: Task, rule: str) -> MethodResult:
    """The method with decisions in place of its predictions, or without a value where a threshold lacks.

    What was imputed at chance comes from no cell and has no threshold.
    """
    if not method.can_be_scored:
        return method
    mine = method.predictions[method.predictions["task"] == task.name]
    table, reason = decisions(
        mine, [threshold for threshold in method.thresholds if threshold.task == task.name], rule
    )
    if not reason:
        return replace(method, predictions=table)
    return replace(method, predictions=table, status=f"no threshold: {reason}", imputed={})


def shared_folds(results: Results, tasks: Sequence[Task]) -> "pd.Series[Any]":
    """Fold of every case that finished methods were tested on for all of these tasks, by case id in order.

    Raises StoreError where a case is not in the truth or is tested in two different folds.
    """
    finished = [method for method in results.methods if method.status == "ok"]
    tables = [
        {method.label: method.predictions[method.predictions["task"] == task.name] for method in finished}
        for task in tasks
    ]
    folds = [tested_folds(table, results) for table in tables]
    shared = folds[0].index
    for other in folds[1:]:
        shared = shared.intersection(other.index)
    return folds[0].loc[shared].sort_index()


def _predictions(
    tables: Mapping[str, pd.DataFrame], cases: pd.Index
) -> tuple[dict[str, Array], dict[str, str]]:
    """Predictions (seed, case) of the methods that have all of these cases, and what the others lack."""
    complete: dict[str, Array] = {}
    lacking: dict[str, str] = {}
    listed, place = None, np.zeros(0, dtype=np.intp)
    for label, table in tables.items():
        ids = table["case_id"].array
        if listed is None or not listed.equals(ids):
            listed, place = ids, cases.get_indexer(pd.Index(ids))
        wide = _by_seed_and_case(label, table, place, len(cases))
        missing = int(np.isnan(wide).any(axis=0).sum()) if len(wide) else len(cases)
        if not len(cases):
            lacking[label] = "not scored: no tested case has a known label"
        elif not len(table):
            lacking[label] = "not predicted: it has no prediction of this task"
        elif missing:
            lacking[label] = f"incomplete: no prediction for {missing} of {len(cases)} cases"
        else:
            complete[label] = wide
    return complete, lacking


def _by_seed_and_case(label: str, table: pd.DataFrame, place: NDArray[np.intp], cases: int) -> Array:
    """Predictions of the cases, shape (seed, case), NaN where there is none.

    ``place`` is that of each row's case among them, -1 for another one. Raises StoreError where a case of
    the table, one of these or another, has two of one seed.
    """
    seeds, row = np.unique(table["seed"].to_numpy(), return_inverse=True)
    known = place >= 0
    cell = row[known] * cases + place[known]
    twice = (np.bincount(cell, minlength=1) > 1).any()
    if twice or table[~known].duplicated(["seed", "case_id"]).any():
        raise StoreError(f"{label} has two predictions of one seed for the same case, expected one")
    wide = np.full(len(seeds) * cases, NAN)
    wide[cell] = table["prediction"].to_numpy(dtype=float)[known]
    return wide.reshape(len(seeds), cases)


def _constant(task: Task, metric: Metric, finished: list[MethodResult], fold: "pd.Series[Any]") -> Array:
    """What the baseline predicts for each case; the methods share the training labels of a fold."""
    known = [(index, constant) for method in finished for index, constant in method.constants.items()]
    values = {index: one[task.name] for index, one in known if task.name in one}
    said = np.array([values.get(index, NAN) for index in fold])
    # Whatever is constant within a fold has an AUC of 0.5; another metric needs to know what was learned.
    return np.where(np.isnan(said), 0.5, said) if metric.stratify_by_class else said


def _ceiling(task: Task, ceiling: pd.DataFrame | None, cases: pd.Index) -> Array | None:
    """The oracle's predictions of these cases, None where one is missing."""
    if ceiling is None:
        return None
    mine = ceiling[ceiling["task"] == task.name].set_index("case_id")["prediction"]
    values = mine.reindex(cases).to_numpy(dtype=float)
    return None if np.isnan(values).any() or not len(values) else values


def _codes(values: "pd.Series[Any]") -> NDArray[np.intp]:
    codes: NDArray[np.intp] = np.unique(values.to_numpy(), return_inverse=True)[1].astype(np.intp)
    return codes


def with_values(metric: Metric, sample: Sample) -> Sample:
    """The sample with those methods whose every seed has a value, the others among its statuses."""
    values = seed_values(metric, sample)
    lacking = [label for label, value in values.items() if np.isnan(value).any()]
    why = failure_of(metric) or f"{metric.title} has no value on these cases"
    if metric.is_auc:
        why = f"no fold has both classes of {sample.task.name}"
    return replace(
        sample,
        predictions={label: rows for label, rows in sample.predictions.items() if label not in lacking},
        statuses={**sample.statuses, **dict.fromkeys(lacking, f"not scored: {why}")},
    )


def context_of(metric: Metric, sample: Sample) -> Array | NDArray[np.intp]:
    """What the metric may know of each case beside truth and prediction, shape (case,)."""
    return sample.constant if metric.context == "constant" else sample.fold


def seed_values(metric: Metric, sample: Sample, stratum: Context = None) -> dict[str, Array]:
    """The metric of each method and seed, shape (seed,), within folds where no other stratum is given."""
    known = context_of(metric, sample) if stratum is None else stratum
    return {
        label: np.array([metric.value(sample.truth, row, known) for row in rows])
        for label, rows in sample.predictions.items()
    }


def seed_means(values: Array, sample: Sample) -> Array:
    """Mean over the seeds of each method, (prediction, draw) to (method, draw)."""
    edges = np.cumsum([len(rows) for rows in sample.predictions.values()])[:-1]
    return np.array([block.mean(axis=0) for block in np.split(values, edges)])


def fold_and_site(sample: Sample) -> NDArray[np.intp]:
    """A stratum for each fold and site, shape (case,)."""
    strata: NDArray[np.intp] = sample.fold * (sample.site.max(initial=0) + 1) + sample.site
    return strata
