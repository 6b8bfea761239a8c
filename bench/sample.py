"""What is scored: stored predictions lined up with the truth, case by case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.cohorts.cohort import Task
from bench.errors import StoreError
from bench.inference import FEWEST_PATIENTS, Patients, effective_patients, patients_of
from bench.metrics import METRICS, Array, Beside, Metric
from bench.metrics.guarded import failure_of
from bench.names import unknown_name
from bench.thresholds import YOUDEN, Threshold, decisions

NAN = float("nan")

# A number of patients by what they are worth is a ratio of sums: ten equal ones must be ten.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What a run store holds of one method, or variant, on one cohort and split.

    Parameters
    ----------
    label
        Name of its row.
    predictions
        Test predictions of every seed, with the columns ``seed``, ``fold``, ``case_id``, ``task`` and
        ``prediction``; a case is tested once a seed.
    constants
        What the constant predictor would say in each fold: fold to task to training prevalence or median.
    status
        ``ok``, or why there is no value, such as ``failed: out of memory``.
    fit_seconds
        Seconds of fitting, summed over folds and averaged over seeds; None where unknown.
    parameters
        Number of trained parameters; None where the method does not say.
    records
        Of its finished cells, as the run store holds them.
    thresholds
        What makes predictions of binary tasks decisions, one a task, seed, fold and rule; with the reason
        where none could be chosen.
    seeds
        Training seeds that were planned; those of the predictions where left out.
    imputed
        Task to the number of scored cases with the constant predictor's value instead of a missing one, see
        :func:`bench.missing.at_chance`; empty where nothing was imputed. ``status`` keeps the reason.
    made_on
        Fingerprints of the cohort and of the split that its cells were made on; not checked where left out.
    """

    label: str
    predictions: pd.DataFrame = field(repr=False)
    constants: Mapping[int, Mapping[str, float]] = field(default_factory=dict, repr=False)
    status: str = "ok"
    fit_seconds: float | None = None
    parameters: int | None = None
    records: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    thresholds: Sequence[Threshold] = field(default=(), repr=False)
    seeds: tuple[int, ...] = ()
    imputed: Mapping[str, int] = field(default_factory=dict)
    made_on: tuple[str, str] | None = None

    @property
    def can_be_scored(self) -> bool:
        """Whether its predictions are all there, by its own account or by imputation."""
        return self.status == "ok" or bool(self.imputed)


@dataclass(frozen=True, eq=False)
class Results:
    """Everything a board is computed from.

    Parameters
    ----------
    tasks
        As the cohort declares them.
    cohort, cohort_title, cohort_fingerprint, synthetic, licence
        Which cases.
    split, split_title, estimand, split_seed, split_fingerprint
        Which protocol; ``estimand`` is a sentence that says what its numbers estimate.
    truth
        Indexed by case id, with ``patient_id``, ``site``, ``group`` and one column a task, NaN where unknown;
        it may hold more cases than were tested.
    methods
        Of which every one is named on the board, whatever its status.
    ceiling
        Predictions of a reader of the phantom's true parameters, with the columns ``case_id``, ``task`` and
        ``prediction``; None for real cohorts.
    versions
        Package versions to print, such as those that the cells recorded.
    hardware
        On which the methods were fitted, in words.
    metrics
        What ranks a task, where that is another metric than the one that the task declares.
    rule
        By which the thresholds of decisions were chosen, see :data:`bench.thresholds.RULES`.
    tested
        Fold of every case that the split tests; the predicted cases where left out.
    variance_factor
        By what variances are multiplied for the training cases that folds share, see
        :func:`bench.shared_training.variance_factor`; 1 says that the numbers are about the fitted models.
    """

    tasks: tuple[Task, ...]
    cohort: str
    cohort_title: str
    cohort_fingerprint: str
    synthetic: bool
    licence: str
    split: str
    split_title: str
    estimand: str
    split_seed: int
    split_fingerprint: str
    truth: pd.DataFrame = field(repr=False)
    methods: tuple[MethodResult, ...]
    ceiling: pd.DataFrame | None = field(default=None, repr=False)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: str = ""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    rule: str = YOUDEN
    tested: Mapping[str, int] = field(default_factory=dict, repr=False)
    variance_factor: float = 1.0


