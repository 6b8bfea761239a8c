"""What runs inside a worker process: one cell at a time, with its output in the cell's log."""

import contextlib
import faulthandler
import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.cells import Cell, Choice
from bench.cohorts.cohort import Cohort
from bench.method import Report
from bench.registry import load_registry
from bench.runner import Settings, run_cell
from bench.split import Split
from bench.store import LOG, PROGRESS, Store, write_whole

SECONDS_BETWEEN_REPORTS = 0.5
SECONDS_TO_SEE_A_DEAD_PARENT = 0.2
# The kernel's choice when memory ends: the cell rather than the run that watches it.
FIRST_TO_GO = "500"


def prepare(plugins: tuple[str, ...], gpu: str | None) -> None:
    """Make this process a worker: its own process group, one GPU, and no life without its parent."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.setsid()
    for stream in (sys.stdout, sys.stderr):  # logs are in UTF-8, whatever the terminal of the run
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)
    load_registry(map(Path, plugins))


def perform(
    cell: Cell, choice: Choice, cohort: Cohort, split: Split, store: Store, settings: Settings
) -> None:
    """Run one cell; its record in the store says how it ended."""
    work = store.work_folder(cell)
    work.mkdir(parents=True, exist_ok=True)
    with _output_to(work / LOG):
        run_cell(cell, choice, cohort, split, store, settings, _reporter(work / PROGRESS))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_TO_SEE_A_DEAD_PARENT)
    os.killpg(0, signal.SIGKILL)


@contextlib.contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send standard output and error, those of native code and of a crash too, to a file."""
    kept = [os.dup(1), os.dup(2)]
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable(2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, its in enumerate(kept, start=1):
            os.dup2(its, number)
            os.close(its)
        os.close(log)


def _reporter(path: Path) -> Report:
    written = -SECONDS_BETWEEN_REPORTS

    def report(step: int, total: int, score: float | None) -> None:
        nonlocal written
        if time.monotonic() - written >= SECONDS_BETWEEN_REPORTS:
            written = time.monotonic()
            write_whole(path, json.dumps({"step": step, "total": total, "score": score}))

    return report
