"""Simulated results that the tests of boards and ranks share: two tasks, methods with so much signal."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bench.predictions.results import MethodResult, Results
from bench.task import Task

TASKS = (
    Task("er", "binary", "ER", positive="positive by ASCO/CAP"),
    Task("ki67", "continuous", "Ki-67", unit="percentage points", range=(0, 100)),
)
ESTIMAND = "This is site-adapted cross-validation."


def truth_table(n: int = 74, sites: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    ids = pd.Index([f"case{i:04d}" for i in range(n)], name="case_id")
    er = (rng.random(n) < 0.7).astype(float)
    return pd.DataFrame(
        {
            "patient_id": [f"p{i}" for i in range(n)],
            "site": [f"site{i % sites}" for i in range(n)],
            "group": "external",
            "er": er,
            "ki67": np.clip(25 - 10 * er + 12 * rng.standard_normal(n), 0, 100),
        },
        index=ids,
    )


def method(label: str, truth: pd.DataFrame, signal: float, seeds: int = 1, folds: int = 5, salt: int = 0):
    """A method whose predictions hold so much signal; folds have calibrations of their own."""
    fold = np.arange(len(truth)) % folds
    parts = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, salt])
        logit = signal * truth["er"].fillna(0).to_numpy() + rng.standard_normal(len(truth)) + fold / 2
        weight = signal / (signal + 2)
        noise = 3 * rng.standard_normal(len(truth))
        ki67 = weight * truth["ki67"].fillna(20).to_numpy() + (1 - weight) * 22 + noise
        for task, values in (("er", 1 / (1 + np.exp(-logit))), ("ki67", np.clip(ki67, 0, 100))):
            columns = {"seed": seed, "fold": fold, "case_id": truth.index, "task": task, "prediction": values}
            parts.append(pd.DataFrame(columns))
    constants = {index: {"er": 0.6 + index / 50, "ki67": 20.0 + index} for index in range(folds)}
    return MethodResult(label, pd.concat(parts, ignore_index=True), constants, "ok", 12.5, 1000)


def constant(truth: pd.DataFrame, folds: int = 5) -> MethodResult:
    """The baseline predictor as a method."""
    like = method("constant", truth, 1.0, folds=folds)
    said = [
        like.constants[fold][task]
        for fold, task in zip(like.predictions["fold"], like.predictions["task"], strict=True)
    ]
    return replace(like, predictions=like.predictions.assign(prediction=said), parameters=0)


def results(
    *methods: MethodResult, truth: pd.DataFrame | None = None, ceiling: float | None = 6.0, **changes
):
    truth = truth_table() if truth is None else truth
    best = None if ceiling is None else method("ceiling", truth, ceiling, salt=99).predictions
    made = Results(
        tasks=TASKS,
        cohort="phantom",
        cohort_title="Embedded phantom",
        cohort_fingerprint="ab" * 32,
        synthetic=True,
        licence="CC0",
        split="external_cv",
        split_title="Five external folds",
        estimand=ESTIMAND,
        split_seed=0,
        split_fingerprint="cd" * 32,
        truth=truth,
        methods=methods,
        ceiling=best,
    )
    return replace(made, **changes)


def by_name(found, task="er"):
    return {score.method: score for score in found if score.task.name == task}
