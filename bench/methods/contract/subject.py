"""A method under test, with the cohort that it is tested on."""

import inspect
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.methods.contract.clause import Breach, NotAsked
from bench.methods.local import LocalMethod
from bench.methods.members import builder_of
from bench.methods.method import Method, MethodSpec, Predictions, Run
from bench.methods.parameters import build, method_class, parameters
from bench.methods.seeding import seed_global_generators
from bench.predictions.table import long_predictions

# Hyperparameters that make a fit long, and values that make it short.
QUICK = {"epochs": 1, "pretrain_epochs": 0}
TOLERANCE = 1e-4
# What numbers written as text or in another precision may differ by, of their size.
ROUNDING = 1e-6
THREADS = 1
WORKER = "bench.methods.contract.worker"


@dataclass(frozen=True)
class Origin:
    """How a fresh process comes to the same method: where it looks for modules, and the plugin files.

    Parameters
    ----------
    path
        Folders of Python's search path.
    plugins
        Plugin files to load.
    """

    path: tuple[str, ...]
    plugins: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """A method under test.

    Parameters
    ----------
    spec, params
        The method with every hyperparameter.
    cohort
        What it is tested on.
    folder
        A folder of the check's own.
    device
        ``cpu`` or ``cuda``.
    origin
        For a fresh process.
    """

    spec: MethodSpec
    params: Mapping[str, Any]
    cohort: Cohort
    folder: Path
    device: str
    origin: Origin

    def parts(self, cohort: Cohort) -> tuple[Cohort, Cohort, Cohort]:
        """Training, validation and blind test cases: every third case each, so that all sites are in all."""
        ids = cohort.case_ids
        return cohort.take(ids[2::3]), cohort.take(ids[1::3]), cohort.take(ids[::3]).blind()

    def run(self, seed: int = 0) -> Run:
        """What the method is told of its run."""
        workdir = Path(tempfile.mkdtemp(dir=self.folder, prefix="scratch"))
        return Run(seed, self.device, THREADS, workdir, builder=builder_of(self.spec))

    def fitted(self, train: Cohort, val: Cohort, seed: int = 0, **params: Any) -> Method:
        """A new method, fitted; raises Breach where ``fit`` does not return it."""
        method = build(self.spec, {**self.params, **params})
        seed_global_generators(seed)
        returned = method.fit(train, val, self.run(seed))
        if returned is not method:
            raise Breach(f"fit returned {type(returned).__name__}, expected the method itself (return self)")
        return method

    def predicted(self, cohort: Cohort, seed: int = 0) -> Predictions:
        """Predictions of the test part of a method fitted on the other parts."""
        train, val, test = self.parts(cohort)
        return self.checked(self.fitted(train, val, seed), test)

    def checked(self, method: Method, test: Cohort) -> Predictions:
        """Predictions, checked as they are checked in a run."""
        returned = method.predict(test)
        long_predictions(self.spec.name, returned, test, 0, 0)
        return {task: np.array(values, dtype=float) for task, values in returned.items()}

    @cached_property
    def test(self) -> Cohort:
        """The blind test part of the cohort."""
        return self.parts(self.cohort)[2]

    @cached_property
    def standard(self) -> Method:
        """A method fitted on the cohort as it is."""
        train, val, _ = self.parts(self.cohort)
        return self.fitted(train, val)

    @cached_property
    def batch(self) -> Predictions:
        """Test predictions of :attr:`standard`."""
        return self.checked(self.standard, self.test)

    def alone(self, folder: Path) -> Predictions:
        """Test predictions on a cohort folder, by a fresh process that knows no other cohort."""
        if isinstance(self.spec, LocalMethod):
            raise NotAsked("not checked: the class is defined where no other process can import it")
        order = self.folder / "order.pickle"
        answer = self.folder / "answer.pickle"
        order.write_bytes(
            pickle.dumps((self.spec, self.params, folder, self.folder, self.device, self.origin))
        )
        done = subprocess.run(
            [sys.executable, "-m", WORKER, "predict", str(order), str(answer)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise Breach(f"a fit in a process of its own fails (exit code {done.returncode}): {last[0]}")
        found: Predictions = pickle.loads(answer.read_bytes())
        return found


def quick_parameters(spec: MethodSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """Every hyperparameter; those that take long are made small unless given."""
    fields = inspect.signature(method_class(spec)).parameters
    quick = {name: value for name, value in QUICK.items() if name in fields}
    return parameters(spec, {**quick, **params})


def require_equal(first: Predictions, second: Predictions, tolerance: float, complaint: str) -> None:
    """Raise Breach where predictions differ by more than ``tolerance`` of their size."""
    for task in first:
        scale = max(1.0, float(np.abs(first[task]).max(initial=0.0)))
        gap = float(np.abs(first[task] - second[task]).max(initial=0.0))
        if gap > tolerance * scale:
            raise Breach(f"{complaint}: task {task!r}, by {gap:.2g}")
