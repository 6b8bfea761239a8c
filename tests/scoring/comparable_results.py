"""Simulated results of methods with known signal, to compare."""

import numpy as np
import pandas as pd

from bench.predictions.results import MethodResult, Results
from bench.task import Task

TASKS = (
    Task("er", "binary", "ER", positive="positive"),
    Task("ki67", "continuous", "Ki-67", unit="percentage points", range=(0, 100)),
)


N, FOLDS = 120, 5


def truth_table(sites: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    er = (rng.random(N) < 0.6).astype(float)
    ids = pd.Index([f"c{number:03d}" for number in range(N)], name="case_id")
    columns = {"patient_id": ids, "site": [f"s{number % sites}" for number in range(N)], "group": "external"}
    return pd.DataFrame(columns | {"er": er, "ki67": 20 + 10 * rng.standard_normal(N)}, index=ids)


def method(label: str, truth: pd.DataFrame, signal: float, seeds: int = 1, salt: int = 0) -> MethodResult:
    parts = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, salt])
        logit = signal * truth["er"].to_numpy() + rng.standard_normal(N)
        ki67 = truth["ki67"].to_numpy() + 10 / (1 + signal) * rng.standard_normal(N)
        for task, said in (("er", 1 / (1 + np.exp(-logit))), ("ki67", ki67)):
            rows = {"seed": seed, "fold": np.arange(N) % FOLDS, "case_id": truth.index, "task": task}
            parts.append(pd.DataFrame(rows | {"prediction": said}))
    constants = {fold: {"er": 0.6, "ki67": 20.0} for fold in range(FOLDS)}
    return MethodResult(label, pd.concat(parts, ignore_index=True), constants, "ok", 10.0, 100)


def results(*methods: MethodResult, truth: pd.DataFrame | None = None) -> Results:
    return Results(
        tasks=TASKS,
        cohort="toy",
        cohort_title="Toy",
        cohort_fingerprint="ab" * 32,
        synthetic=True,
        licence="",
        split="external_cv",
        split_title="Folds",
        estimand="Site-adapted cross-validation.",
        split_seed=0,
        split_fingerprint="cd" * 32,
        truth=truth_table() if truth is None else truth,
        methods=methods,
    )
