"""A metric of a plugin, and simulated results that it can score."""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.predictions.results import MethodResult, Results
from bench.task import Task

PLUGIN = '''
"""A local plugin with a metric."""
from bench.methods.hookspecs import hookimpl
from bench.metrics import Metric

def f2(truth, decision, context):
    hits, errors = sum(truth * decision), sum(truth != decision)
    misses = sum(truth * (1 - decision))
    return 5 * hits / (5 * hits + 3 * misses + errors) if hits else 0.0

@hookimpl
def bench_metrics():
    return [Metric("{name}", "F2", "binary", best=1, higher_is_better=True, value=f2, input="{input}",
                   summary="Recall counts twice")]
'''


TASKS = (
    Task("er", "binary", "ER"),
    Task("her2", "binary", "HER2"),
    Task("ki67", "continuous", "Ki-67", unit="percentage points", range=(0, 100)),
)


def plugin(folder: Path, file: str, name: str, input: str = "decision") -> Path:
    path = folder / f"{file}.py"
    path.write_text(PLUGIN.format(name=name, input=input))
    return path


def results(*methods: MethodResult, n: int = 120) -> Results:
    """The truth of two tasks on which methods with so much signal are scored."""
    return Results(
        tasks=(TASKS[0], TASKS[2]),
        cohort="phantom",
        cohort_title="Phantom",
        cohort_fingerprint="ab" * 32,
        synthetic=True,
        licence="",
        split="internal_cv",
        split_title="Five folds",
        estimand="Internal validation.",
        split_seed=0,
        split_fingerprint="cd" * 32,
        truth=truth_table(n),
        methods=methods,
    )


def truth_table(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    ids = pd.Index([f"case{i:04d}" for i in range(n)], name="case_id")
    er = (rng.random(n) < 0.6).astype(float)
    columns = {"patient_id": ids, "site": "a", "group": "internal", "er": er, "ki67": rng.gamma(2, 10, n)}
    return pd.DataFrame(columns, index=ids)


def method(label: str, signal: float, salt: int = 0, n: int = 120, seeds: int = 1) -> MethodResult:
    truth = truth_table(n)
    parts = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, salt])
        logit = signal * (truth["er"] - 0.5) + rng.standard_normal(n)
        ki67 = signal * truth["ki67"] / 3 + 20 * (1 - signal / 3) + 3 * rng.standard_normal(n)
        for task, values in (("er", 1 / (1 + np.exp(-logit))), ("ki67", np.clip(ki67, 0, 100))):
            columns = {"seed": seed, "fold": np.arange(n) % 5, "case_id": truth.index, "task": task}
            parts.append(pd.DataFrame({**columns, "prediction": values}))
    constants = {fold: {"er": 0.55 + fold / 50, "ki67": 15.0 + fold} for fold in range(5)}
    return MethodResult(label, pd.concat(parts, ignore_index=True), constants)
