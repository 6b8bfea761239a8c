"""Results of made predictions of any size: what boards and comparisons are timed on."""

import numpy as np
import pandas as pd

from bench.predictions.results import MethodResult, Results
from bench.task import Task

FOLDS = 5
# Of every four tasks, the last one is continuous.
EVERY = 4


def made_results(methods: int, tasks: int, cases: int, first_method: int = 0) -> Results:
    """Results of methods that lie from useless to good, a patient a case, in five folds.

    Method ``m007`` is the same whatever the number of methods.
    """
    rng = np.random.default_rng(0)
    ids = [f"c{number:06d}" for number in range(cases)]
    named = tuple(
        Task(f"t{number}", "continuous" if number % EVERY == EVERY - 1 else "binary")
        for number in range(tasks)
    )
    truth = pd.DataFrame({"patient_id": ids, "site": "a", "group": "internal"}, index=ids)
    latent = rng.standard_normal((tasks, cases))
    for task, value in zip(named, latent, strict=True):
        truth[task.name] = (value > 0).astype(float) if task.kind == "binary" else 20 + 5 * value
    fold = np.arange(cases) % FOLDS
    return Results(
        tasks=named,
        cohort="speed",
        cohort_title="random numbers",
        cohort_fingerprint="none",
        synthetic=True,
        licence="",
        split="internal_cv",
        split_title="",
        estimand="",
        split_seed=0,
        split_fingerprint="none",
        truth=truth,
        methods=tuple(
            _made_method(number, named, ids, fold, latent)
            for number in range(first_method, first_method + methods)
        ),
    )


def _made_method(
    number: int, tasks: tuple[Task, ...], ids: list[str], fold: np.ndarray, latent: np.ndarray
) -> MethodResult:
    rng = np.random.default_rng((1, number))
    tables = []
    for task, value in zip(tasks, latent, strict=True):
        said = value * (number % 10) / 10 + rng.standard_normal(len(ids))
        prediction = 1 / (1 + np.exp(-said)) if task.kind == "binary" else 20 + 5 * said
        columns = {"seed": 0, "fold": fold, "case_id": ids, "task": task.name, "prediction": prediction}
        tables.append(pd.DataFrame(columns))
    constants = {
        index: {task.name: 0.5 if task.kind == "binary" else 20.0 for task in tasks} for index in range(FOLDS)
    }
    return MethodResult(f"m{number:03d}", pd.concat(tables, ignore_index=True), constants)
