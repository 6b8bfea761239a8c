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
from bench.running.status import status_rows
from bench.running.stored_plan import stored_plan
from bench.store.store import PREDICTIONS, RECORD, Store
from tests.command import Ended, bench

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def unfenced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counting method writes beside the store, which a fence would keep it from."""
    monkeypatch.setenv("BENCH_FENCE", "no")


COUNTING = '''
"""A slow method that notes every fit beside the store, goes on from its last step, and starts a process."""
from dataclasses import dataclass
import os
import subprocess
import time
import zlib
import numpy as np
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

@hookimpl
def bench_methods():
    return [MethodSpec("counting", f"{__name__}:Counting", summary="counts", needs=())]

@dataclass
class Counting:
    seconds: float = 0.4
    steps: int = 4
    def fit(self, train, val, run):
        store = next(parent for parent in run.workdir.parents if (parent / "plans").is_dir())
        fits = os.open(store.with_name("fits.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fits, f"{zlib.crc32(repr(train.case_ids).encode())}-{run.seed}\\n".encode())
        kept = run.workdir / "step.txt"
        first = int(kept.read_text()) if kept.exists() else 0
        child = subprocess.Popen(["sleep", "987"], cwd=run.workdir)
        for step in range(first, self.steps):
            time.sleep(self.seconds / self.steps)
            run.report(step + 1, self.steps, None)
            kept.with_suffix(".new").write_text(str(step + 1))
            kept.with_suffix(".new").replace(kept)  # whole at every moment, also that of a SIGKILL
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
    monkeypatch.setenv("BENCH_EXECUTOR", "workers")
    return tmp_path / "fits.txt"


def run_words(store: Path, plugin: Path, *more: str) -> list[str]:
    words = ["run", "--method", "counting", "--plugin", str(plugin), "--cohort", "phantom-tiny"]
    words += ["--split", "internal_cv", "--device", "cpu", "--seeds", "0,1", "--format", "json"]
    return [*words, "--store", str(store), *more]


def run(store: Path, plugin: Path, *more: str) -> Ended:
    """A run that nobody disturbs: in this process, its cells in theirs."""
    return bench(*run_words(store, plugin, *more))


def start(words: list[str], output: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    """A command in a process of its own."""
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.Popen(command, stdout=output, stderr=output, text=True)


def finished(store: Path) -> list[Path]:
    return sorted(store.glob(f"cells/*/*/*/*/{RECORD}"))


def predictions(store: Path) -> pd.DataFrame:
    paths = sorted(path.parent / PREDICTIONS for path in finished(store))
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


def steps_done(store: Path) -> int:
    """The last step that the cell at work has kept."""
    return max((int(path.read_text()) for path in store.glob("work/*/scratch/step.txt")), default=0)


def sleepers(folder: Path) -> list[psutil.Process]:
    """What methods have started below ``folder`` and is still there."""
    found = psutil.process_iter(["cmdline", "cwd"])
    asleep = [process for process in found if process.info["cmdline"] == ["sleep", "987"]]
    return [process for process in asleep if Path(process.info["cwd"] or "/").is_relative_to(folder)]


def test_two_runs_at_once_do_every_cell_once(plugin: Path, fits: Path, tmp_path: Path) -> None:
    runs = [start(run_words(tmp_path / "store", plugin, "--jobs", "2")) for _ in range(2)]
    said = [process.communicate(timeout=240) for process in runs]
    assert [process.returncode for process in runs] == [0, 0], said
    assert set(Counter(fits.read_text().split()).values()) == {1}
    assert len(finished(tmp_path / "store")) == 10
    assert said[0][0] == said[1][0]  # both waited for all cells and print the same table


def test_two_workers_at_once_do_every_cell_once(plugin: Path, fits: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert run(store, plugin, "--plan").returncode == 0
    assert not finished(store)
    workers = [start(["worker", "--store", str(store)]) for _ in range(2)]
    said = [worker.communicate(timeout=240) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    assert len(finished(store)) == 10
    assert set(Counter(fits.read_text().split()).values()) == {1}


def test_kills_lose_the_running_cell_only_and_the_end_is_the_same(
    plugin: Path, fits: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run(whole, plugin, "--jobs", "2").returncode == 0
    for wanted in (1, 4):
        process = start(run_words(broken, plugin), subprocess.DEVNULL)
        while len(finished(broken)) < wanted and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = {path: path.stat().st_mtime_ns for path in finished(broken)}
    until = time.monotonic() + 10
    while sleepers(tmp_path) and time.monotonic() < until:
        time.sleep(0.1)
    assert not sleepers(tmp_path)  # a worker does not outlive its run, nor what the method started
    assert run(broken, plugin).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert_frame_equal(predictions(whole), predictions(broken))


def test_a_timed_out_training_goes_on_where_it_was(plugin: Path, fits: Path, tmp_path: Path) -> None:
    more = ("--set", "seconds=8", "--set", "steps=32", "--seeds", "0", "--split", "external_frozen")
    first = run(tmp_path / "store", plugin, *more, "--cell-timeout", "5s")
    assert "timeout: ran longer than its limit of 5 s" in first.stderr
    (record,) = finished(tmp_path / "store")
    assert json.loads(record.read_text())["status"] == "timeout"
    (kept,) = (tmp_path / "store").glob("work/*/scratch/step.txt")
    assert int(kept.read_text()) >= 2
    again = run(tmp_path / "store", plugin, *more, "--cell-timeout", "60s", "--retry", "timeout")
    assert again.returncode == 0, again.stderr
    ended = json.loads(record.read_text())
    assert ended["status"] == "ok" and not kept.exists()
    assert ended["fit_seconds"] < 8  # what all steps take


@pytest.mark.parametrize("interrupts", [1, 2])
def test_ctrl_c_ends_politely_and_twice_at_once(
    interrupts: int, plugin: Path, fits: Path, tmp_path: Path
) -> None:
    process = start(run_words(tmp_path / "store", plugin, "--set", "seconds=3"))
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
    assert len(fits.read_text().split()) == 1 and not sleepers(tmp_path)
    assert not list((tmp_path / "store" / "claims").glob("[0-9a-f]*"))


def test_a_scheduler_that_ends_a_job_leaves_no_failure_behind(
    plugin: Path, fits: Path, tmp_path: Path
) -> None:
    process = start(run_words(tmp_path / "store", plugin, "--set", "seconds=30"))
    while not (fits.exists() and fits.read_text()) and process.poll() is None:
        time.sleep(0.02)
    for child in psutil.Process(process.pid).children(recursive=True):
        child.terminate()
    time.sleep(0.3)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert not finished(tmp_path / "store") and not sleepers(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_ended_from_outside_is_tried_again_and_no_failure_of_the_method(
    number: int, plugin: Path, fits: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    more = ("--split", "external_frozen", "--seeds", "0", "--set", "seconds=8", "--set", "steps=32")
    process = start(run_words(store, plugin, *more))
    steps = 0
    for _ in range(3):
        while steps_done(store) <= steps and process.poll() is None:
            time.sleep(0.02)
        children = psutil.Process(process.pid).children(recursive=True)
        fitting = [child for child in children if any(one.name() == "sleep" for one in child.children())]
        for child in fitting:
            child.send_signal(number)
        psutil.wait_procs(fitting, timeout=30)
        steps = steps_done(store)
    _, said = process.communicate(timeout=60)
    name = signal.Signals(number).name
    assert process.returncode == 1
    assert f"from outside, by signal {name} (try 1 of 3); it is tried again" in said
    assert "(try 2 of 3)" in said and "(try 3 of 3)" not in said
    (record,) = finished(store)
    found = json.loads(record.read_text())
    assert (found["status"], found["tries"], found["signal"]) == ("machine", 3, name)
    (row,) = status_rows(Store(store), stored_plan(Store(store)))
    assert row["machine"] == 1 and "failed" not in row
    again = run(store, plugin, *more)  # goes on from the last checkpoint
    assert again.returncode == 0, again.stderr
    assert json.loads(record.read_text())["status"] == "ok"
    assert json.loads(record.read_text())["fit_seconds"] < 8


def test_a_run_elsewhere_is_seen_while_it_runs(plugin: Path, fits: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    more = ("--set", "seconds=8", "--set", "steps=16", "--seeds", "0")
    process = start(run_words(store.folder, plugin, *more), subprocess.DEVNULL)
    while not (fits.exists() and fits.read_text()) and process.poll() is None:
        time.sleep(0.02)
    seen: list[str] = []
    while not any("step" in entry for entry in seen) and process.poll() is None:
        (row,) = status_rows(store, stored_plan(store))
        assert (row["cells"], row["running"]) == (5, 1)
        seen.append(row["detail"])
    process.kill()
    process.wait()
    assert " of 16 on " in seen[-1]
