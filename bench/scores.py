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
    auc_influence,
    auc_interval,
    auc_p,
    bootstrap_p,
    delong,
    draw_patients,
    mean_influence,
    patients_of,
    percentile_interval,
    shared_ranks,
)
from bench.metrics import METRICS, Array, Metric

NAN = float("nan")

# Where the ceiling lies within a tenth of the way from the constant predictor to perfection (.05 of an AUC, a
# tenth of the constant's MAE), a share of that way is noise over noise and is not given.
LEAST_GAP = 0.1

NO_DIFFERENCE = Difference(NAN, NO_INTERVAL, NAN)


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
    """

    label: str
    predictions: pd.DataFrame = field(repr=False)
    constants: Mapping[int, Mapping[str, float]] = field(default_factory=dict, repr=False)
    status: str = "ok"
    fit_seconds: float | None = None
    parameters: int | None = None


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


@dataclass(frozen=True)
class Score:
    """One method on one task; numbers are NaN where there is none.

    Parameters
    ----------
    rank
        1 + the number of significantly better methods; None without a value.
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


@dataclass(frozen=True, eq=False)
class Sample:
    """The cases on which a task is scored, and what every scored method predicts for them.

    All arrays are in the order of the case ids, shape (case,); ``predictions`` maps a method's label to an
    array of shape (seed, case). ``statuses`` says of the other methods why they are not here.
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
    return tuple(
        score
        for task in results.tasks
        for score in _task_scores(results, sample_of(results, task), draws, seed)
    )


def sample_of(results: Results, task: Task) -> Sample:
    """Line up truth and predictions of one task by case id.

    Raises
    ------
    StoreError
        A predicted case is not in the truth, a case has two predictions of one seed, or is tested in two
        different folds.
    """
    finished = [its for its in results.methods if its.status == "ok"]
    tables = {its.label: its.predictions[its.predictions["task"] == task.name] for its in finished}
    fold = _folds(tables, results)
    known = results.truth.loc[fold.index]
    known = known[known[task.name].notna()].sort_index()
    fold = fold.loc[known.index]
    predictions, statuses = _predictions(tables, known.index)
    truth = known[task.name].to_numpy(dtype=float)
    label = truth if METRICS[task.metric].by_label else None
    return Sample(
        task=task,
        truth=truth,
        fold=_codes(fold),
        site=_codes(known["site"]),
        patients=patients_of(known["patient_id"].to_numpy(dtype=object), label),
        predictions=predictions,
        statuses=statuses | {its.label: its.status for its in results.methods if its.status != "ok"},
        constant=_constant(task, finished, fold),
        ceiling=_ceiling(task, results.ceiling, known.index),
    )


def tested_folds(results: Results, tasks: Sequence[Task]) -> "pd.Series[Any]":
    """Fold of every case that finished methods were tested on for all of these tasks, by case id in order.

    Raises StoreError where a case is not in the truth or is tested in two different folds.
    """
    finished = [its for its in results.methods if its.status == "ok"]
    tables = [
        {its.label: its.predictions[its.predictions["task"] == task.name] for its in finished}
        for task in tasks
    ]
    folds = [_folds(its, results) for its in tables]
    shared = folds[0].index
    for other in folds[1:]:
        shared = shared.intersection(other.index)
    return folds[0].loc[shared].sort_index()


def _folds(tables: Mapping[str, pd.DataFrame], results: Results) -> "pd.Series[Any]":
    """Fold of every tested case, indexed by case id."""
    pieces = [table[["case_id", "fold"]] for table in tables.values()]
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
    metric = METRICS[sample.task.metric]
    blank = {its.label: _blank(its, sample, metric) for its in results.methods}
    values = _seed_values(metric, sample, sample.fold)
    if not values or np.isnan(next(iter(values.values()))).any():
        reason = f"not scored: no fold has both classes of {sample.task.name}"
        return [replace(blank[label], status=reason) if label in values else blank[label] for label in blank]
    drawn = draw_patients(sample.patients, draws, seed)
    scored = _scored(metric, sample, drawn, {label: blank[label] for label in values}, values)
    return [scored.get(label, blank[label]) for label in blank]


def _blank(method: MethodResult, sample: Sample, metric: Metric) -> Score:
    """The row of a method before it is scored."""
    return Score(
        task=sample.task,
        metric=metric,
        method=method.label,
        status=sample.statuses.get(method.label, "ok"),
        n=len(sample.truth),
        positives=int((sample.truth == 1).sum()) if sample.task.kind == "binary" else None,
        fit_seconds=method.fit_seconds,
        parameters=method.parameters,
    )


def _seed_values(metric: Metric, sample: Sample, stratum: NDArray[np.intp] | None) -> dict[str, Array]:
    """The metric of each method and seed, shape (seed,)."""
    return {
        label: np.array([metric.value(sample.truth, its, stratum) for its in rows])
        for label, rows in sample.predictions.items()
    }


def _resample(metric: Metric, sample: Sample, drawn: Array) -> Resampled:
    """All methods, the constant and the ceiling in the same resamples; those without a value are dropped."""
    blocks = [*sample.predictions.values(), sample.constant[None]]
    blocks += [] if sample.ceiling is None else [sample.ceiling[None]]
    weights = drawn[sample.patients.codes]
    values = metric.resampled(sample.truth, np.concatenate(blocks), sample.fold, weights)
    values = values[:, ~np.isnan(values[0])]
    edges = np.cumsum([len(block) for block in blocks])[:-1]
    means = [block.mean(axis=0) for block in np.split(values, edges)]
    count = len(sample.predictions)
    return Resampled(np.array(means[:count]), means[count], None if sample.ceiling is None else means[-1])


def _scored(
    metric: Metric, sample: Sample, drawn: Array, blank: Mapping[str, Score], values: Mapping[str, Array]
) -> dict[str, Score]:
    """The rows of the methods that have a value."""
    resampled = _resample(metric, sample, drawn)
    means = {label: float(its.mean()) for label, its in values.items()}
    constant = metric.value(sample.truth, sample.constant, sample.fold)
    ceiling = NAN if sample.ceiling is None else metric.value(sample.truth, sample.ceiling, sample.fold)
    uncertain, influence = _uncertainty(metric, sample, resampled, means, constant)
    ranks = _ranks(metric, sample, drawn, means, influence)
    pooled = _mean_values(metric, sample, None)
    within = _mean_values(metric, sample, _fold_and_site(sample))
    rows = {}
    for index, (label, mean) in enumerate(means.items()):
        share, share_interval = _share(metric, mean, constant, ceiling, resampled, index)
        rows[label] = replace(
            blank[label],
            rank=ranks[label],
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
    metric: Metric, sample: Sample, resampled: Resampled, means: Mapping[str, float], constant: float
) -> tuple[dict[str, tuple[Interval, Difference]], Array]:
    """Interval and gain of each method, and what each patient contributes to its value (method, patient)."""
    if metric.name == "auc":
        scores = list(sample.predictions.values())
        areas = delong(sample.truth, scores, sample.fold, sample.patients.codes)
        return _area_uncertainty(areas, means), auc_influence(areas)
    losses = [np.abs(sample.truth - rows).mean(axis=0) for rows in sample.predictions.values()]
    influence = metric.sign * mean_influence(np.array(losses), sample.patients)
    return _bootstrap_uncertainty(metric, sample, resampled, means, constant), influence


def _area_uncertainty(areas: DeLong, means: Mapping[str, float]) -> dict[str, tuple[Interval, Difference]]:
    """Interval of each area, and the same as a difference from the constant's 0.5."""
    found = {}
    for row, (label, mean) in enumerate(means.items()):
        low, high = auc_interval(areas, row)
        gain = Difference(mean - 0.5, Interval(low - 0.5, high - 0.5), auc_p(areas, row))
        found[label] = (Interval(low, high), gain)
    return found


