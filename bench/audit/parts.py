"""Parts of a split that do not have what they need, or do not resemble each other."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import fisher_exact, mannwhitneyu

from bench.audit.check import Check, Evidence, Found, NotApplicable
from bench.audit.subject import Subject
from bench.splits.fold import PARTS, Fold
from bench.task import Task

# Family-wise error of a drift, and the least that is named: 10 points of prevalence, or of the share of
# pairs in which the value of a tested patient is the higher one.
ERROR, LEAST = 0.01, 0.1


def _absent_classes(subject: Subject) -> Found:
    if not subject.binary_tasks:
        return NotApplicable("no task has classes")
    return [
        Evidence(text)
        for fold in subject.split.folds
        for part in PARTS
        for task in subject.binary_tasks
        for text in _absent(subject, fold, part, task)
    ]


def _absent(subject: Subject, fold: Fold, part: str, task: Task) -> Iterator[str]:
    case_ids = list(getattr(fold, part))
    labels = subject.cohort.table.loc[case_ids, task.name].dropna()
    if case_ids and labels.nunique() < 2:
        lacking = " and ".join(
            name for name, label in (("positive", 1), ("negative", 0)) if label not in set(labels)
        )
        yield f"{part} of fold {fold.index} has no {lacking} case of {task.name} among {len(case_ids)}"


def _drift(subject: Subject) -> Found:
    folds = [fold for fold in subject.split.folds if fold.train and fold.test]
    if not folds:
        return NotApplicable("nothing is learned from")
    pairs = len(folds) * len(subject.cohort.tasks)
    found = (_drift_of(subject, fold, task, pairs) for fold in folds for task in subject.cohort.tasks)
    return [Evidence(text) for texts in found for text in texts]


def _drift_of(subject: Subject, fold: Fold, task: Task, pairs: int) -> Iterator[str]:
    """The drift of a task from training to test of a fold, where chance does not explain it."""
    first = set(np.array(subject.cohort.case_ids)[subject.first_of_patient])
    train, test = (
        subject.cohort.table.loc[[case for case in part if case in first], task.name].dropna().to_numpy()
        for part in (fold.train, fold.test)
    )
    if not len(train) or not len(test):
        return
    if task.kind == "binary":
        counts = [[part.sum(), len(part) - part.sum()] for part in (train, test)]
        p, size = fisher_exact(counts).pvalue, abs(test.mean() - train.mean())
        values = f"{train.mean():.0%} positive in training, {test.mean():.0%} in test"
    else:
        tested = mannwhitneyu(test, train)
        p, size = tested.pvalue, abs(tested.statistic / (len(test) * len(train)) - 0.5)
        values = f"median {np.median(train):.3g} in training, {np.median(test):.3g} in test"
    if size >= LEAST and p * pairs < ERROR:
        yield f"{task.name}, fold {fold.index}: {values} (p = {p:.1g})"


CHECKS = (
    Check(
        "BA010",
        "Part of a fold with one class",
        "A part of a fold has one class alone",
        "Nothing can be learned, chosen or scored there, and means over folds leave it out without a word.",
        "Use fewer folds, or a split that is stratified by the task.",
        "fail",
        _absent_classes,
    ),
    Check(
        "BA011",
        "Labels drift from training to test",
        "Training and tested patients have other labels",
        "Probabilities and thresholds learned at one prevalence are wrong at another.",
        "Say so beside the result; report calibration, and thresholds chosen for the tested population.",
        "warn",
        _drift,
    ),
)
