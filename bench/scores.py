"""From stored predictions to one score a task and method: a pure function, without images, GPU or plugins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.cohorts.cohort import Task
from bench.errors import StoreError
from bench.inference import (
    DRAW_SEED,
    DRAWS,
    FEWEST_PATIENTS,
    NO_INTERVAL,
    DeLong,
    Difference,
    Interval,
    Patients,
    adjusted_p,
    area_adjusted_p,
    auc_influence,
    auc_interval,
    auc_p,
    delong,
    draw_patients,
    jackknife_influence,
    mean_influence,
    patients_of,
    percentile_interval,
)
from bench.intervals import FROM_INFLUENCE, bootstrap_difference, bootstrap_interval, share_interval
from bench.metrics import METRICS, Array, Beside, Metric
from bench.names import unknown_name
from bench.ranking import RankSet, best_shares, rank_sets
from bench.thresholds import YOUDEN, Threshold, decisions

NAN = float("nan")

# Where the ceiling lies within a tenth of the way from the constant predictor to perfection (.05 of an AUC, a
# tenth of the constant's MAE), a share of that way is noise over noise and is not given.
LEAST_GAP = 0.1

NO_DIFFERENCE = Difference(NAN, NO_INTERVAL, NAN)

# The constant predictor's row among the methods; none of them can have this label.
CONSTANT = ""


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
        Method to p of the difference from it, adjusted for all pairs of the task.
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


@dataclass(frozen=True, eq=False)
class Sample:
    """The cases on which a task is scored, and what every scored method predicts for them.

    All arrays are in the order of the case ids, shape (case,); ``predictions`` maps a method's label to an
    array of shape (seed, case). ``statuses`` says of the other methods why they are not here, ``site_names``
    what the codes of ``site`` stand for.
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

    @property
    def fewest(self) -> int:
        """Patients of the rarer class of a binary task, or all: they can show a difference."""
        if self.task.kind != "binary":
            return len(self.patients.group)
        return min(len(np.unique(self.patients.codes[self.truth == label])) for label in (0, 1))


@dataclass(frozen=True, eq=False)
class Resampled:
    """The metric in the same resamples of patients: methods (method, draw), constant and ceiling (draw,)."""

    methods: Array
    constant: Array
    ceiling: Array | None


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
        constant=np.ones(len(truth)) if decided else _constant(task, finished, fold),
        ceiling=None if decided else _ceiling(task, results.ceiling, known.index),
        site_names=tuple(map(str, np.unique(known["site"].to_numpy()))),
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
        elif missing:
            lacking[label] = f"incomplete: no prediction for {missing} of {len(cases)} cases"
        else:
            complete[label] = wide.to_numpy(dtype=float)
    return complete, lacking


def _constant(task: Task, finished: list[MethodResult], fold: "pd.Series[Any]") -> Array:
    """What the constant predictor says for each case; the methods share the training labels of a fold."""
    values = {index: its[task.name] for method in finished for index, its in method.constants.items()}
    said = np.array([values.get(index, NAN) for index in fold])
    # Whatever is constant within a fold has an AUC of 0.5.
    return np.where(np.isnan(said), 0.5, said) if task.kind == "binary" else said


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


def _task_scores(results: Results, sample: Sample, draws: int, seed: int) -> list[Score]:
    metric = metric_of(results, sample.task)
    sample = with_values(metric, sample)
    blank = {its.label: _blank(its, sample, metric) for its in results.methods}
    if not sample.predictions:
        return list(blank.values())
    drawn = draw_patients(sample.patients, draws, seed)
    scored = _scored(metric, sample, drawn, seed, blank, _seed_values(metric, sample))
    return [scored.get(label, blank[label]) for label in blank]


def with_values(metric: Metric, sample: Sample) -> Sample:
    """The sample with the methods alone whose every seed has a value; the statuses say so of the others."""
    values = _seed_values(metric, sample)
    lacking = [label for label, its in values.items() if np.isnan(its).any()]
    why = f"{metric.title} has no value on these cases"
    if metric.name == "auc":
        why = f"no fold has both classes of {sample.task.name}"
    return replace(
        sample,
        predictions={label: its for label, its in sample.predictions.items() if label not in lacking},
        statuses={**sample.statuses, **dict.fromkeys(lacking, f"not scored: {why}")},
    )


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
    )


def beside(metric: Metric, sample: Sample) -> Array | NDArray[np.intp]:
    """What the metric may know of each case beside truth and prediction, shape (case,)."""
    return sample.constant if metric.beside == "constant" else sample.fold


def _seed_values(metric: Metric, sample: Sample, stratum: Beside = None) -> dict[str, Array]:
    """The metric of each method and seed, shape (seed,), within folds where no other stratum is given."""
    known = beside(metric, sample) if stratum is None else stratum
    return {
        label: np.array([metric.value(sample.truth, its, known) for its in rows])
        for label, rows in sample.predictions.items()
    }


