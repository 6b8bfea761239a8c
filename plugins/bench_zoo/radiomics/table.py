"""The features of a cohort's cases, measured once, in parallel, and kept on disk."""

import hashlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from bench.cohorts.cohort import Cohort
from bench.files import cache_dir
from bench.imaging import PREPROCESSING_VERSION
from bench.methods.method import Progress as Report
from bench.progress import progress_bar
from bench_zoo.radiomics.extraction import EXTRACTION_VERSION, Settings
from bench_zoo.radiomics.parameters import FIELD

ERROR = "error"
# The cores share the work; their number changes no value.
MOST_WORKERS = 8
# A process costs a second to start, a case a tenth of one.
LEAST_CASES = 8
# Cases between two writes of the table: the most that a kill can cost.
BATCH = 32
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Row = dict[str, float | str]
Measure = Callable[[Iterable[str]], Iterator[Row | None]]

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)  # progress belongs in the cell's log, whatever else is kept out of it


def nobody(step: int, total: int, score: float | None) -> None:
    """Report to nobody."""


def feature_table(cohort: Cohort, settings: Settings, report: Report = nobody) -> pd.DataFrame:
    """Features of the cohort's cases in their order, float, a column a feature, NaN where one is absent.

    Features of the original and of filtered images lie in two tables on disk, so that methods share the
    first. Cases that a table lacks are measured by several processes and added to it batch by batch, under a
    lock: a kill loses a batch, and of two runs one measures while the other waits. A case that fails, wholly
    or in a region, is named in the log each time it is asked for, and its features are NaN. Progress goes to
    the log and to ``report``.
    """
    parts = [_kept_rows(cohort, part, report) for part in settings.parts()]
    for case_id in cohort.case_ids:
        for reason in dict.fromkeys(rows[case_id][ERROR] for rows in parts if rows[case_id][ERROR]):
            log.warning("case %r lacks radiomics features: %s", case_id, reason)
    tables = [_frame({case_id: rows[case_id] for case_id in cohort.case_ids}) for rows in parts]
    return pd.concat([table[sorted(set(table.columns) - {ERROR})].astype(float) for table in tables], axis=1)


def _kept_rows(cohort: Cohort, settings: Settings, report: Report) -> dict[str, Row]:
    """The rows of the cohort's cases, and maybe of others, from the disk; measured where it lacks them."""
    path = table_file(cohort, settings)
    rows = _read(path)
    if not set(cohort.case_ids) <= set(rows):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_suffix(".lock")):
            rows = _read(path)  # another run may have measured them while this one waited
            if not set(cohort.case_ids) <= set(rows):
                rows |= _measure_missing(cohort, settings, path, rows, report)
    return rows


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock; says so where another run holds it first."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another run measures features of this cohort; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def table_file(cohort: Cohort, settings: Settings) -> Path:
    """Where the features of a cohort are kept: named by all that determines them."""
    recipe = [EXTRACTION_VERSION, PREPROCESSING_VERSION, version("pyradiomics"), settings.recipe()]
    name = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
    return cache_dir() / "radiomics" / cohort.fingerprint[:16] / f"{name}.parquet"


def _read(path: Path) -> dict[str, Row]:
    if not path.is_file():
        return {}
    table = pd.read_parquet(path)
    records: list[Any] = table.to_dict("records")
    return dict(zip(map(str, table.index), records, strict=True))


def _write(path: Path, rows: dict[str, Row]) -> None:
    part = path.with_suffix(".part")
    _frame(rows).to_parquet(part)
    part.replace(path)


def _frame(rows: dict[str, Row]) -> pd.DataFrame:
    return pd.DataFrame(list(rows.values()), index=list(rows))


def _measure_missing(
    cohort: Cohort, settings: Settings, path: Path, known: dict[str, Row], report: Report
) -> dict[str, Row]:
    """Measure the cases that are not known and write them to the cache; the caller holds the lock.

    A case that took its process with it may have met a full memory: it is reported and not written, so that
    the next run tries it again.
    """
    missing = [case_id for case_id in cohort.case_ids if case_id not in known]
    measured: dict[str, Row] = {}
    lost: dict[str, Row] = {}
    images = FIELD if settings.radiomics_file else ", ".join(settings.image_types)
    label = f"radiomics of {cohort.name} ({images})"
    started = time.monotonic()
    with _workers(cohort, settings, len(missing)) as measure, progress_bar(label) as advance:
        for first in range(0, len(missing), BATCH):
            batch = missing[first : first + BATCH]
            for case_id, row in zip(batch, measure(batch), strict=True):
                if row is None:
                    lost[case_id] = {ERROR: "the process that measured it ended; out of memory?"}
                else:
                    measured[case_id] = row
                done = len(measured) + len(lost)
                advance(done, len(missing))
                report(done, len(missing), None)
            _write(path, known | measured)
            spent = time.monotonic() - started
            left = spent / done * (len(missing) - done)
            log.info("%s: %d of %d cases, %.0f s, about %.0f s left", label, done, len(missing), spent, left)
    return measured | lost


@contextmanager
def _workers(cohort: Cohort, settings: Settings, cases: int) -> Iterator[Measure]:
    """Processes that measure cases; yields what maps case ids to rows, None where a process ended.

    Plain subprocesses, as multiprocessing's would import the caller's main module again, and a fork of a
    process that runs torch's threads may hang.
    """
    count = min(MOST_WORKERS, os.cpu_count() or 1, -(-cases // LEAST_CASES))
    idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
    for _ in range(count):
        idle.put(_start(settings))

    def measure(case_id: str) -> Row | None:
        files = cohort.files.loc[case_id]
        places = [str(cohort.folder / files[role]) for role in ("image", "mask")]
        worker = idle.get()
        try:
            row = _ask(worker, [case_id, *places, cohort.lesion_labels.get(case_id, ())])
            if row is None:
                _end(worker)
                worker = _start(settings)
        finally:
            idle.put(worker)
        return row

    try:
        with ThreadPoolExecutor(count) as pool:
            yield lambda case_ids: pool.map(measure, case_ids)
    finally:
        for _ in range(count):
            _end(idle.get())


def _start(settings: Settings) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    worker = subprocess.Popen(
        [sys.executable, "-m", "bench_zoo.radiomics.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": paths.rstrip(os.pathsep)},
        text=True,
    )
    threading.Thread(target=_log_errors, args=(worker,), daemon=True).start()
    _say(worker, asdict(settings))
    return worker


def _log_errors(worker: subprocess.Popen[str]) -> None:
    """Log what a worker, or pyradiomics in it, writes to standard error; each line once."""
    assert worker.stderr is not None
    seen: set[str] = set()
    with suppress(ValueError):  # it was closed as the worker was ended
        for line in worker.stderr:
            text = line.rstrip()
            if text and text not in seen:
                seen.add(text)
                log.warning("pyradiomics: %s", text)


def _end(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    with suppress(BrokenPipeError), worker:
        pass


def _ask(worker: subprocess.Popen[str], case: Sequence[Any]) -> Row | None:
    """The row of one case; None where the worker ended."""
    assert worker.stdout is not None
    try:
        _say(worker, case)
        answer = worker.stdout.readline()
    except BrokenPipeError:
        answer = ""
    if not answer:
        return None
    features, error = json.loads(answer)
    return {ERROR: error, **features}


def _say(worker: subprocess.Popen[str], line: object) -> None:
    assert worker.stdin is not None
    print(json.dumps(line), file=worker.stdin, flush=True)