def _bootstrap_uncertainty(
    metric: Metric, sample: Sample, resampled: Resampled, means: Mapping[str, float], constant: float
) -> dict[str, tuple[Interval, Difference]]:
    """Interval of each value, and of its paired difference from the constant's; none for a single patient."""
    found = {}
    for (label, mean), drawn in zip(means.items(), resampled.methods, strict=True):
        gains = metric.sign * (drawn - resampled.constant)
        gain = Difference(metric.sign * (mean - constant), percentile_interval(gains), bootstrap_p(gains))
        single = Difference(gain.value, NO_INTERVAL, NAN)
        alone = len(sample.patients.group) < 2
        found[label] = (NO_INTERVAL, single) if alone else (percentile_interval(drawn), gain)
    return found


def _ranks(
    metric: Metric, sample: Sample, drawn: Array, means: Mapping[str, float], influence: Array
) -> dict[str, int]:
    """Shared ranks; all 1 where there are too few patients to tell methods apart."""
    if sample.patients.fewest < FEWEST_PATIENTS or np.isnan(influence).any():
        return dict.fromkeys(means, 1)
    oriented = metric.sign * np.array(list(means.values()))
    adjusted = adjusted_p(oriented, influence, sample.patients, drawn)
    return dict(zip(means, shared_ranks(oriented, adjusted), strict=True))


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


def _mean_values(metric: Metric, sample: Sample, stratum: NDArray[np.intp] | None) -> dict[str, float]:
    """The rank metric with other strata, mean over seeds; NaN for other metrics, or where all is one site."""
    if metric.name != "auc" or (stratum is not None and sample.site.max() == 0):
        return dict.fromkeys(sample.predictions, NAN)
    return {label: float(its.mean()) for label, its in _seed_values(metric, sample, stratum).items()}


def _fold_and_site(sample: Sample) -> NDArray[np.intp]:
    strata: NDArray[np.intp] = sample.fold * (sample.site.max(initial=0) + 1) + sample.site
    return strata
