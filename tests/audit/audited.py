"""Cohorts, splits and simulated results for the tests of the audit."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.audit.audit import audit
from bench.audit.check import Verdict
from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.predictions.results import MethodResult, Results
from bench.predictions.table import constant_values
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.splits.split import Split
from bench.task import Task

Predict = Callable[[pd.DataFrame, Task, np.random.Generator], np.ndarray]


def cut(cohort: Cohort, split: str = "internal_cv") -> Split:
    return make_split(cohort, load_split_config(split))


def honest(cases: pd.DataFrame, task: Task, rng: np.random.Generator) -> np.ndarray:
    """What a marker of the label tells that is independent of all else: a posterior, or a shrunken value."""
    labels = cases[task.name]
    if task.kind == "continuous":
        middle = labels.median()
        noisy = middle + 0.5 * (labels.fillna(middle) - middle) + 5 * rng.standard_normal(len(cases))
        return np.clip(noisy, *task.range)
    share = labels.mean()
    marker = labels.fillna(0.0) + rng.standard_normal(len(cases))
    return 1 / (1 + (1 - share) / share * np.exp(0.5 - marker)).to_numpy()


def uninformed(cases: pd.DataFrame, task: Task, rng: np.random.Generator) -> np.ndarray:
    """Noise round what the cases have in common."""
    labels = cases[task.name]
    if task.kind == "continuous":
        return np.clip(labels.median() + rng.standard_normal(len(cases)), *task.range)
    return labels.mean() + 0.01 * rng.standard_normal(len(cases))


def results_of(cohort: Cohort, split: Split, **methods: Predict) -> Results:
    """Results of methods that are given as functions of the cases, the task and chance."""
    tested = {case_id: fold.index for fold in split.folds for case_id in fold.test}
    cases = cohort.table.loc[list(tested)]
    constants = {fold.index: constant_values(cohort.take(fold.train)) for fold in split.folds}
    return Results(
        tasks=cohort.tasks,
        cohort=cohort.name,
        cohort_title=cohort.name,
        cohort_fingerprint=cohort.fingerprint,
        synthetic=True,
        licence="CC0",
        split=split.name,
        split_title=split.title,
        estimand=split.estimand,
        split_seed=split.seed,
        split_fingerprint=split.fingerprint,
        truth=cases,
        methods=tuple(
            MethodResult(label, _predicted(cohort, cases, tested, predict, salt), constants, seeds=(0,))
            for salt, (label, predict) in enumerate(methods.items())
        ),
        tested=tested,
    )


def _predicted(
    cohort: Cohort, cases: pd.DataFrame, tested: dict[str, int], predict: Predict, salt: int
) -> pd.DataFrame:
    rng = np.random.default_rng(salt)
    tables = [
        pd.DataFrame(
            {
                "seed": 0,
                "fold": list(tested.values()),
                "case_id": list(tested),
                "task": task.name,
                "prediction": predict(cases, task, rng),
            }
        )
        for task in cohort.tasks
    ]
    return pd.concat(tables, ignore_index=True)


def verdicts(
    cohort: Cohort, split: Split, results: Results | None = None, deep: bool = False
) -> dict[str, Verdict]:
    return {one.check.code: one for one in audit(Subject(cohort, split, results, deep))}


def changed(cohort: Cohort, **columns: object) -> Cohort:
    """The cohort with other values in some columns."""
    return replace(cohort, table=cohort.table.assign(**columns))


def alarms(found: dict[str, Verdict]) -> dict[str, list[str]]:
    """Evidence by code, of the checks that found any."""
    return {code: [each.text for each in one.evidence] for code, one in found.items() if one.evidence}
