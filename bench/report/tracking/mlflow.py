"""Runs in the layout of MLflow's file store: a folder an experiment and a run, a file a value."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report.tracking.runs import TrackedRun, by_experiment

# MLflow's own numbers.
LOCAL_SOURCE, FINISHED, FAILED = 4, 3, 4
# What MLflow takes as the name of a value.
NAME = re.compile(r"[^\w.\- ]")
MAX_VALUE = 6000


def write_mlflow(runs: Sequence[TrackedRun], out: Path) -> None:
    """Write runs as an MLflow file store (``mlruns``), which `mlflow ui --backend-store-uri` opens."""
    for experiment, own in by_experiment(runs).items():
        name = _experiment_id(experiment)
        moments = [run.started for run in own if run.started is not None] or [0]
        _write_meta(
            out / name,
            {
                "artifact_location": f"{out.resolve().as_uri()}/{name}",
                "creation_time": min(moments),
                "experiment_id": name,
                "last_update_time": max(moments),
                "lifecycle_stage": "active",
                "name": experiment,
            },
        )
        for run in own:
            _write_run(run, out / name / run.id, name)


def _write_run(run: TrackedRun, folder: Path, experiment: str) -> None:
    _write_meta(
        folder,
        {
            "artifact_uri": f"{folder.resolve().as_uri()}/artifacts",
            "end_time": run.ended,
            "entry_point_name": "",
            "experiment_id": experiment,
            "lifecycle_stage": "active",
            "run_id": run.id,
            "run_name": run.name,
            "run_uuid": run.id,
            "source_name": "",
            "source_type": LOCAL_SOURCE,
            "source_version": "",
            "start_time": run.started or 0,
            "status": FINISHED if run.completed else FAILED,
            "tags": [],
            "user_id": "",
        },
    )
    moment = run.ended or run.started or 0
    _write_values(folder / "params", {name: str(value)[:MAX_VALUE] for name, value in run.params.items()})
    _write_values(
        folder / "metrics", {name: f"{moment} {value!r} 0\n" for name, value in run.metrics.items()}
    )
    _write_values(folder / "tags", {"mlflow.runName": run.name, **run.tags})
    (folder / "artifacts").mkdir(exist_ok=True)


def _write_meta(folder: Path, values: Mapping[str, Any]) -> None:
    """A YAML file; each value as JSON, which YAML reads."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items())
    (folder / "meta.yaml").write_text(lines, encoding="utf-8")


def _write_values(folder: Path, values: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, value in values.items():
        (folder / NAME.sub("_", name)).write_text(value, encoding="utf-8")


def _experiment_id(name: str) -> str:
    """A number of 18 digits, as MLflow gives them: the same for the same name."""
    return str(10**17 + int(hashlib.sha256(name.encode()).hexdigest(), 16) % (9 * 10**17))
