"""What a cell finds done when it starts, and what it does not load."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.cohorts.cohort import Cohort
from bench.running.experiment import read_experiment
from bench.running.run import run_experiment

TELLS = '''
import gc
import sys
from dataclasses import dataclass

import numpy as np

from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@dataclass
class Tells:
    """Writes to the log what the process of a cell holds at the start of a fit."""

    def fit(self, train, val, run):
        print("frozen", gc.get_freeze_count() > 100_000)
        print("tables of Arrow", "pyarrow.parquet" in sys.modules)
        print("other methods", [name for name in sys.modules if name.startswith("bench_zoo")])
        self.tasks = train.tasks
        return self

    def predict(self, cases):
        return {task.name: np.full(len(cases), 0.5) for task in self.tasks}


@hookimpl
def bench_methods():
    return [MethodSpec("tells", f"{__name__}:Tells", "tells what is loaded", needs=())]
'''


def test_a_cell_starts_from_frozen_memory_and_loads_no_method_but_its_own(
    tiny: Cohort, tmp_path: Path
) -> None:
    plugin = tmp_path / "tells.py"
    plugin.write_text(TELLS)
    asked = {
        "methods": ["tells"],
        "cohort": "phantom-tiny",
        "split": "internal",
        "executor": "workers",
        "plugins": [str(plugin)],
        "store": str(tmp_path / "store"),
    }
    outcome = run_experiment(read_experiment(None, asked), quiet=True)
    (log,) = (tmp_path / "store").rglob("log.txt")
    told = log.read_text().splitlines()
    assert outcome.complete
    assert told[-3:] == ["frozen True", "tables of Arrow True", "other methods []"]


SERVED = """
import multiprocessing
import os
from multiprocessing import forkserver

from bench.running.executors.preloading import DETERMINISTIC_TORCH, SETTLED

if __name__ == "__main__":
    multiprocessing.set_forkserver_preload([DETERMINISTIC_TORCH, SETTLED])
    process = multiprocessing.get_context("forkserver").Process(target=os.getpid)
    process.start()
    process.join()
    forkserver._forkserver._stop()  # as the end of this program does, and waits
"""


@pytest.mark.slow
def test_the_server_that_forks_cells_ends_without_a_word(tmp_path: Path) -> None:
    script = tmp_path / "served.py"
    script.write_text(SERVED)
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert ended.stderr == ended.stdout == ""
