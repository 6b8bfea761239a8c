"""A plugin whose methods break in every way that a stranger's may; a test runs them beside good ones."""

import ctypes
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec, Predictions, Run

WAYS = (
    *("raises", "segfaults", "exits", "exits_silently", "leaves", "hogs", "hogs_in_a_child", "sleeps"),
    *("stops_listening", "returns_nan", "wrong_shape", "out_of_range", "writes_to_store", "talks"),
)
CHILD = "import time; held = bytearray(2**31); held[::4096] = b'x' * len(held[::4096]); time.sleep(600)"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    return [MethodSpec(way, f"{__name__}:Torture", way, {"way": way}, needs=()) for way in WAYS]


@dataclass
class Torture:
    way: str = "talks"

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        print(f"about to be one that {self.way}", flush=True)
        getattr(self, f"_{self.way}", lambda run: None)(run)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        values = np.full(len(cohort), {"returns_nan": np.nan, "out_of_range": 7e9}.get(self.way, 0.5))
        return {task.name: values[:-1] if self.way == "wrong_shape" else values for task in cohort.tasks}

    def _raises(self, run: Run) -> None:
        raise ValueError("no convergence")

    def _segfaults(self, run: Run) -> None:
        ctypes.string_at(0)

    def _exits(self, run: Run) -> None:
        os._exit(3)

    def _exits_silently(self, run: Run) -> None:
        os._exit(0)

    def _leaves(self, run: Run) -> None:
        sys.exit("I am done here")

    def _hogs(self, run: Run) -> None:
        held: list[Any] = []
        while True:
            held.append(np.ones(2**22))

    def _hogs_in_a_child(self, run: Run) -> None:
        subprocess.run([sys.executable, "-c", CHILD], check=False, cwd=run.workdir)

    def _sleeps(self, run: Run) -> None:
        time.sleep(3600)

    def _stops_listening(self, run: Run) -> None:
        """Hold the interpreter in native code, where no Python signal handler runs."""
        ctypes.PyDLL(None).sleep(3600)

    def _writes_to_store(self, run: Run) -> None:
        store = next(parent for parent in run.workdir.parents if (parent / "plans").is_dir())
        (store / "cells" / "predictions.parquet").write_bytes(b"all mine")
