"""From plan to store: each cell is fitted, asked for predictions and written whole."""

import logging
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from filelock import FileLock

from bench.cells import Cell, Choice
from bench.cohorts.cohort import Cohort
from bench.errors import StoreError
from bench.method import Method, Report, Run
from bench.predictions import constant_values, long_predictions
from bench.provenance import environment, peak_memory_mb, reset_peak_memory
from bench.registry import build, unavailable_reason
from bench.seeding import seed_global_generators
from bench.split import Fold, Split
from bench.store import LOG, MODEL, PREDICTIONS, VALIDATION, Record, Store
from bench.tuning import tuned_params

log = logging.getLogger(__name__)

DEFAULT_THREADS = 2
FORMAT = 2


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
    """Run one cell unless it is done, and return its record; a method's exception becomes a failed record.

    Two runs on one store do the cell once: the second waits for the first.
    """
    work = store.work_folder(cell)
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write to the run store {store.folder}: {error}") from error
    with FileLock(work.with_suffix(".lock")):
        done = store.record(cell)
        if done is not None and done["status"] == "ok":
            return done
        return _run_and_commit(cell, choice, cohort, split, store, settings, report)


def unmet_need(choice: Choice, cohort: Cohort) -> str | None:
    """Why the method cannot run on this cohort or in this environment, or None."""
    has = {
        "volumes": cohort.has_volumes,
        "features": cohort.feature_file is not None,
        "acquisition": "acquisition" in cohort.roles.values(),
        "clinical": "clinical" in cohort.roles.values(),
    }
    for need in choice.spec.needs:
        if not has[need]:
            return f"needs {need}, which cohort {cohort.name} does not carry"
    return unavailable_reason(choice.spec)


def device_named(wanted: str) -> str:
    """``auto`` resolved to ``cuda`` where torch sees a GPU, else ``cpu``."""
    if wanted != "auto":
        return wanted
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _run_and_commit(
    cell: Cell,
    choice: Choice,
    cohort: Cohort,
    split: Split,
    store: Store,
    settings: Settings,
    report: Report,
) -> Record:
    fold = split.folds[cell.fold]
    work = store.work_folder(cell)
    work.mkdir(parents=True, exist_ok=True)
    record = _opening(cell, choice, cohort, split, fold, settings)
    with _cell_log(work / LOG):
        tables: dict[str, pd.DataFrame] = {}
        try:
            tables, measured = _fit_predict(cell, choice, cohort, split, work, settings, report)
            record |= {"status": "ok", "reason": "", **measured}
        except Exception as error:  # a method may raise anything; the run goes on without this cell
            log.error("%s", traceback.format_exc())
            record |= {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
    record["ended"] = _now()
    store.commit(cell, record, tables)
    return record


def _fit_predict(
    cell: Cell,
    choice: Choice,
    cohort: Cohort,
    split: Split,
    work: Path,
    settings: Settings,
    report: Report,
) -> tuple[dict[str, pd.DataFrame], Record]:
    """Tables of the cell by file name, and what was measured."""
    fold = split.folds[cell.fold]
    train, val, test = (cohort.take(ids) for ids in (fold.train, fold.val, fold.test))
    scratch = work / "scratch"
    scratch.mkdir(exist_ok=True)
    run = Run(cell.seed, settings.device, settings.threads, scratch, report)
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
    shutil.rmtree(scratch)
    return tables, {
        "fit_seconds": round(fitted - started + tuning.get("seconds", 0.0), 3),
        "predict_seconds": round(predicted - fitted, 3),
        "peak_memory_mb": peak_memory_mb(),
        "parameters": _count_parameters(method),
        **({"tuning": tuning} if tuning else {}),
    }


def _opening(
    cell: Cell, choice: Choice, cohort: Cohort, split: Split, fold: Fold, settings: Settings
) -> Record:
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
        "started": _now(),
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
def _cell_log(path: Path) -> Iterator[None]:
    """Send what is logged while a cell runs to the cell's own file."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
