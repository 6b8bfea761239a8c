"""From stored predictions to subtype scores: every method by one rule, on the same determined cases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import StoreError
from bench.inference import (
    MIN_PATIENTS,
    NO_INTERVAL,
    Bootstrap,
    Interval,
    effective_patients,
    patients_of,
    percentile_interval,
    reach_factor,
    seed_influence,
    wilson_interval,
)
from bench.inference.metric_interval import ROUNDING, widened
from bench.metrics import Array, Codes, auc
from bench.metrics.metric import NAN
from bench.predictions.results import MethodResult, Results
from bench.scoring.sample import shared_folds
from bench.scoring.seeds import on_shared_seeds
from bench.scoring.subtypes.metrics import confusion_matrix, kappa, macro_auc, macro_auc_interval, macro_f1
from bench.scoring.subtypes.rules import (
    KI67,
    OUTSIDE,
    RECEPTORS,
    UNDETERMINED,
    Rule,
    class_probabilities,
    classes_of,
    ki67_spread,
    predicted_classes,
)
from bench.task import Task

CELL = ["method", "seed", "fold"]


class SubtypeEstimate(NamedTuple):
    """A value with its 95 % interval; NaN where there is none."""

    value: float
    interval: Interval

    def within(self, least: float) -> "SubtypeEstimate":
        """The same with the interval between a lowest value and 1."""
        return SubtypeEstimate(self.value, self.interval.within(least, 1))


NO_ESTIMATE = SubtypeEstimate(NAN, NO_INTERVAL)


@dataclass(frozen=True, eq=False)
class SubtypeScore:
    """One method by one rule; without a value where ``status`` is not ``ok``.

    Parameters
    ----------
    macro_f1, macro_auc, kappa
        Averaged over ``seeds`` training seeds; F1 and kappa from hard classes, the AUC from soft ones.
    confusion
        Cases of each true (row) and predicted class, last without a class, mean over seeds: shape
        (class, class + 1). NaN without hard classes.
    caution
        Why there are no hard classes; empty where there are.
    """

    method: str
    status: str
    macro_f1: SubtypeEstimate = NO_ESTIMATE
    macro_auc: SubtypeEstimate = NO_ESTIMATE
    kappa: SubtypeEstimate = NO_ESTIMATE
    seeds: int = 0
    confusion: Array | None = None
    caution: str = ""


@dataclass(frozen=True, eq=False)
class SubtypeScores:
    """All methods by one rule.

    Parameters
    ----------
    roles
        The task that plays each role of the rule.
    counts
        Determined cases of each class, shape (class,); ``patients`` their effective number of patients.
    people
        Number of patients of the determined cases.
    undetermined, outside
        Tested cases that lack an input, and those whose combination has no class.
    unpaired
        Classes that the macro AUC leaves out: no fold holds a case of them and one of another class.
    stepped
        Whether Ki-67 entered some soft class as a step, for want of validation cases.
    """

    rule: Rule
    roles: Mapping[str, Task]
    counts: NDArray[np.intp]
    patients: Array
    people: int
    undetermined: int
    outside: int
    unpaired: tuple[str, ...]
    stepped: bool
    scores: tuple[SubtypeScore, ...]
    variance_factor: float = 1.0

    def share(self, score: SubtypeScore, true: int, predicted: int) -> SubtypeEstimate:
        """Share of a true class that a method puts into a predicted one; Wilson interval by patient."""
        assert score.confusion is not None
        cases = float(self.counts[true])
        share = float(score.confusion[true, predicted]) / cases if cases else NAN
        worth = float(self.patients[true])
        if not worth > MIN_PATIENTS - ROUNDING:
            return SubtypeEstimate(share, NO_INTERVAL)
        return SubtypeEstimate(share, wilson_interval(share, worth / self.variance_factor))


@dataclass(frozen=True, eq=False)
class SubtypeSample:
    """The determined cases, in the order of their ids, and what methods predict for them.

    ``truth``, ``fold`` and ``patient`` have shape (case,); ``hard`` maps a method to classes of shape
    (seed, case), ``soft`` to probabilities of shape (seed, case, class + 1). ``statuses`` says why a method
    has neither, ``cautions`` why it has no hard classes.
    """

    truth: Codes
    fold: NDArray[np.generic]
    patient: NDArray[np.generic]
    hard: Mapping[str, Codes]
    soft: Mapping[str, Array]
    statuses: Mapping[str, str]
    cautions: Mapping[str, str]


def score_subtypes(
    results: Results,
    rule: Rule,
    roles: Mapping[str, Task],
    spreads: pd.DataFrame,
    bootstrap: Bootstrap = Bootstrap(),
) -> SubtypeScores:
    """Macro-F1, macro one-vs-rest AUC, kappa and confusion matrix of every method, on the same cases.

    Those are the tested cases with all inputs of the rule and a class in it. Intervals of F1 and
    kappa are percentiles of resamples of patients, the same for all methods; that of the AUC is
    :func:`bench.scoring.subtypes.metrics.macro_auc_interval`.

    Parameters
    ----------
    roles
        See :func:`bench.scoring.subtypes.rules.role_tasks`.
    spreads
        How far Ki-67 predictions were off on the validation parts: see :func:`ki67_spreads`.

    Raises
    ------
    StoreError
        Predictions contradict each other or the truth, or no tested case is determined.
    """
    results = on_shared_seeds(results)
    folds = shared_folds(results, list(roles.values()))
    labels = results.truth.loc[folds.index]
    codes = classes_of(rule, {role: labels[task.name].to_numpy(dtype=float) for role, task in roles.items()})
    if not (codes >= 0).any():
        raise StoreError(
            f"none of {len(codes)} tested cases has a class by the rule {rule.name}: {sum(codes == OUTSIDE)} "
            f"lie outside it, the others lack one of {', '.join(task.name for task in roles.values())}"
        )
    sample = _sample(results, rule, roles, folds[codes >= 0], codes[codes >= 0], spreads)
    counts = np.bincount(sample.truth, minlength=len(rule.classes))
    return SubtypeScores(
        rule=rule,
        roles=roles,
        counts=counts,
        patients=effective_patients(sample.truth, sample.patient, len(rule.classes)),
        people=len(np.unique(sample.patient)),
        undetermined=int((codes == UNDETERMINED).sum()),
        outside=int((codes == OUTSIDE).sum()),
        unpaired=_unpaired(rule, sample),
        stepped=bool((spreads["spread"] == 0).any()) and KI67 in roles,
        scores=_scores(results, rule, sample, bootstrap),
        variance_factor=results.variance_factor,
    )


def ki67_spreads(validation: pd.DataFrame, truth: pd.DataFrame, roles: Mapping[str, Task]) -> pd.DataFrame:
    """Residual spread of the Ki-67 predictions of each method, seed and fold on the cell's validation part.

    Columns ``method``, ``seed``, ``fold``, ``spread`` (:func:`bench.scoring.subtypes.rules.ki67_spread`); no
    row for a rule without Ki-67.
    """
    rows = []
    name = roles[KI67].name if KI67 in roles else None
    for key, part in validation[validation["task"] == name].groupby(CELL):
        label = truth[name].reindex(part["case_id"]).to_numpy(dtype=float)
        rows.append((*key, ki67_spread(label, part["prediction"].to_numpy(dtype=float))))
    return pd.DataFrame(rows, columns=[*CELL, "spread"])


def _sample(
    results: Results,
    rule: Rule,
    roles: Mapping[str, Task],
    folds: "pd.Series[int]",
    truth: Codes,
    spreads: pd.DataFrame,
) -> SubtypeSample:
    """Line up the methods that have all of these cases."""
    hard, soft, statuses, cautions = {}, {}, {}, {}
    widths = dict(zip(zip(*(spreads[name] for name in CELL), strict=True), spreads["spread"], strict=True))
    for method in results.methods:
        status = method.status if method.status != "ok" else _lacking(method, roles, folds.index)
        if status:
            statuses[method.label] = status
            continue
        said = _aligned(method, roles, folds.index)
        seeds = sorted(method.predictions["seed"].unique())
        receptors = {role: task for role, task in roles.items() if role in RECEPTORS}
        cut = {role: _cuts(method, task, results.rule, seeds, folds) for role, task in receptors.items()}
        width = np.array([[widths.get((method.label, seed, fold), 0.0) for fold in folds] for seed in seeds])
        soft[method.label] = class_probabilities(rule, said, width)
        if any(np.isnan(cutoffs).any() for cutoffs in cut.values()):
            cautions[method.label] = _why_no_classes(method, receptors.values(), results.rule)
        else:
            hard[method.label] = predicted_classes(rule, said, cut)
    patient = results.truth.loc[folds.index, "patient_id"].to_numpy(dtype=object)
    return SubtypeSample(truth, folds.to_numpy(), patient, hard, soft, statuses, cautions)


def _lacking(method: MethodResult, roles: Mapping[str, Task], cases: pd.Index) -> str:
    """Why a finished method cannot be scored, or nothing."""
    names = [task.name for task in roles.values()]
    mine = method.predictions[method.predictions["task"].isin(names)]
    if mine.duplicated(["seed", "case_id", "task"]).any():
        raise StoreError(f"{method.label} has two predictions of one seed for the same case, expected one")
    seeds = mine["seed"].nunique()
    complete = mine.groupby("case_id").size().reindex(cases, fill_value=0) == len(names) * max(seeds, 1)
    if not complete.all():
        return f"incomplete: no prediction for {int((~complete).sum())} of {len(cases)} cases"
    return ""


def _aligned(method: MethodResult, roles: Mapping[str, Task], cases: pd.Index) -> dict[str, Array]:
    """Predictions of each role, shape (seed, case)."""
    said = {}
    for role, task in roles.items():
        mine = method.predictions[method.predictions["task"] == task.name]
        wide = mine.pivot(index="seed", columns="case_id", values="prediction").sort_index()
        said[role] = wide.reindex(columns=cases).to_numpy(dtype=float)
    return said


def _cuts(
    method: MethodResult, task: Task, rule: str, seeds: Sequence[int], folds: "pd.Series[int]"
) -> Array:
    """Threshold of the cell that predicted each case, shape (seed, case); NaN where none was chosen."""
    chosen = {
        (threshold.seed, threshold.fold): threshold.value
        for threshold in method.thresholds
        if threshold.task == task.name and threshold.rule == rule
    }
    return np.array([[chosen.get((seed, fold), NAN) for fold in folds] for seed in seeds])


def _why_no_classes(method: MethodResult, receptors: Iterable[Task], rule: str) -> str:
    """The first reason for which a threshold is missing."""
    names = [task.name for task in receptors]
    reasons = [
        f"{threshold.task}: {threshold.reason}"
        for threshold in method.thresholds
        if threshold.task in names and threshold.rule == rule and threshold.reason
    ]
    return f"no hard classes, {reasons[0] if reasons else 'no thresholds were chosen'}"


def _unpaired(rule: Rule, sample: SubtypeSample) -> tuple[str, ...]:
    """Classes without a pair of cases of one fold."""
    nothing = np.zeros(len(sample.truth))
    return tuple(
        name
        for k, name in enumerate(rule.classes)
        if np.isnan(auc((sample.truth == k).astype(float), nothing, sample.fold))
    )


def _scores(
    results: Results, rule: Rule, sample: SubtypeSample, bootstrap: Bootstrap
) -> tuple[SubtypeScore, ...]:
    people = patients_of(sample.patient)
    drawn = bootstrap.drawn(people)[people.codes].astype(float)
    factor = results.variance_factor
    scores = []
    for method in results.methods:
        label = method.label
        if label in sample.statuses:
            scores.append(SubtypeScore(label, sample.statuses[label]))
            continue
        f1, agreement, confusion = _hard_scores(rule, sample, label, drawn, factor)
        scores.append(
            SubtypeScore(
                method=label,
                status="ok",
                macro_f1=f1,
                macro_auc=_soft_score(sample, label, factor),
                kappa=agreement,
                seeds=len(sample.soft[label]),
                confusion=confusion,
                caution=sample.cautions.get(label, ""),
            )
        )
    return tuple(scores)


def _hard_scores(
    rule: Rule, sample: SubtypeSample, label: str, drawn: Array, factor: float
) -> tuple[SubtypeEstimate, SubtypeEstimate, Array | None]:
    """Macro-F1, kappa and confusion matrix, mean over seeds; nothing without hard classes."""
    if label not in sample.hard:
        return NO_ESTIMATE, NO_ESTIMATE, None
    weights = np.column_stack([np.ones(len(drawn)), drawn])
    counts = np.stack(
        [confusion_matrix(sample.truth, one, len(rule.classes), weights) for one in sample.hard[label]]
    )
    people = len(np.unique(sample.patient))
    f1 = _estimate(macro_f1(counts), people, factor).within(0)
    agreement = _estimate(kappa(counts), people, factor).within(-1)
    return f1, agreement, counts[:, 0].mean(axis=0)


def _soft_score(sample: SubtypeSample, label: str, factor: float) -> SubtypeEstimate:
    rows = sample.soft[label]
    value = float(np.mean([macro_auc(sample.truth, row, sample.fold) for row in rows]))
    return SubtypeEstimate(value, macro_auc_interval(sample.truth, rows, sample.fold, sample.patient, factor))


def _estimate(values: Array, patients: int, factor: float) -> SubtypeEstimate:
    """Mean over seeds of the first value, with the percentile interval of the others, (seed, 1 + draw).

    None with fewer than :data:`bench.inference.MIN_PATIENTS` patients, nor for perfection, of which every
    resample is perfect too.
    """
    value, resampled = float(values[:, 0].mean()), values[:, 1:].mean(axis=0)
    if patients < MIN_PATIENTS or np.isnan(value) or value > 1 - ROUNDING:
        return SubtypeEstimate(value, NO_INTERVAL)
    seeds = seed_influence([values[:, 0]])[0]
    given = (float(np.nanvar(resampled)), seeds, factor * patients / (patients - 1), patients - 1)
    found = widened(percentile_interval(resampled), value, reach_factor(*given))
    return SubtypeEstimate(value, found)
