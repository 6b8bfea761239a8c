"""Runs as one table, a row a cell."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.report.tracking.runs import TrackedRun


def write_csv(runs: Sequence[TrackedRun], out: Path) -> None:
    """Write a table with ``param_``, ``metric_`` and ``tag_`` columns, empty where a run has none."""
    rows = [
        {
            "run": run.id,
            "name": run.name,
            "experiment": run.experiment,
            "started": run.started,
            "ended": run.ended,
            **{f"param_{name}": value for name, value in run.params.items()},
            **{f"metric_{name}": value for name, value in run.metrics.items()},
            **{f"tag_{name}": value for name, value in run.tags.items()},
        }
        for run in runs
    ]
    table = pd.DataFrame(rows)
    for moment in ("started", "ended"):
        table[moment] = table[moment].astype("Int64")
    table.to_csv(out, index=False)
