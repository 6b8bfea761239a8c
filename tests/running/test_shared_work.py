"""The cells of a run share one file: what a process is sent does not grow with the cohort."""

import os
import pickle
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import MachineError
from bench.running.executors.method_process import Enclosure
from bench.running.executors.shared_work import Given, shared_work
from bench.running.experiment import Experiment, read_experiment
from bench.running.fence.reach import Reach
from bench.running.plan import make_plan
from bench.running.run import run_experiment
from tests.benchmarks.split_speed import made_cohort

ENCLOSURE = Enclosure(Reach((), ()), "no", (), {}, {})


def test_what_a_process_is_sent_is_small_and_gives_the_whole_cell(tmp_path: Path) -> None:
    plan = make_plan(Experiment(("constant",), "internal", "phantom-tiny", store=str(tmp_path), device="cpu"))
    work = replace(plan.work(plan.cells), cohort=made_cohort(20_000))
    with shared_work(work, ENCLOSURE) as path:
        sent = pickle.dumps(Given(path, plan.cells[0]))
        assert len(sent) < 4096 < 100_000 < path.stat().st_size
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        enclosure, planned = pickle.loads(sent).read()
    assert enclosure == ENCLOSURE
    assert planned.cell == plan.cells[0] and planned.split == plan.split
    assert planned.cohort.case_ids == work.cohort.case_ids
    assert not path.exists()
    with pytest.raises(MachineError, match="what the cells of the run share cannot be read"):
        pickle.loads(sent).read()


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_has_is_not(tmp_path: Path) -> None:
    plan = make_plan(Experiment(("constant",), "internal", "phantom-tiny", store=str(tmp_path), device="cpu"))
    work, folder = plan.work(plan.cells), tmp_path / "work"
    folder.mkdir(parents=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, running, elsewhere = (
        folder / f"run.{host}.{pid}.0a.pickle"
        for host, pid in ((socket.gethostname(), gone.pid), (socket.gethostname(), os.getpid()), ("x.y", 1))
    )
    for path in (left, running, elsewhere):
        path.write_bytes(b"")
    with shared_work(work, ENCLOSURE):
        assert not left.exists() and running.exists() and elsewhere.exists()


PEEKS = '''
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@dataclass
class Peeks:
    """Looks for what the cells of its run share."""

    def fit(self, train, val, run):
        work = next(folder for folder in Path(run.workdir).resolve().parents if folder.name == "work")
        try:
            print("found", [path.read_bytes()[:4] for path in work.glob("run.*")])
            print("read", next(iter(work.iterdir())))
        except (OSError, StopIteration) as error:
            print("refused", type(error).__name__)
        self.tasks = train.tasks
        return self

    def predict(self, cases):
        return {task.name: np.full(len(cases), 0.5) for task in self.tasks}


@hookimpl
def bench_methods():
    return [MethodSpec("peeks", f"{__name__}:Peeks", "looks about", needs=())]
'''


@pytest.mark.parametrize("fence", ["kernel", "python"])
def test_a_method_cannot_read_what_the_cells_share(
    fence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_FENCE", fence)
    plugin = tmp_path / "peeks.py"
    plugin.write_text(PEEKS)
    asked = {
        "methods": ["peeks"],
        "cohort": "phantom-tiny",
        "split": "internal",
        "executor": "workers",
        "plugins": [str(plugin)],
        "store": str(tmp_path / "store"),
    }
    run_experiment(read_experiment(None, asked), quiet=True)
    (log,) = (tmp_path / "store").rglob("log.txt")
    told = log.read_text()
    assert "refused" in told or "found []" in told or "PermissionError" in told
    assert "found [b" not in told
    assert not list((tmp_path / "store" / "work").glob("run.*"))
