"""What a method learns where there is nothing to learn, where the answer is planted, and without a site."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from bench.audit.chance import chance_error
from bench.audit.check import Check, Evidence, Found, Measured, NotApplicable
from bench.audit.refit import Refit, parts_of, refits, timed
from bench.audit.subject import Subject
from bench.audit.tested import tested_patients
from bench.cohorts.cohort import Cohort
from bench.inference import auc_difference
from bench.metrics import Array, auc
from bench.predictions.results import Results
from bench.splits.fold import Fold
from bench.task import Task

# Most and fewest fits with permuted labels, and the seconds that they may take, a method.
MOST, FEWEST, SECONDS = 100, 3, 90.0
# Family-wise error of what is named; an AUC that a planted answer must reach; a drop at a site that is named.
ERROR, FOUND, DROP = 0.01, 0.9, 0.05
# With fewer patients of a class a site is not held out.
FEWEST_OF_CLASS = 10
CANARY = "audit_canary"


@dataclass(eq=False)
class _Permuted:
    """AUC within sites and folds of fits with permuted labels, and how far beyond chance, of a task."""

    values: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


def permuted(cohort: Cohort, rng: np.random.Generator) -> Cohort:
    """The cohort with the labels of patients dealt anew within each site, jointly over tasks.

    All cases of a patient get the labels of the first case of another patient, missing ones included.
    """
    names = [task.name for task in cohort.tasks]
    first = cohort.table.drop_duplicates("patient_id").set_index("patient_id")
    dealt = first[names].copy()
    for _, own in first.groupby("site"):
        dealt.loc[own.index] = first.loc[rng.permutation(own.index.to_numpy()), names].to_numpy()
    return replace(
        cohort,
        table=cohort.table.assign(
            **{name: dealt[name].reindex(cohort.table["patient_id"]).to_numpy() for name in names}
        ),
    )


def within_site(
    cohort: Cohort, task: Task, predicted: "pd.Series[float]", folds: Sequence[Fold]
) -> tuple[float, float]:
    """AUC over pairs of patients of one fold and site, and in standard errors above 0.5.

    Values of a continuous task are high or low, as seen from their median.
    """
    fold = {case_id: one.index for one in folds for case_id in one.test}
    table = cohort.table.loc[[case_id for case_id in fold if case_id in predicted.index]]
    table = table[table[task.name].notna() & ~table["patient_id"].duplicated()]
    labels = table[task.name].to_numpy(dtype=float)
    if task.kind == "continuous":
        labels = (labels > np.median(labels)).astype(float) if len(labels) else labels
    strata = pd.factorize(table["site"] + "\0" + table.index.map(fold).astype(str))[0].astype(float)
    said: Array = np.asarray(predicted[table.index], dtype=np.float64)
    value = auc(labels, said, strata) if len(set(labels)) > 1 else np.nan
    return float(value), float((value - 0.5) / chance_error(labels, strata))


def _learns_from_nothing(subject: Subject) -> Found:
    rows = refits(subject)
    if isinstance(rows, NotApplicable) or subject.results is None:
        return rows if isinstance(rows, NotApplicable) else NotApplicable("no results")
    evidence: list[Evidence] = []
    numbers: list[str] = []
    tests = len(rows) * len(subject.cohort.tasks)
    for row in rows:
        found = _permutations(subject, row)
        for task in subject.cohort.tasks:
            text, p = _beyond_chance(found[task.name], row, task)
            numbers.append(f"{text}{_told_from(found[task.name], subject, row, task)}")
            if p * tests < ERROR:
                evidence.append(Evidence(f"{text} (p = {p:.1g})"))
    return Measured(evidence, tuple(numbers))


def _permutations(subject: Subject, row: Refit) -> dict[str, _Permuted]:
    """Fits of all folds with permuted labels, as many as there is time for."""
    found = {task.name: _Permuted() for task in subject.cohort.tasks}
    folds, started = subject.split.folds, time.perf_counter()
    for draw in range(MOST):
        if draw >= FEWEST and timed(started) * (draw + 1) / draw > SECONDS:
            break
        cohort = permuted(subject.cohort, np.random.default_rng([draw, 28]))
        predicted = [(fold, row.predicted(*parts_of(cohort, fold))) for fold in folds]
        for task in cohort.tasks:
            series = pd.concat([pd.Series(said[task.name], index=fold.test) for fold, said in predicted])
            value, score = within_site(cohort, task, series, folds)
            if np.isfinite(score):
                found[task.name].values.append(value)
                found[task.name].scores.append(score)
    return found


def _beyond_chance(found: _Permuted, row: Refit, task: Task) -> tuple[str, float]:
    """What permuted labels come to, in words, and the p that they come to more than chance."""
    if not found.scores:
        return f"{row.label} on {task.name}: no site has both classes", 1.0
    p = float(norm.sf(np.sum(found.scores) / np.sqrt(len(found.scores))))
    mean = np.mean(found.values)
    return (
        f"{row.label} on {task.name}: AUC {mean:.3f} within sites in {len(found.values)} fits with permuted "
        "labels",
        p,
    )


def _told_from(found: _Permuted, subject: Subject, row: Refit, task: Task) -> str:
    """The value with the labels as they are, and the share of permutations that reach it."""
    method = next(
        one for one in (subject.results.methods if subject.results else ()) if one.label == row.label
    )
    mine = method.predictions[method.predictions["task"] == task.name]
    said = mine.groupby("case_id")["prediction"].mean()
    value = within_site(subject.cohort, task, said, subject.split.folds)[0]
    if not found.values or np.isnan(value):
        return ""
    reached = sum(one >= value for one in found.values)
    return f", {value:.3f} with the labels as they are (p = {(1 + reached) / (1 + len(found.values)):.2g})"


def _canary(subject: Subject) -> Found:
    rows = refits(subject)
    if isinstance(rows, NotApplicable):
        return rows
    readers = [row for row in rows if {"clinical", "acquisition"} & set(row.spec.needs)]
    if not readers:
        return NotApplicable("no audited method reads covariates")
    found = [text for row in readers for text in _misses(subject, row)]
    return [Evidence(text) for text in found]


def _misses(subject: Subject, row: Refit) -> Iterator[str]:
    """Binary tasks whose label a method does not find in a covariate that holds it, in the first fold."""
    role = next(need for need in row.spec.needs if need in ("clinical", "acquisition"))
    for task in subject.binary_tasks:
        rng = np.random.default_rng(29)
        labels = subject.cohort.labels(task.name)
        noisy = np.nan_to_num(labels, nan=0.5) + 0.1 * rng.standard_normal(len(labels))
        cohort = replace(
            subject.cohort,
            table=subject.cohort.table.assign(**{CANARY: noisy}),
            roles={**subject.cohort.roles, CANARY: role},
        )
        train, val, test = parts_of(cohort, subject.split.folds[0])
        said = row.predicted(train, val, test)[task.name]
        known = ~np.isnan(test.labels(task.name))
        value = auc(test.labels(task.name)[known], said[known], None)
        if value < FOUND:
            yield f"{row.label} on {task.name}: AUC {value:.2f} with a covariate that holds the label"


def _held_out(subject: Subject) -> Found:
    rows = refits(subject)
    if isinstance(rows, NotApplicable) or subject.results is None:
        return rows if isinstance(rows, NotApplicable) else NotApplicable("no results")
    if len(set(subject.cohort.sites)) < 2:
        return NotApplicable("there is one site")
    evidence: list[Evidence] = []
    numbers: list[str] = []
    tested = {one.task.name: one for one in tested_patients(subject.results)}
    sites = sorted(set(subject.results.truth["site"]))
    tests = len(rows) * len(sites) * max(len(subject.binary_tasks), 1)
    for row in rows:
        for site in sites:
            for text, drop, p in _at_site(subject, subject.results, row, site):
                numbers.append(text)
                if drop >= DROP and p * tests < ERROR:
                    evidence.append(Evidence(f"{text} (p = {p:.1g})"))
    if not numbers:
        few = f"no site has {FEWEST_OF_CLASS} tested patients of either class of a task"
        return NotApplicable(few if tested else "no task is tested")
    return Measured(evidence, tuple(numbers))


def _at_site(subject: Subject, results: Results, row: Refit, site: str) -> Iterator[tuple[str, float, float]]:
    """The AUC at a site as tested, and of a fit without the site; by how much it drops, and the p."""
    cases = results.truth[results.truth["site"] == site]
    test = subject.cohort.take([case_id for case_id in cases.index if case_id in results.tested])
    learned = {case_id for fold in subject.split.folds for case_id in (*fold.train, *fold.val)}
    others = subject.cohort.table.loc[[case_id for case_id in subject.cohort.case_ids if case_id in learned]]
    others = others[(others["site"] != site) & ~others["patient_id"].isin(test.patient_ids)]
    usable = [task for task in subject.binary_tasks if _enough(test, task)]
    if not usable or others.empty:
        return
    held = np.array([hash_of(patient) % 8 == 0 for patient in others["patient_id"]])
    train, val = (subject.cohort.take(others.index[chosen]) for chosen in (~held, held))
    said = row.predicted(train, val, test)
    method = next(one for one in results.methods if one.label == row.label)
    for task in usable:
        yield _compared(
            method.predictions,
            results,
            test,
            task,
            said[task.name],
            f"{row.label} on {task.name} at {site!r}",
        )


def _enough(test: Cohort, task: Task) -> bool:
    labels = test.table.drop_duplicates("patient_id")[task.name]
    return min((labels == 1).sum(), (labels == 0).sum()) >= FEWEST_OF_CLASS


def hash_of(patient: str) -> int:
    """A number that is the same for a patient on every machine."""
    return sum((place + 1) * ord(letter) for place, letter in enumerate(str(patient)))


def _compared(
    predictions: pd.DataFrame, results: Results, test: Cohort, task: Task, said: Array, name: str
) -> tuple[str, float, float]:
    mine = predictions[predictions["task"] == task.name].groupby("case_id")["prediction"].mean()
    labels = test.labels(task.name)
    known = ~np.isnan(labels) & np.isin(list(test.case_ids), mine.index)
    ids = np.array(test.case_ids)[known]
    pooled = mine[ids].to_numpy()
    fold = np.array([results.tested[case_id] for case_id in ids])
    patients = pd.factorize(test.patient_ids[known])[0]
    found = auc_difference(labels[known], pooled[None], said[known][None], fold, patients)
    first = auc(labels[known], pooled, fold)
    text = f"{name}: AUC {first:.3f} as tested, {first - found.value:.3f} when the site is not learned from"
    return text, found.value, found.p


CHECKS = (
    Check(
        "BA027",
        "Permuted labels are predicted",
        "Fitted on labels that were dealt anew within sites, a method predicts those of tested patients.",
        "Nothing but a leak from training to test, such as patients in both, lets it do so.",
        "Look at BA001 to BA005, BA023 and BA024, and at what the method keeps between fits.",
        "fail",
        _learns_from_nothing,
        cost="deep",
    ),
    Check(
        "BA028",
        "A planted answer is not found",
        "A method that reads covariates does not find the label in one that holds it.",
        "A method that cannot find what is there makes every other method look better.",
        "Look at how the method encodes covariates, and at what it regularises away.",
        "warn",
        _canary,
        cost="deep",
    ),
    Check(
        "BA029",
        "Worse at a site that is not learned from",
        "At a site, a method is clearly worse when no case of the site was learned from.",
        "The reported value is that of centres which provide training cases.",
        "Report leave_site_out beside the pooled value, or harmonise inside fit.",
        "warn",
        _held_out,
        cost="deep",
    ),
)