@dataclass(frozen=True, eq=False)
class Sample:
    """The cases on which a task is scored, and what every scored method predicts for them.

    All arrays are in the order of the case ids, shape (case,); ``predictions`` maps a method's label to an
    array of shape (seed, case), ``seeds`` to their numbers. ``statuses`` says of the other methods why they
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

    @property
    def fewest(self) -> float:
        """Patients that the rarer class of a binary task is worth, or all cases are."""
        binary = self.task.kind == "binary"
        label = (self.truth == 1).astype(np.intp) if binary else np.zeros(len(self.truth), dtype=np.intp)
        return float(effective_patients(label, self.patients.codes, 2 if binary else 1).min())

    @property
    def can_be_judged(self) -> bool:
        """Whether there are patients enough for intervals and for telling methods apart."""
        return self.fewest > FEWEST_PATIENTS - ROUNDING

    @property
    def people(self) -> tuple[int, int | None]:
        """Number of patients, and of those with a positive case of a binary task."""
        positive = len(np.unique(self.patients.codes[self.truth == 1]))
        return len(self.patients.group), positive if self.task.kind == "binary" else None

    @property
    def numbered(self) -> list[tuple[int, ...]]:
        """Numbers of the seeds of each method, in the order of ``predictions``."""
        return [self.seeds.get(label, tuple(range(len(its)))) for label, its in self.predictions.items()]


def of_methods(results: Results, labels: Sequence[str] | None) -> Results:
    """The results of these methods, of all where none is named; raises UsageError for an unknown one."""
    if labels is None:
        return results
    known = {its.label: its for its in results.methods}
    for label in labels:
        if label not in known:
            remedy = "See `bench leaderboard` for the methods of a store."
            raise unknown_name("method of this cohort and split", label, known, remedy)
    return replace(results, methods=tuple(known[label] for label in dict.fromkeys(labels)))


def metric_of(results: Results, task: Task) -> Metric:
    """The metric that ranks a task; raises UsageError where it is none of the benchmark's own nor given."""
    if task.name in results.metrics:
        return results.metrics[task.name]
    if task.metric not in METRICS:
        raise unknown_name("metric", task.metric, METRICS, "See `bench metrics --list`.")
    return METRICS[task.metric]


