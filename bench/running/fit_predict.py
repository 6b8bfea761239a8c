"""A method at work on one cell: tuned, fitted, asked for predictions."""

import logging
import os
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.cohorts.cohort import Cohort
from bench.errors import MachineError
from bench.files import BROKEN, FULL
from bench.methods.containers import Starter, run_contained
from bench.methods.members import builder_of
from bench.methods.method import Method, Predictions, Progress, Run
from bench.methods.parameters import build
from bench.methods.seeding import seed_global_generators
from bench.methods.variant import Variant
from bench.predictions.table import long_predictions
from bench.running.provenance import peak_memory_mb, reset_peak_memory
from bench.store.cell import Cell
from bench.store.store import FAILED, MACHINE, MODEL, OK, OUT_OF_MEMORY, SCRATCH
from bench.tuning.objective import Inner
from bench.tuning.tune import tuned_params

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Assignment:
    """What a method is handed before it predicts.

    Parameters
    ----------
    train, val
        Cases with labels.
    parts
        What trials of hyperparameters are evaluated on; none where the method is not tuned.
    device, threads
        What it computes on.
    work
        Folder of the cell.
    starter
        Who runs a program in a container.
    """

    cell: Cell
    variant: Variant
    train: Cohort
    val: Cohort
    parts: Sequence[Inner]
    device: str
    threads: int
    work: Path
    starter: Starter = field(default=run_contained, repr=False)


@dataclass(frozen=True)
class Outcome:
    """What a method made of its cell.

    Parameters
    ----------
    test, val
        Predictions by task, float64, shape (case,).
    fit_seconds, predict_seconds
        Time of fitting with its tuning, and of predicting the test cases.
    fit_cpu_seconds
        Processor time of fitting with its tuning, of all threads and of the processes it started and awaited.
    peak_memory_mb
        Peak resident memory, MiB.
    parameters
        Number of trained parameters, where the method states it.
    tuning
        The record of the search; empty where there was none.
    """

    test: Predictions
    val: Predictions
    fit_seconds: float
    predict_seconds: float
    fit_cpu_seconds: float
    peak_memory_mb: int
    parameters: int | None
    tuning: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """How a method ended: with an outcome, or with a status and the reason."""

    status: str
    reason: str = ""
    outcome: Outcome | None = None


def attempt(assignment: Assignment, test: Callable[[], Cohort], report: Progress) -> Ended:
    """Fit and predict; whatever the method raises becomes a status with the reason, and goes to the log."""
    try:
        return Ended(OK, outcome=fit_predict(assignment, test, report))
    except (Exception, SystemExit) as error:  # a method may raise anything; the run goes on without it
        log.error("%s", traceback.format_exc())
        status = status_of(error, assignment.variant.spec.processes)
        return Ended(status, f"{type(error).__name__}: {error}")


def fit_predict(assignment: Assignment, test: Callable[[], Cohort], report: Progress) -> Outcome:
    """Predictions for the blind test cases, which are asked for when the method is fitted."""
    cell, work = assignment.cell, assignment.work.absolute()
    builder = builder_of(assignment.variant.spec)
    run = Run(
        cell.seed, assignment.device, assignment.threads, work / SCRATCH, report, builder, assignment.starter
    )
    reset_peak_memory()
    idle = _processor_seconds()
    params, tuning = tuned_params(cell, assignment.variant, assignment.parts, run, work)
    seed_global_generators(cell.seed)
    started = time.perf_counter()
    method = build(assignment.variant.spec, params).fit(assignment.train, assignment.val, run)
    fitted, worked = time.perf_counter(), _processor_seconds()
    blind = test()
    handed = time.perf_counter()
    predicted = _predicted(method, blind, cell)
    ended = time.perf_counter()
    # What thresholds are chosen on; asked for last, so that it can change no test prediction.
    validated = _predicted(method, assignment.val.blind(), cell)
    _save_model(method, work / MODEL)
    return Outcome(
        test=predicted,
        val=validated,
        fit_seconds=round(fitted - started + tuning.get("seconds", 0.0), 3),
        predict_seconds=round(ended - handed, 3),
        fit_cpu_seconds=round(worked - idle, 3),
        peak_memory_mb=peak_memory_mb(),
        parameters=_count_parameters(method),
        tuning=tuning,
    )


def _processor_seconds() -> float:
    """Processor time so far of this process and of those it has awaited."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def status_of(error: BaseException, processes: Collection[str] = ()) -> str:
    """``machine`` where a disk is full or broken, ``out-of-memory`` where memory ended, else ``failed``.

    Parameters
    ----------
    processes
        What the method declares to start: where one of them was ended, as for memory, its pipe is broken.
    """
    if isinstance(error, MachineError) or getattr(error, "errno", None) in (*FULL, *BROKEN):
        return MACHINE
    if processes and isinstance(error, BrokenPipeError):
        return MACHINE
    words = f"{type(error).__name__} {error}"
    out = isinstance(error, MemoryError) or "OutOfMemory" in words or "t allocate memory" in words
    return OUT_OF_MEMORY if out else FAILED


def _predicted(method: Method, cohort: Cohort, cell: Cell) -> Predictions:
    """Checked predictions of blind cases, by task."""
    table = long_predictions(cell.method, method.predict(cohort), cohort, cell.fold, cell.seed)
    return {str(task): rows["prediction"].to_numpy() for task, rows in table.groupby("task", sort=False)}


def _save_model(method: Method, folder: Path) -> None:
    save = getattr(method, "save", None)
    if save is not None:
        folder.mkdir(exist_ok=True)
        save(folder)


def _count_parameters(method: Method) -> int | None:
    count = getattr(method, "count_parameters", None)
    return None if count is None else int(count())
