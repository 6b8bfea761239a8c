"""Cells in jobs of a real Slurm of one node; `tests/start_slurm` starts one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from bench.cohorts.cohort import Cohort
from bench.store import PREDICTIONS, RECORD

SLOW = """
from dataclasses import dataclass
import time
import numpy as np
from bench.hookspecs import hookimpl
from bench.method import MethodSpec

@hookimpl
def bench_methods():
    return [MethodSpec("slow", f"{__name__}:Slow", summary="slow", needs=())]

@dataclass
class Slow:
    seconds: float = 3.0
    def fit(self, train, val, run):
        time.sleep(self.seconds)
        return self
    def predict(self, cohort):
        return {task.name: np.full(len(cohort), 0.5) for task in cohort.tasks}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    if (
        shutil.which("sinfo") is None
        or subprocess.run(["sinfo"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Slurm runs here: tests/start_slurm starts one where it can be installed")
    try:  # a cluster of one node may be up and yet start no job
        subprocess.run(["srun", "--quiet", "true"], check=True, capture_output=True, timeout=30)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("the Slurm here runs no job")
    yield
    subprocess.run(["scancel", "--name=bench"], check=False)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("slurm")


def command(store: Path, *more: str) -> list[str]:
    asked = [
        "run",
        "--cohort",
        "phantom-tiny",
        "--split",
        "internal_cv",
        "--device",
        "cpu",
        "--format",
        "json",
    ]
    return [sys.executable, "-m", "bench", *asked, "--store", str(store), *more]


def predictions(store: Path) -> pd.DataFrame:
    paths = sorted(store.glob(f"cells/*/*/*/*/{PREDICTIONS}"))
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


def run(asked: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(asked, check=True, capture_output=True, text=True, timeout=300)


def jobs() -> list[str]:
    asked = ["squeue", "--noheader", "--array", "--name=bench", "--states=RUNNING", "--format=%i"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()


def test_a_board_made_in_jobs_equals_the_local_one(cluster: None, tiny: Cohort, folder: Path) -> None:
    methods = ("--method", "constant,acquisition,clinical", "--threads", "1")
    local, cluster_made = (
        run(command(folder / name, *methods, *more))
        for name, more in (("local", ()), ("jobs", ("--executor", "slurm", "--jobs", "2")))
    )
    assert_frame_equal(predictions(folder / "local"), predictions(folder / "jobs"))
    rows = [json.loads(its.stdout)["rows"] for its in (local, cluster_made)]
    for row in (*rows[0], *rows[1]):
        row.pop("fit_seconds", None)
    assert rows[0] == rows[1]


def test_a_cancelled_job_gives_its_cell_to_the_others_and_the_run_is_found_again(
    cluster: None, tiny: Cohort, folder: Path
) -> None:
    plugin, store = folder / "slow_in_jobs.py", folder / "store"
    plugin.write_text(SLOW)
    asked = command(store, "--method", "slow", "--plugin", str(plugin), "--threads", "1")
    asked += ["--executor", "slurm", "--jobs", "2"]
    process = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    started = time.monotonic()
    while not list(store.glob("claims/[0-9a-f]*")) and time.monotonic() - started < 120:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1 and "the jobs go on without this command" in said
    assert jobs()  # Ctrl-C left them running
    status = [sys.executable, "-m", "bench", "status", "--store", str(store)]
    assert "Slurm jobs: " in run(status).stdout
    subprocess.run(["scancel", jobs()[0]], check=True)
    again = run(asked)
    assert "submitted" not in again.stderr  # it watched the jobs that were there
    records = [json.loads(path.read_text()) for path in store.glob(f"cells/*/*/*/*/{RECORD}")]
    assert [its["status"] for its in records] == ["ok"] * 5