def _resample(metric: Metric, sample: Sample, drawn: Array) -> Resampled:
    """All methods, the constant and the ceiling in the same resamples, NaN in those without a value."""
    blocks = [*sample.predictions.values(), sample.constant[None]]
    blocks += [] if sample.ceiling is None else [sample.ceiling[None]]
    weights = drawn[sample.patients.codes]
    values = metric.resampled(sample.truth, np.concatenate(blocks), beside(metric, sample), weights)
    edges = np.cumsum([len(block) for block in blocks])[:-1]
    count = len(sample.predictions)
    means = [block.mean(axis=0) for block in np.split(values, edges)]
    ceiling = None if sample.ceiling is None else means[-1]
    return Resampled(np.array(means[:count]), means[count], ceiling)


def _scored(
    metric: Metric,
    sample: Sample,
    drawn: Array,
    seed: int,
    blank: Mapping[str, Score],
    values: Mapping[str, Array],
) -> dict[str, Score]:
    """The rows of the methods that have a value."""
    resampled = _resample(metric, sample, drawn)
    means = {label: float(its.mean()) for label, its in values.items()}
    known = beside(metric, sample)
    constant = metric.value(sample.truth, sample.constant, known)
    ceiling = NAN if sample.ceiling is None else metric.value(sample.truth, sample.ceiling, known)
    uncertain, influence = _uncertainty(metric, sample, drawn, resampled, means, constant)
    standing = _standing(metric, sample, drawn, seed, resampled, means, influence)
    pooled = _mean_values(metric, sample, np.zeros_like(sample.fold))
    several = sample.site.max(initial=0) > 0
    within = _mean_values(metric, sample, _fold_and_site(sample)) if several else dict.fromkeys(means, NAN)
    rows = {}
    for index, (label, mean) in enumerate(means.items()):
        share, share_interval = _share(metric, mean, constant, ceiling, resampled, index)
        rows[label] = replace(
            blank[label],
            **standing[label],
            value=mean,
            interval=uncertain[label][0],
            constant=constant,
            gain=uncertain[label][1],
            ceiling=ceiling,
            share=share,
            share_interval=share_interval,
            pooled=pooled[label],
            within_site=within[label],
            seeds=len(values[label]),
            seed_sd=float(values[label].std(ddof=1)) if len(values[label]) > 1 else NAN,
        )
    return rows


def _uncertainty(
    metric: Metric,
    sample: Sample,
    drawn: Array,
    resampled: Resampled,
    means: Mapping[str, float],
    constant: float,
) -> tuple[dict[str, tuple[Interval, Difference]], Array]:
    """Interval and gain of each method, and what patients add to its oriented value (method, patient)."""
    if metric.interval == "delong":
        scores = list(sample.predictions.values())
        areas = delong(sample.truth, scores, sample.fold, sample.patients.codes)
        return _area_uncertainty(areas, means), auc_influence(areas)
    influence = _influence_beside_constant(metric, sample)
    found = {}
    for its, redrawn, (label, mean) in zip(influence, resampled.methods, means.items(), strict=False):
        interval = interval_of(metric, sample, label, mean, redrawn, its, drawn)
        found[label] = interval, _gain(metric, mean - constant, its - influence[-1], sample.patients, drawn)
    return found, metric.sign * influence[:-1]


def interval_of(
    metric: Metric,
    sample: Sample,
    label: str,
    value: float,
    resampled: Array,
    influence: Array,
    drawn: Array,
) -> Interval:
    """The interval that a metric of a method declares, but for the AUC: see :mod:`bench.intervals`."""
    if metric.interval == "wilson":
        return share_interval(metric, value, sample.truth, sample.predictions[label], sample.patients)
    return bootstrap_interval(metric, value, resampled, influence, sample.patients, drawn)


def family_p(
    metric: Metric,
    sample: Sample,
    oriented: Array,
    influence: Array,
    drawn: Array,
    seed: int,
    contrasts: Sequence[tuple[int, int]] | None = None,
) -> Array:
    """Two-sided p of differences between methods, adjusted for their family, shape (method, method).

    By :func:`bench.inference.area_adjusted_p` for the AUC, with as many resamples as were ``drawn`` (from the
    same seed), else by :func:`bench.inference.adjusted_p` of the same arguments.
    """
    if metric.interval == "delong":
        rows, draws = list(sample.predictions.values()), drawn.shape[1]
        return area_adjusted_p(sample.truth, rows, sample.fold, sample.patients, contrasts, draws, seed)
    return adjusted_p(oriented, influence, sample.patients, drawn, contrasts)


