"""From plan to store: each cell is fitted, asked for predictions and written whole."""

import logging
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, StoreError, UsageError, parameter, unknown_name
from bench.files import names_file, plain_text
from bench.imaging.crop import IMAGE
from bench.methods.environments.building import packages_of
from bench.methods.local import NOT_ISOLATED, LocalMethod
from bench.methods.method import Progress
from bench.methods.registry import unavailable_reason, undeclarable_need
from bench.methods.threads import thread_limits
from bench.methods.variant import Variant
from bench.predictions.table import long_predictions
from bench.running.cell_output import logging_to
from bench.running.energy import energy_meter
from bench.running.fence.fence import Sealed
from bench.running.fit_predict import Assignment, Ended, Outcome, attempt
from bench.running.handed import given, watched
from bench.running.limits import DEFAULT_THREADS
from bench.running.provenance import environment
from bench.running.sandbox import fenced
from bench.splits.fold import Fold
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.record import CellRecord, planned_record
from bench.store.store import (
    FAILED,
    LOG,
    OK,
    PREDICTIONS,
    VALIDATION,
    Store,
)
from bench.tuning.objective import Inner
from bench.tuning.tune import tuning_parts

LOG_LINES, LOG_BYTES = 40, 100_000
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Compute:
    """What a run fixes for every cell."""

    device: str = "cpu"
    threads: int = DEFAULT_THREADS


@dataclass(frozen=True)
class PlannedCell:
    """A cell with all that running it takes."""

    cell: Cell
    variant: Variant
    cohort: Cohort
    split: Split
    store: Store
    compute: Compute

    @property
    def fold(self) -> Fold:
        """Who learns, validates and is tested."""
        return self.split.folds[self.cell.fold]

    @property
    def work_folder(self) -> Path:
        """Where the cell is while it runs."""
        return self.store.work_folder(self.cell)


class Performed(NamedTuple):
    """How a method ended, the fence that held it, and the images that it was given, as channels of crops."""

    ended: Ended
    sealed: Sealed
    images: tuple[str, ...]


class Performer(Protocol):
    """Who has a method fit and predict: in this process, or in one of its own."""

    def __call__(self, planned: PlannedCell, report: Progress) -> Performed:
        """How it ended."""


