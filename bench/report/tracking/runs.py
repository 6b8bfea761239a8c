"""A cell of a store as trackers of experiments see it: a run with parameters, metrics and tags."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.metrics.metric import Metric
from bench.splits.inner import is_inner
from bench.store.record import CellRecord
from bench.store.store import OK, PREDICTIONS, Store
from bench.task import Task

ID_LENGTH = 32
MEASURED = ("fit_seconds", "predict_seconds", "seconds", "peak_memory_mb", "parameters")
ENERGY = ("cpu_joules", "gpu_joules")
TOLD = ("device", "threads", "sealed", "target", "submitted", "reason")


@dataclass(frozen=True)
class TrackedRun:
    """One cell.

    Parameters
    ----------
    id
        32 hexadecimal digits, of the cell's id.
    experiment
        Cohort and split.
    started, ended
        Milliseconds since 1970; None where nothing is known, as of predictions made elsewhere.
    params
        Hyperparameters, seed and fold.
    metrics
        What the cell took and, with a cohort, the ranking metric of each task on its test cases.
    tags
        What else its record says, as text.
    """

    id: str
    name: str
    experiment: str
    completed: bool
    started: int | None
    ended: int | None
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def tracked_runs(
    store: Store,
    cohort: Cohort | None = None,
    split: str | None = None,
    metrics: Mapping[str, Metric] | None = None,
) -> list[TrackedRun]:
    """The cells of a store in the order of their folders, inner cells left out.

    Parameters
    ----------
    cohort, split
        Only cells of these; with a cohort, which has the truth, runs have test values.
    metrics
        Of each task of the cohort, by its name.
    """
    kept = store.records("*" if cohort is None else cohort.name, split or "*")
    return [
        _run(record, _test_values(record, folder, cohort, metrics or {}))
        for folder, record in kept
        if not is_inner(record.split)
    ]


def _run(record: CellRecord, values: Mapping[str, float]) -> TrackedRun:
    took = {name: getattr(record, name) for name in MEASURED}
    took |= {name: held for name, held in (record.energy or {}).items() if name in ENERGY}
    told = {name: getattr(record, name) for name in TOLD}
    tuned = record.tuning["params"] if record.tuning and "params" in record.tuning else {}
    versions = (record.environment or {}).get("packages", {})
    return TrackedRun(
        id=record.id[:ID_LENGTH],
        name=f"{record.method} seed {record.seed} fold {record.fold}",
        experiment=f"{record.cohort}, {record.split}",
        completed=record.status == OK,
        started=_milliseconds(record.started),
        ended=_milliseconds(record.ended),
        params={
            "method": record.method,
            "seed": record.seed,
            "fold": record.fold,
            **record.identity.get("params", {}),
            **tuned,
        },
        metrics={name: float(value) for name, value in took.items() if value is not None} | dict(values),
        tags={
            "status": record.status,
            "synthetic": str(record.synthetic),
            "cell": record.id,
            **{name: str(value) for name, value in told.items() if value not in (None, "")},
            **{f"cases_{part}": str(count) for part, count in record.cases.items()},
            **{f"version_{name}": str(version) for name, version in versions.items()},
        },
    )


def _test_values(
    record: CellRecord, folder: Path, cohort: Cohort | None, metrics: Mapping[str, Metric]
) -> dict[str, float]:
    """The ranking metric of each task on the cell's test cases, without those that these cannot give."""
    if cohort is None or record.status != OK:
        return {}
    table = pd.read_parquet(folder / PREDICTIONS)
    scored = [(task, metrics[task.name]) for task in cohort.tasks if task.name in metrics]
    found = (
        (f"test_{task.name}_{metric.name}", _value(table, record, cohort, task, metric))
        for task, metric in scored
    )
    return {name: value for name, value in found if math.isfinite(value)}


def _value(table: pd.DataFrame, record: CellRecord, cohort: Cohort, task: Task, metric: Metric) -> float:
    own = table[(table["task"] == task.name) & table["case_id"].isin(cohort.table.index)]
    truth = cohort.table.loc[own["case_id"], task.name].to_numpy(float)
    known = np.isfinite(truth)
    if not known.any() or (task.kind == "binary" and len(set(truth[known])) < 2):
        return math.nan
    beside = record.fold if metric.context == "fold" else record.constants.get(task.name, math.nan)
    context = np.full(int(known.sum()), beside)
    return float(metric.value(truth[known], own["prediction"].to_numpy(float)[known], context))


def _milliseconds(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp() * 1000)


def by_experiment(runs: Iterable[TrackedRun]) -> dict[str, list[TrackedRun]]:
    """Runs by the name of their experiment."""
    found: dict[str, list[TrackedRun]] = {}
    for run in runs:
        found.setdefault(run.experiment, []).append(run)
    return found
