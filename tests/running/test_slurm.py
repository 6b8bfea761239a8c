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
from bench.running.executors.slurm import JOBS, job_states, jobs_of
from bench.store.store import LOG, PREDICTIONS, RECORD, Store
from tests.command import Ended, bench

pytestmark = pytest.mark.cluster

SLOW = """
from dataclasses import dataclass
import time
import numpy as np
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

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
def cluster() -> None:
    if (
        shutil.which("sinfo") is None
        or subprocess.run(["sinfo"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Slurm runs here: tests/start_slurm starts one where it can be installed")
    try:  # a cluster of one node may be up and yet start no job
        subprocess.run(["srun", "--quiet", "true"], check=True, capture_output=True, timeout=30)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("the Slurm here runs no job")


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for stores; their jobs end with the test, and nobody else's do."""
    folder = tmp_path_factory.mktemp("slurm")
    yield folder
    if left := [job for store in folder.iterdir() for job in submitted(store)]:
        subprocess.run(["scancel", *left], check=False)


def words(store: Path, *more: str) -> list[str]:
    asked = ["run", "--cohort", "phantom-tiny", "--split", "internal_cv", "--device", "cpu"]
    return [*asked, "--format", "json", "--threads", "1", "--store", str(store), *more]


def predictions(store: Path) -> pd.DataFrame:
    paths = sorted(store.glob(f"cells/*/*/*/*/{PREDICTIONS}"))
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


def run(asked: list[str]) -> Ended:
    done = bench(*asked)
    assert done.returncode == 0, done.stderr
    return done


def submitted(store: Path) -> list[str]:
    """Ids of the jobs that were submitted for the plans of a store."""
    plans = [path.stem for path in store.glob(f"{JOBS}/*.json")]
    return [job for plan in plans for job in jobs_of(Store(store), plan)]


def running(store: Path) -> list[str]:
    """Ids of those that run."""
    states = job_states(submitted(store))
    return [job for job, state in states.items() if state == "RUNNING"]


def test_a_board_made_in_jobs_equals_the_local_one(cluster: None, tiny: Cohort, folder: Path) -> None:
    methods = ("--method", "constant,acquisition")
    local = run(words(folder / "local", *methods))
    cluster_made = run(words(folder / "jobs", *methods, "--executor", "slurm", "--jobs", "2"))
    assert_frame_equal(predictions(folder / "local"), predictions(folder / "jobs"))
    rows = [json.loads(entry.stdout)["rows"] for entry in (local, cluster_made)]
    for row in (*rows[0], *rows[1]):
        row.pop("fit_seconds", None)
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_a_cancelled_job_gives_its_cell_to_the_others_and_the_run_is_found_again(
    cluster: None, tiny: Cohort, folder: Path
) -> None:
    plugin, store = folder / "slow_in_jobs.py", folder / "store"
    plugin.write_text(SLOW)
    asked = words(store, "--method", "slow", "--plugin", str(plugin), "--executor", "slurm", "--jobs", "2")
    command = [sys.executable, "-m", "bench", *asked]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    started = time.monotonic()
    while not list(store.glob("claims/[0-9a-f]*")) and time.monotonic() - started < 120:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1 and "the jobs go on without this command" in said
    first, *_ = running(store)  # Ctrl-C left them running
    assert "Slurm jobs: " in run(["status", "--store", str(store)]).stdout
    subprocess.run(["scancel", first], check=True)
    again = run(asked)
    assert "submitted" not in again.stderr  # it watched the jobs that were there
    records = [json.loads(path.read_text()) for path in store.glob(f"cells/*/*/*/*/{RECORD}")]
    assert [record["status"] for record in records] == ["ok"] * 5


@pytest.mark.slow
def test_a_requeued_job_goes_on(cluster: None, tiny: Cohort, folder: Path) -> None:
    """What Slurm does with the jobs of a node that fails."""
    process, store = started(folder, "requeued")
    first, *_ = running(store)
    assert "Requeue=1" in told_of(first)
    subprocess.run(["scontrol", "requeue", first], check=True)
    _, said = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assert statuses(store) == ["ok"] * 5


