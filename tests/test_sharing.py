"""Several runs on one store, kills and interrupts: every cell is done once and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import psutil
import pytest
from pandas.testing import assert_frame_equal

from bench.cohorts.cohort import Cohort
from bench.plans import stored_plan
from bench.status import status_rows
from bench.store import PREDICTIONS, RECORD, Store

COUNTING = '''
"""A slow method that notes every fit beside the store, goes on from its last step, and starts a process."""
from dataclasses import dataclass
import os
import subprocess
import time
import numpy as np
from bench.hookspecs import hookimpl
from bench.method import MethodSpec

@hookimpl
def bench_methods():
    return [MethodSpec("counting", f"{__name__}:Counting", summary="counts", needs=())]

@dataclass
class Counting:
    seconds: float = 0.4
    steps: int = 4
    def fit(self, train, val, run):
        fits = os.open(os.environ["FITS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fits, f"{hash(train.case_ids)}-{run.seed}\\n".encode())
        kept = run.workdir / "step.txt"
        first = int(kept.read_text()) if kept.exists() else 0
        child = subprocess.Popen(["sleep", "987"])
        for step in range(first, self.steps):
            time.sleep(self.seconds / self.steps)
            run.report(step + 1, self.steps, None)
            kept.write_text(str(step + 1))
        child.kill()
        child.wait()
        self.value = np.random.default_rng(run.seed).random()
        return self
    def predict(self, cohort):
        return {task.name: np.full(len(cohort), self.value) for task in cohort.tasks}
'''


@pytest.fixture(scope="module")
def plugin(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plugins") / "counting.py"
    path.write_text(COUNTING)
    return path


@pytest.fixture
def fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where every fit leaves a line."""
    monkeypatch.setenv("FITS", str(tmp_path / "fits.txt"))
    monkeypatch.setenv("BENCH_EXECUTOR", "workers")
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # one hash for one fold in every process
    return tmp_path / "fits.txt"


def run_command(store: Path, plugin: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "bench", "run", "--method", "counting", "--plugin", str(plugin)]
    command += ["--cohort", "phantom-tiny", "--split", "internal_cv", "--device", "cpu", "--seeds", "0,1"]
    return [*command, "--format", "json", "--store", str(store), *more]


def start(command: list[str], output: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, stdout=output, stderr=output, text=True)


def finished(store: Path) -> list[Path]:
    return sorted(store.glob(f"cells/*/*/*/*/{RECORD}"))


def predictions(store: Path) -> pd.DataFrame:
    paths = sorted(path.parent / PREDICTIONS for path in finished(store))
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


def sleepers() -> list[psutil.Process]:
    return [its for its in psutil.process_iter(["cmdline"]) if its.info["cmdline"] == ["sleep", "987"]]


def test_two_runs_at_once_do_every_cell_once(plugin: Path, fits: Path, tmp_path: Path) -> None:
    runs = [start(run_command(tmp_path / "store", plugin, "--jobs", "2")) for _ in range(2)]
    said = [its.communicate(timeout=120) for its in runs]
    assert [its.returncode for its in runs] == [0, 0], said
    assert set(Counter(fits.read_text().split()).values()) == {1}
    assert len(finished(tmp_path / "store")) == 10
    assert said[0][0] == said[1][0]  # both waited for all cells and print the same table


def test_three_workers_at_once_do_every_cell_once(plugin: Path, fits: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    subprocess.run(run_command(store, plugin, "--plan"), check=True, capture_output=True)
    assert not finished(store)
    command = [sys.executable, "-m", "bench", "worker", "--store", str(store)]
    workers = [start(command) for _ in range(3)]
    said = [its.communicate(timeout=120) for its in workers]
    assert [its.returncode for its in workers] == [0, 0, 0], said
    assert len(finished(store)) == 10
    assert set(Counter(fits.read_text().split()).values()) == {1}


def test_kills_lose_the_running_cell_only_and_the_end_is_the_same(
    plugin: Path, fits: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(run_command(whole, plugin, "--jobs", "2"), check=True, capture_output=True)
    for wanted in (1, 4):
        process = start(run_command(broken, plugin), subprocess.DEVNULL)
        while len(finished(broken)) < wanted and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = {path: path.stat().st_mtime_ns for path in finished(broken)}
    time.sleep(1)
    assert not sleepers()  # a worker does not outlive its run, nor what the method started
    subprocess.run(run_command(broken, plugin), check=True, capture_output=True)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert_frame_equal(predictions(whole), predictions(broken))


def test_a_timed_out_training_goes_on_where_it_was(plugin: Path, fits: Path, tmp_path: Path) -> None:
    more = ("--set", "seconds=8", "--set", "steps=32", "--seeds", "0", "--split", "external_frozen")
    command = run_command(tmp_path / "store", plugin, *more)
    first = subprocess.run([*command, "--cell-timeout", "5s"], capture_output=True, text=True, check=False)
    assert "timeout: ran longer than its limit of 5 s" in first.stderr
    (record,) = finished(tmp_path / "store")
    assert json.loads(record.read_text())["status"] == "timeout"
    (kept,) = (tmp_path / "store").glob("work/*/scratch/step.txt")
    assert int(kept.read_text()) >= 2
    again = [*command, "--cell-timeout", "60s", "--retry", "timeout"]
    subprocess.run(again, check=True, capture_output=True)
    ended = json.loads(record.read_text())
    assert ended["status"] == "ok" and not kept.exists()
    assert ended["fit_seconds"] < 8  # what all steps take


@pytest.mark.parametrize("interrupts", [1, 2])
def test_ctrl_c_ends_politely_and_twice_at_once(
    interrupts: int, plugin: Path, fits: Path, tmp_path: Path
) -> None:
    process = start(run_command(tmp_path / "store", plugin, "--set", "seconds=3"))
    while not (fits.exists() and fits.read_text()) and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    if interrupts == 2:
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "no new cells are started" in said and "Traceback" not in said
    assert "what is finished is kept, the same command goes on from here" in said
    assert len(finished(tmp_path / "store")) == 2 - interrupts
    assert len(fits.read_text().split()) == 1 and not sleepers()
    assert not list((tmp_path / "store" / "claims").glob("[0-9a-f]*"))


def test_a_run_elsewhere_is_seen_while_it_runs(plugin: Path, fits: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    more = ("--set", "seconds=8", "--set", "steps=16", "--seeds", "0")
    process = start(run_command(store.folder, plugin, *more), subprocess.DEVNULL)
    while not (fits.exists() and fits.read_text()) and process.poll() is None:
        time.sleep(0.02)
    seen: list[str] = []
    while not any("step" in its for its in seen) and process.poll() is None:
        (row,) = status_rows(store, stored_plan(store))
        assert (row["cells"], row["running"]) == (5, 1)
        seen.append(row["detail"])
    process.kill()
    process.wait()
    assert " of 16 on " in seen[-1]
