"""Cells on the workers of a real Dask cluster, of which one is killed."""

import json
import os
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
from bench.errors import UsageError
from bench.running.experiment import read_experiment
from bench.running.plan import executor_named
from bench.store.store import PREDICTIONS, RECORD
from tests.command import bench

COUNTED = """
from dataclasses import dataclass
import os, time
import numpy as np
from bench import MethodSpec, hookimpl

@hookimpl
def bench_methods():
    return [MethodSpec("slow", f"{__name__}:Slow", "", needs=())]

@dataclass
class Slow:
    def fit(self, train, val, run):
        time.sleep(1.5)
        self.level = float(np.random.default_rng(run.seed).uniform())
        return self
    def predict(self, cohort):
        return {task.name: np.full(len(cohort), self.level) for task in cohort.tasks}
"""


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[int]]]:
    """Address of a scheduler, and the processes of its two workers."""
    pytest.importorskip("distributed")
    command = [sys.executable, "-m", "tests.running.dask_cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address, *pids = process.stdout.readline().split()
        yield address, [int(pid) for pid in pids]
        process.communicate()


def words(store: Path, plugin: Path, *more: str) -> list[str]:
    asked = ["run", "--cohort", "phantom-tiny", "--split", "internal_cv", "--device", "cpu", "--no-contract"]
    asked += ["--format", "json", "--method", "constant,slow", "--plugin", str(plugin)]
    return [*asked, "--seeds", "0,1", "--store", str(store), *more]


def predictions(store: Path) -> pd.DataFrame:
    paths = sorted(store.glob(f"cells/*/*/*/*/{PREDICTIONS}"))
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_the_numbers_are_those_of_one_machine(
    cluster: tuple[str, list[int]], tiny: Cohort, tmp_path: Path
) -> None:
    address, pids = cluster
    plugin, store = tmp_path / "slow_on_dask.py", tmp_path / "dask"
    plugin.write_text(COUNTED)
    asked = words(store, plugin, "--executor", "dask", "--scheduler", address)
    command = [sys.executable, "-m", "bench", *asked]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 240
    while not (owners := processes_of_claims(store)) and time.monotonic() < until:
        time.sleep(0.02)
    victim = next(pid for pid in pids if owners & descendants(pid))
    os.kill(victim, signal.SIGKILL)
    _, said = run.communicate(timeout=400)
    assert run.returncode == 0, said
    records = [json.loads(path.read_text()) for path in store.glob(f"cells/*/*/*/*/{RECORD}")]
    assert [record["status"] for record in records] == ["ok"] * 20
    assert {record["sealed"] for record in records} <= {"kernel", "python"}
    assert not list((store / "claims").glob("[0-9a-f]*"))
    local = tmp_path / "local"
    done = bench(*words(local, plugin, "--executor", "workers", "--jobs", "2"))
    assert done.returncode == 0, done.stderr
    assert_frame_equal(predictions(local), predictions(store))


def processes_of_claims(store: Path) -> set[int]:
    """Processes that hold cells just now."""
    found: set[int] = set()
    for path in store.glob("claims/[0-9a-f]*"):
        try:
            owner = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        found |= {int(number) for number, _ in owner["processes"]}
    return found


def descendants(pid: int) -> set[int]:
    """The processes below a process."""
    import psutil

    return {child.pid for child in psutil.Process(pid).children(recursive=True)}


def test_dask_needs_an_address_and_an_address_needs_dask() -> None:
    for asked in ({"executor": "dask"}, {"executor": "workers", "scheduler": "tcp://head:8786"}):
        with pytest.raises(UsageError, match="go together"):
            executor_named(read_experiment(None, asked))
    assert executor_named(read_experiment(None, {"executor": "dask", "scheduler": "tcp://a:1"})) == "dask"


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    from bench.errors import BenchError
    from bench.running.executors import dask

    monkeypatch.setattr(dask, "SECONDS_TO_CONNECT", 0.2)
    with pytest.raises(BenchError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        dask._client("tcp://127.0.0.1:1")