def run_cell(planned: PlannedCell, report: Progress, perform: Performer | None = None) -> CellRecord:
    """Run one cell and return its record; what a method raises becomes a record with the reason.

    The caller holds the cell's claim. The method runs in this process, without a fence, where no
    ``perform`` says otherwise. Raises StoreError where the store cannot be written.
    """
    store = planned.store
    try:
        work = store.open_work(planned.cell)
        handler = logging.FileHandler(work / LOG, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write to the run store {store.folder}: {error}") from error
    record = opening_record(planned)
    tables: dict[str, pd.DataFrame] = {}
    with logging_to(handler), energy_meter(planned.compute.device) as energy:
        ended, sealed, images = (perform or perform_here)(planned, report)
        record = replace(record, energy=energy())
        packages = packages_of(planned.variant.spec) or None
        record = replace(record, sealed=sealed, images=list(images), packages=packages)
        record = replace(record, status=ended.status, reason=ended.reason)
        if ended.outcome is not None:
            try:
                tables, measured = _kept(planned, ended.outcome)
                record = replace(record, **measured)
            except PluginError as error:
                record = replace(record, status=FAILED, reason=f"PluginError: {error}")
    return store.commit(planned.cell, closed(record, work / LOG), tables)


def perform_here(planned: PlannedCell, report: Progress) -> Performed:
    """Have the method work in this process: nothing keeps it from labels in memory and on disk."""
    planned = replace(planned, cohort=(cohort := watched(planned.cohort)))
    fold, compute, work = planned.fold, planned.compute, planned.work_folder
    train, val, test = (cohort.take(ids) for ids in (fold.train, fold.val, fold.test))
    parts = inner_parts(planned)
    assignment = Assignment(
        planned.cell, planned.variant, train, val, parts, compute.device, compute.threads, work
    )
    with fenced(planned.store.folder, work), thread_limits(compute.threads):
        ended = attempt(assignment, test.blind, report)
    spec = planned.variant.spec
    shows = "volumes" in spec.needs and cohort.has_volumes
    return Performed(ended, "no", given(cohort.asked, shows, spec.images, cohort.images))


def inner_parts(planned: PlannedCell) -> list[Inner]:
    """What trials of the cell's hyperparameters are evaluated on; none where it is not tuned."""
    tuning = planned.variant.tuning
    if tuning is None:
        return []
    return tuning_parts(planned.cohort, planned.split, planned.cell.fold, tuning.inner_folds)


def _kept(planned: PlannedCell, outcome: Outcome) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Tables of a cell by file name, and measured fields of its record."""
    cell, fold = planned.cell, planned.fold
    test, val = planned.cohort.take(fold.test), planned.cohort.take(fold.val)
    tables = {
        PREDICTIONS: long_predictions(cell.method, outcome.test, test, cell.fold, cell.seed),
        VALIDATION: long_predictions(cell.method, outcome.val, val, cell.fold, cell.seed),
    }
    return tables, {
        "fit_seconds": outcome.fit_seconds,
        "predict_seconds": outcome.predict_seconds,
        "fit_cpu_seconds": outcome.fit_cpu_seconds,
        "peak_memory_mb": outcome.peak_memory_mb,
        "parameters": outcome.parameters,
        **({"tuning": outcome.tuning} if outcome.tuning else {}),
    }


def closed(record: CellRecord, log_file: Path) -> CellRecord:
    """The record with its end; the last lines of the log too where the cell failed."""
    ended = replace(record, ended=now())
    if record.status == OK:
        return ended
    try:
        lines = plain_text(log_file, LOG_BYTES).splitlines()
    except OSError:  # a process may end before it has logged a word
        return ended
    return replace(ended, last_log_lines=lines[-LOG_LINES:])


def unmet_need(variant: Variant, cohort: Cohort) -> str | None:
    """Why the method cannot run on this cohort or in this environment, or None."""
    has = {
        "volumes": cohort.has_volumes,
        "features": cohort.feature_file is not None,
        "acquisition": "acquisition" in cohort.roles.values(),
        "clinical": "clinical" in cohort.roles.values(),
        "weights": True,
    }
    if (odd := undeclarable_need(variant.spec)) is not None:
        return odd
    for need in variant.spec.needs:
        if not has[need]:
            return f"needs {need}, which cohort {cohort.name} does not carry"
    if "weights" in variant.spec.needs and not names_file(variant.params["weights"]):
        return (
            "needs weights: its hyperparameter weights names no local file, and none ship with the benchmark"
        )
    for name in variant.spec.images:
        if not cohort.has_volumes or name not in (IMAGE, *cohort.images):
            held = f"has {', '.join(cohort.images)} alone" if cohort.has_volumes else "has no images"
            return f"needs the image {name} of each case, cohort {cohort.name} {held}"
    return unavailable_reason(variant.spec)


def device_named(wanted: str) -> str:
    """``auto`` resolved to ``cuda`` where torch sees a GPU, else ``cpu``; UsageError for an unknown name."""
    if wanted not in DEVICES:
        raise unknown_name("device", wanted, DEVICES, "CUDA_VISIBLE_DEVICES chooses among several GPUs.")
    if wanted != "auto":
        return wanted
    return "cpu" if _why_no_gpu() else "cuda"


def require_device(device: str) -> None:
    """Raise UsageError where cells are to run on a GPU and this machine has none for torch."""
    if device == "cuda" and (why := _why_no_gpu()):
        raise UsageError(
            f"{parameter('device', 'cuda')}: {why}; give {parameter('device', 'cpu')}, or auto "
            "for a GPU where there is one"
        )


def _why_no_gpu() -> str:
    """Why torch has no GPU here; empty where it has one."""
    import torch

    with warnings.catch_warnings(record=True):  # a build for GPUs warns of a missing driver
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            return ""
    return f"torch {torch.__version__} sees no GPU here"


def opening_record(planned: PlannedCell) -> CellRecord:
    """What a record states before the cell has run."""
    variant, cohort, compute = planned.variant, planned.cohort, planned.compute
    return replace(
        planned_record(planned.cell, cohort, planned.split),
        target=variant.spec.target,
        isolation=NOT_ISOLATED if isinstance(variant.spec, LocalMethod) else None,
        contract=variant.contract or None,
        skipped_cases=dict(cohort.skipped_cases),
        device=compute.device,
        threads=compute.threads,
        environment=environment(compute.device),
        started=now(),
    )


def now() -> str:
    """Local time with its zone, as records have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