def metric_influence(metric: Metric, sample: Sample) -> Array:
    """What each patient contributes to each method's mean over seeds of a metric, shape (method, patient).

    Structural components for the AUC, the deviation from the mean for the MAE, else the jackknife.
    """
    blocks = list(sample.predictions.values())
    if metric.interval == "delong":
        return auc_influence(delong(sample.truth, blocks, sample.fold, sample.patients.codes))
    if metric.name == "mae":
        losses = np.array([np.abs(sample.truth - rows).mean(axis=0) for rows in blocks])
        return mean_influence(losses, sample.patients)
    rows = np.concatenate(blocks)

    def value(weights: Array) -> Array:
        return seed_means(metric.resampled(sample.truth, rows, beside(metric, sample), weights), sample)

    return jackknife_influence(value, sample.patients)


def _influence_beside_constant(metric: Metric, sample: Sample) -> Array:
    """:func:`metric_influence` with the constant predictor in the last row; 0 where nothing asks for it."""
    if not metric.ranks and metric.interval not in FROM_INFLUENCE:
        return np.zeros((len(sample.predictions) + 1, len(sample.patients.group)))
    every = {**sample.predictions, CONSTANT: sample.constant[None]}
    return metric_influence(metric, replace(sample, predictions=every))


def seed_means(values: Array, sample: Sample) -> Array:
    """Mean over the seeds of each method, (prediction, draw) to (method, draw)."""
    edges = np.cumsum([len(rows) for rows in sample.predictions.values()])[:-1]
    return np.array([block.mean(axis=0) for block in np.split(values, edges)])


def _area_uncertainty(areas: DeLong, means: Mapping[str, float]) -> dict[str, tuple[Interval, Difference]]:
    """Interval of each area, and the same as a difference from the constant's 0.5."""
    found = {}
    for row, (label, mean) in enumerate(means.items()):
        low, high = auc_interval(areas, row)
        gain = Difference(mean - 0.5, Interval(low - 0.5, high - 0.5), auc_p(areas, row))
        found[label] = (Interval(low, high), gain)
    return found


def _gain(metric: Metric, difference: float, contrast: Array, patients: Patients, drawn: Array) -> Difference:
    """The paired difference from the constant predictor, oriented, from what each patient adds to it.

    No interval for a single patient, nor where a patient cannot be left out.
    """
    if not metric.ranks:
        return NO_DIFFERENCE
    if len(patients.group) < 2 or np.isnan(contrast).any():
        return Difference(metric.sign * difference, NO_INTERVAL, NAN)
    return bootstrap_difference(metric, metric.sign * difference, metric.sign * contrast, patients, drawn)


def _standing(
    metric: Metric,
    sample: Sample,
    drawn: Array,
    seed: int,
    resampled: Resampled,
    means: Mapping[str, float],
    influence: Array,
) -> dict[str, dict[str, Any]]:
    """Where each method stands among the others: the fields of :class:`Score` that say so.

    With too few patients to tell methods apart all have rank 1, and any rank may be the true one.
    """
    oriented = metric.sign * np.array(list(means.values()))
    adjusted, shares = np.ones((len(means), len(means))), np.full(len(means), NAN)
    if sample.fewest >= FEWEST_PATIENTS and not np.isnan(influence).any():
        adjusted = family_p(metric, sample, oriented, influence, drawn, seed)
        shares = best_shares(metric.sign * resampled.methods) if len(means) > 1 else shares
    return {
        label: {
            "rank": its.best,
            "rank_set": its,
            "best_share": float(share),
            "adjusted": dict(zip(means, row.tolist(), strict=True)),
        }
        for label, its, share, row in zip(means, rank_sets(oriented, adjusted), shares, adjusted, strict=True)
    }


def _share(
    metric: Metric, value: float, constant: float, ceiling: float, resampled: Resampled, row: int
) -> tuple[float, Interval]:
    """Share of the way from constant to ceiling, with its paired interval; NaN where the way is too short.

    That is where it is under :data:`LEAST_GAP`, and where resamples do not separate ceiling from constant.
    """
    gap = metric.sign * (ceiling - constant)
    if resampled.ceiling is None or not gap >= LEAST_GAP * abs(metric.best - constant):
        return NAN, NO_INTERVAL
    gaps = metric.sign * (resampled.ceiling - resampled.constant)
    if not percentile_interval(gaps).low > 0:
        return NAN, NO_INTERVAL
    # The few resamples without a gap are infinitely far off, on the side of the method's gain.
    gains = metric.sign * (resampled.methods[row] - resampled.constant)
    shares = gains / np.maximum(gaps, 1e-9)
    return (value - constant) / (ceiling - constant), percentile_interval(shares)


def _mean_values(metric: Metric, sample: Sample, stratum: NDArray[np.intp]) -> dict[str, float]:
    """The rank metric with other strata, mean over seeds; NaN for other metrics."""
    if metric.name != "auc":
        return dict.fromkeys(sample.predictions, NAN)
    return {label: float(its.mean()) for label, its in _seed_values(metric, sample, stratum).items()}


def _fold_and_site(sample: Sample) -> NDArray[np.intp]:
    strata: NDArray[np.intp] = sample.fold * (sample.site.max(initial=0) + 1) + sample.site
    return strata