STEPS = """
from dataclasses import dataclass
import time
import numpy as np
from bench import MethodSpec, hookimpl

@hookimpl
def bench_methods():
    return [MethodSpec("steps", f"{__name__}:Steps", "", needs=())]

@dataclass
class Steps:
    def fit(self, train, val, run):
        kept = run.workdir / "steps"
        done = len(kept.read_text()) if kept.exists() else 0
        print("begins at step", done)
        for _ in range(done, 40):
            time.sleep(0.25)
            with kept.open("a") as file:
                file.write(".")
        return self
    def predict(self, cohort):
        return {task.name: np.full(len(cohort), 0.5) for task in cohort.tasks}
"""


@pytest.mark.slow
def test_a_preempted_job_is_requeued_and_its_cell_goes_on_from_its_checkpoint(
    cluster: None, tiny: Cohort, folder: Path
) -> None:
    if "urgent" not in subprocess.run(["sinfo", "-h"], check=True, capture_output=True, text=True).stdout:
        pytest.skip("the Slurm here has no partition urgent, as that of tests/start_slurm has")
    process, store = started(folder, "preempted", STEPS, "steps", "--split", "internal")
    (job,) = running(store)
    until = time.monotonic() + 120
    while not [path for path in store.glob("work/*/scratch/steps") if path.stat().st_size > 3]:
        assert time.monotonic() < until, "the cell has made no step"
        time.sleep(0.1)
    nodes = ("-p", "urgent", "--exclusive", "--output=/dev/null", "--wrap", "sleep 1")
    subprocess.run(["sbatch", "--wait", *nodes], check=True, capture_output=True, timeout=120)
    _, said = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assert "Restarts=1" in told_of(job)
    ((folder_of_cell,),) = [list(store.glob("cells/*/*/*/*"))]
    assert statuses(store) == ["ok"]
    begun = [line for line in (folder_of_cell / LOG).read_text().splitlines() if "begins at step" in line]
    assert len(begun) == 2 and begun[0].endswith(" 0") and int(begun[1].split()[-1]) > 3


def started(
    folder: Path, name: str, source: str = SLOW, method: str = "slow", *more: str
) -> "tuple[subprocess.Popen[str], Path]":
    """A run in jobs whose first cell has begun, and its store."""
    plugin, store = folder / f"{method}_in_jobs.py", folder / name
    plugin.write_text(source)
    asked = words(store, "--method", method, "--plugin", str(plugin), "--executor", "slurm", "--jobs", "1")
    command = [sys.executable, "-m", "bench", *asked, *more]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not list(store.glob("claims/[0-9a-f]*")) and time.monotonic() < until:
        time.sleep(0.1)
    return process, store


def told_of(job: str) -> str:
    """What Slurm knows of a job."""
    return subprocess.run(["scontrol", "show", "job", job], check=True, capture_output=True, text=True).stdout


def statuses(store: Path) -> list[str]:
    """How the cells of a store have ended."""
    return [json.loads(path.read_text())["status"] for path in store.glob(f"cells/*/*/*/*/{RECORD}")]


@pytest.mark.slow
def test_jobs_that_slurm_gives_up_with_their_node_are_submitted_again(
    cluster: None, tiny: Cohort, folder: Path
) -> None:
    process, store = started(folder, "failed", SLOW, "slow", "--split", "internal")  # one cell, so one job
    first, *_ = running(store)
    node = told_of(first).split("BatchHost=")[1].split()[0]
    asked = (
        f"jobid={first} requeue=0",  # as where the cluster forbids it
        f"nodename={node} state=down reason=test",
        f"nodename={node} state=resume",
    )
    for words in asked:
        subprocess.run(["scontrol", "update", *words.split()], check=True)
    assert "JobState=NODE_FAIL" in told_of(first)
    _, said = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assert "the cluster has ended the jobs; submission 1 of 3 more" in said
    assert statuses(store) == ["ok"]
