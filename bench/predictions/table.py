"""What a method returns, checked once where it enters the benchmark."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError
from bench.task import Task

COLUMNS = ("case_id", "task", "fold", "seed", "prediction")


def long_predictions(method: str, returned: Any, cohort: Cohort, fold: int, seed: int) -> pd.DataFrame:
    """The long table of a cell: one row a case and task.

    Parameters
    ----------
    method
        Whose predictions they are, for messages.
    returned
        What ``predict`` returned: task name to array of shape (case,).
    cohort
        The cases predicted, in order.

    Raises
    ------
    PluginError
        A task is missing or unknown, a shape is wrong, a value is not finite or outside the task's bounds.
    """
    values = checked_predictions(method, returned, cohort)
    tables = [
        pd.DataFrame(
            {
                "case_id": np.array(cohort.case_ids, dtype=object),
                "task": task,
                "fold": fold,
                "seed": seed,
                "prediction": predicted,
            }
        )
        for task, predicted in values.items()
    ]
    return pd.concat(tables, ignore_index=True)


def checked_predictions(method: str, returned: Any, cohort: Cohort) -> dict[str, np.ndarray]:
    """What ``predict`` returned as numbers, task to shape (case,), in the order of the cohort's tasks.

    Parameters and errors are those of :func:`long_predictions`.
    """
    if not isinstance(returned, Mapping):
        raise PluginError(f"{method} returned {type(returned).__name__}, expected a dict of task to array")
    names = [task.name for task in cohort.tasks]
    odd = sorted(set(returned) ^ set(names))
    if odd:
        raise PluginError(f"{method} returned the tasks {sorted(returned)}, expected {names}")
    return {task.name: _values(method, task, returned[task.name], len(cohort)) for task in cohort.tasks}


def _values(method: str, task: Task, returned: Any, cases: int) -> np.ndarray:
    values = np.asarray(returned)
    if values.shape != (cases,):
        raise PluginError(f"{method} returned {values.shape} for task {task.name!r}, expected ({cases},)")
    if values.dtype.kind not in "fiu":
        raise PluginError(f"{method} returned {values.dtype} for task {task.name!r}, expected numbers")
    values = values.astype(float)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise PluginError(f"{method} returned {bad} values that are not finite for task {task.name!r}")
    low, high = task.bounds
    if values.min(initial=low) < low or values.max(initial=high) > high:
        raise PluginError(
            f"{method} returned values from {values.min():g} to {values.max():g} for task {task.name!r}, "
            f"expected {low:g} to {high:g}"
        )
    return values


def constant_values(cohort: Cohort) -> dict[str, float]:
    """What the baseline predictor learns: training prevalence (binary) or median (continuous), a task.

    Where no label is known: 0.5, or the middle of the range (0 where the range is open). Nothing without a
    case to learn from.
    """
    return (
        {}
        if not len(cohort)
        else {task.name: _constant(task, cohort.labels(task.name)) for task in cohort.tasks}
    )


def _constant(task: Task, labels: np.ndarray) -> float:
    known = labels[~np.isnan(labels)]
    if len(known):
        return float(known.mean() if task.kind == "binary" else np.median(known))
    low, high = task.bounds
    return (low + high) / 2 if np.isfinite(low) and np.isfinite(high) else 0.0
