"""From plan to store: each cell is fitted, asked for predictions and written whole."""

import logging
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from bench.cells import Cell, Choice
from bench.cohorts.cohort import Cohort
from bench.errors import StoreError, UsageError
from bench.guard import fenced
from bench.limits import DEFAULT_THREADS
from bench.method import Method, Report, Run
from bench.names import unknown_name
from bench.predictions import constant_values, long_predictions
from bench.provenance import environment, peak_memory_mb, reset_peak_memory
from bench.registry import build, unavailable_reason, undeclarable_need
from bench.seeding import seed_global_generators
from bench.split import Split
from bench.store import FAILED, LOG, MODEL, OK, OUT_OF_MEMORY, PREDICTIONS, SCRATCH, VALIDATION, Record, Store
from bench.tuning import tuned_params

log = logging.getLogger(__name__)

FORMAT = 3
LOG_LINES = 40
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Settings:
    """What a run fixes for every cell."""

    device: str = "cpu"
    threads: int = DEFAULT_THREADS


def run_cell(
    cell: Cell,
    choice: Choice,
    cohort: Cohort,
    split: Split,
    store: Store,
    settings: Settings,
    report: Report,
) -> Record:
    """Run one cell and return its record; what a method raises becomes a record with the reason.

    The caller holds the cell's claim. Raises StoreError where the store cannot be written.
    """
    work = store.work_folder(cell)
    try:
        (work / SCRATCH).mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(work / LOG, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write to the run store {store.folder}: {error}") from error
    record = opening_record(cell, choice, cohort, split, settings)
    tables: dict[str, pd.DataFrame] = {}
    with _logging_to(handler):
        try:
            with fenced(store.folder, work), threadpool_limits(settings.threads):
                tables, measured = _fit_predict(cell, choice, cohort, split, work, settings, report)
            record |= {"status": OK, "reason": "", **measured}
        except (Exception, SystemExit) as error:  # a method may raise anything; the run goes on without it
            log.error("%s", traceback.format_exc())
            record |= {"status": status_of(error), "reason": f"{type(error).__name__}: {error}"}
    return store.commit(cell, closed(record, work / LOG), tables)


def status_of(error: BaseException) -> str:
    """``out-of-memory`` for what Python, torch or CUDA raise when memory ends, else ``failed``."""
    words = f"{type(error).__name__} {error}"
    out = isinstance(error, MemoryError) or "OutOfMemory" in words or "t allocate memory" in words
    return OUT_OF_MEMORY if out else FAILED


def closed(record: Record, log_file: Path) -> Record:
    """The record with its end; the last lines of the log too where the cell did not end well."""
    ended = {**record, "ended": now()}
    if record["status"] == OK or not log_file.is_file():
        return ended
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    return {**ended, "last_log_lines": lines[-LOG_LINES:]}


def unmet_need(choice: Choice, cohort: Cohort) -> str | None:
    """Why the method cannot run on this cohort or in this environment, or None."""
    has = {
        "volumes": cohort.has_volumes,
        "features": cohort.feature_file is not None,
        "acquisition": "acquisition" in cohort.roles.values(),
        "clinical": "clinical" in cohort.roles.values(),
    }
    if (odd := undeclarable_need(choice.spec)) is not None:
        return odd
    for need in choice.spec.needs:
        if not has[need]:
            return f"needs {need}, which cohort {cohort.name} does not carry"
    return unavailable_reason(choice.spec)


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
        raise UsageError(f"--device cuda: {why}; use --device cpu, or auto for a GPU where there is one")


def _why_no_gpu() -> str:
    """Why torch has no GPU here; empty where it has one."""
    import torch

    with warnings.catch_warnings(record=True):  # a build for GPUs warns of a missing driver
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            return ""
    return f"torch {torch.__version__} sees no GPU here"


def _fit_predict(
    cell: Cell,
    choice: Choice,
    cohort: Cohort,
    split: Split,
    work: Path,
    settings: Settings,
    report: Report,
) -> tuple[dict[str, pd.DataFrame], Record]:
    """Tables of the cell by file name, and what was measured; the model goes into the work folder."""
    fold = split.folds[cell.fold]
    train, val, test = (cohort.take(ids) for ids in (fold.train, fold.val, fold.test))
    run = Run(cell.seed, settings.device, settings.threads, work / SCRATCH, report)
    reset_peak_memory()
    params, tuning = tuned_params(cell, choice, cohort, split, run, work)
    seed_global_generators(cell.seed)
    started = time.perf_counter()
    method = build(choice.spec, params).fit(train, val, run)
    fitted = time.perf_counter()
    returned = method.predict(test.blind())
    predicted = time.perf_counter()
    # What thresholds are chosen on; asked for last, so that it can change no test prediction.
    judged = method.predict(val.blind())
    tables = {
        PREDICTIONS: long_predictions(cell.method, returned, test, cell.fold, cell.seed),
        VALIDATION: long_predictions(cell.method, judged, val, cell.fold, cell.seed),
    }
    _save_model(method, work / MODEL)
    return tables, {
        "fit_seconds": round(fitted - started + tuning.get("seconds", 0.0), 3),
        "predict_seconds": round(predicted - fitted, 3),
        "peak_memory_mb": peak_memory_mb(),
        "parameters": _count_parameters(method),
        **({"tuning": tuning} if tuning else {}),
    }


def opening_record(cell: Cell, choice: Choice, cohort: Cohort, split: Split, settings: Settings) -> Record:
    """What a record says before the cell has run."""
    fold = split.folds[cell.fold]
    return {
        "format": FORMAT,
        "id": cell.id,
        "identity": dict(cell.identity),
        "cohort": cohort.name,
        "split": split.name,
        "method": cell.method,
        "target": choice.spec.target,
        "synthetic": cohort.synthetic,
        "cases": {"train": len(fold.train), "val": len(fold.val), "test": len(fold.test)},
        "skipped_cases": dict(cohort.skipped_cases),
        "constants": constant_values(cohort.take(fold.train)),
        "device": settings.device,
        "threads": settings.threads,
        "environment": environment(settings.device),
        "started": now(),
    }


def _save_model(method: Method, folder: Path) -> None:
    save = getattr(method, "save", None)
    if save is not None:
        folder.mkdir(exist_ok=True)
        save(folder)


def _count_parameters(method: Method) -> int | None:
    count = getattr(method, "count_parameters", None)
    return None if count is None else int(count())


@contextmanager
def _logging_to(handler: logging.Handler) -> Iterator[None]:
    """Send what is logged while a cell runs to the cell's own file."""
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def now() -> str:
    """Local time with its zone, as records have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