def sample_of(results: Results, task: Task, metric: Metric | None = None) -> Sample:
    """Line up truth and predictions of one task by case id, as a metric (or the ranking one) needs them.

    For a metric of decisions the predictions are these, 1 or 0; the constant predictor, which tells no case
    from another, calls every case positive, as either rule has it do, and there is no ceiling.

    Raises
    ------
    StoreError
        A predicted case is not in the truth, a case has two predictions of one seed, or is tested in two
        different folds.
    """
    metric = metric or metric_of(results, task)
    decided = metric.takes == "decision"
    methods = [_decided(its, task, results.rule) for its in results.methods] if decided else results.methods
    finished = [its for its in methods if its.can_be_scored]
    tables = {its.label: its.predictions[its.predictions["task"] == task.name] for its in finished}
    fold = tested_folds(tables, results)
    known = results.truth.loc[fold.index]
    known = known[known[task.name].notna()].sort_index()
    fold = fold.loc[known.index]
    predictions, statuses = _predictions(tables, known.index)
    truth = known[task.name].to_numpy(dtype=float)
    label = truth if metric.by_label else None
    return Sample(
        task=task,
        truth=truth,
        fold=_codes(fold),
        site=_codes(known["site"]),
        patients=patients_of(known["patient_id"].to_numpy(dtype=object), label),
        predictions=predictions,
        statuses=statuses | {its.label: its.status for its in methods if not its.can_be_scored},
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
    table, reason = decisions(mine, [its for its in method.thresholds if its.task == task.name], rule)
    if not reason:
        return replace(method, predictions=table)
    return replace(method, predictions=table, status=f"no threshold: {reason}", imputed={})


def shared_folds(results: Results, tasks: Sequence[Task]) -> "pd.Series[Any]":
    """Fold of every case that finished methods were tested on for all of these tasks, by case id in order.

    Raises StoreError where a case is not in the truth or is tested in two different folds.
    """
    finished = [its for its in results.methods if its.status == "ok"]
    tables = [
        {its.label: its.predictions[its.predictions["task"] == task.name] for its in finished}
        for task in tasks
    ]
    folds = [tested_folds(its, results) for its in tables]
    shared = folds[0].index
    for other in folds[1:]:
        shared = shared.intersection(other.index)
    return folds[0].loc[shared].sort_index()


def tested_folds(tables: Mapping[str, pd.DataFrame], results: Results) -> "pd.Series[Any]":
    """Fold of every tested case, indexed by case id; raises StoreError as :func:`sample_of` does."""
    pieces = [table[["case_id", "fold"]] for table in tables.values()]
    if results.tested:
        pieces.append(pd.DataFrame(list(results.tested.items()), columns=["case_id", "fold"]))
    if not pieces:
        return pd.Series([], index=pd.Index([], dtype=results.truth.index.dtype), dtype=int)
    pairs = pd.concat(pieces).drop_duplicates()
    twice = pairs[pairs["case_id"].duplicated(keep=False)].sort_values(["case_id", "fold"])
    if len(twice):
        case_id = twice["case_id"].iloc[0]
        folds = ", ".join(map(str, twice.loc[twice["case_id"] == case_id, "fold"]))
        raise StoreError(
            f"case {case_id!r} is tested in the folds {folds}, expected one: the methods "
            f"{sorted(tables)} do not share the split {results.split!r}; score those of one split fingerprint"
        )
    unknown = pairs.loc[~pairs["case_id"].isin(results.truth.index), "case_id"]
    if len(unknown):
        raise StoreError(
            f"{len(unknown)} predicted cases, such as {unknown.iloc[0]!r}, are not in the cohort "
            f"{results.cohort!r}; run the methods again on the cohort as it is now"
        )
    return pairs.set_index("case_id")["fold"]


def _predictions(
    tables: Mapping[str, pd.DataFrame], cases: pd.Index
) -> tuple[dict[str, Array], dict[str, str]]:
    """Predictions (seed, case) of the methods that have all of these cases, and what the others lack."""
    complete: dict[str, Array] = {}
    lacking: dict[str, str] = {}
    for label, table in tables.items():
        if table.duplicated(["seed", "case_id"]).any():
            raise StoreError(f"{label} has two predictions of one seed for the same case, expected one")
        wide = table.pivot(index="seed", columns="case_id", values="prediction").reindex(columns=cases)
        missing = int(wide.isna().any(axis=0).sum()) if len(wide) else len(cases)
        if not len(cases):
            lacking[label] = "not scored: no tested case has a known label"
        elif not len(table):
            lacking[label] = "not predicted: it has no prediction of this task"
        elif missing:
            lacking[label] = f"incomplete: no prediction for {missing} of {len(cases)} cases"
        else:
            complete[label] = wide.to_numpy(dtype=float)
    return complete, lacking


def _constant(task: Task, metric: Metric, finished: list[MethodResult], fold: "pd.Series[Any]") -> Array:
    """What the constant predictor says for each case; the methods share the training labels of a fold."""
    known = [(index, its) for method in finished for index, its in method.constants.items()]
    values = {index: its[task.name] for index, its in known if task.name in its}
    said = np.array([values.get(index, NAN) for index in fold])
    # Whatever is constant within a fold has an AUC of 0.5; another metric needs to know what was learned.
    return np.where(np.isnan(said), 0.5, said) if metric.by_label else said


def _ceiling(task: Task, ceiling: pd.DataFrame | None, cases: pd.Index) -> Array | None:
    """The ceiling's predictions of these cases, None where one is missing."""
    if ceiling is None:
        return None
    mine = ceiling[ceiling["task"] == task.name].set_index("case_id")["prediction"]
    values = mine.reindex(cases).to_numpy(dtype=float)
    return None if np.isnan(values).any() or not len(values) else values


def _codes(values: "pd.Series[Any]") -> NDArray[np.intp]:
    codes: NDArray[np.intp] = np.unique(values.to_numpy(), return_inverse=True)[1].astype(np.intp)
    return codes


def with_values(metric: Metric, sample: Sample) -> Sample:
    """The sample with the methods alone whose every seed has a value; the statuses say so of the others."""
    values = seed_values(metric, sample)
    lacking = [label for label, its in values.items() if np.isnan(its).any()]
    why = failure_of(metric) or f"{metric.title} has no value on these cases"
    if metric.is_area:
        why = f"no fold has both classes of {sample.task.name}"
    return replace(
        sample,
        predictions={label: its for label, its in sample.predictions.items() if label not in lacking},
        statuses={**sample.statuses, **dict.fromkeys(lacking, f"not scored: {why}")},
    )


def beside(metric: Metric, sample: Sample) -> Array | NDArray[np.intp]:
    """What the metric may know of each case beside truth and prediction, shape (case,)."""
    return sample.constant if metric.beside == "constant" else sample.fold


def seed_values(metric: Metric, sample: Sample, stratum: Beside = None) -> dict[str, Array]:
    """The metric of each method and seed, shape (seed,), within folds where no other stratum is given."""
    known = beside(metric, sample) if stratum is None else stratum
    return {
        label: np.array([metric.value(sample.truth, its, known) for its in rows])
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
