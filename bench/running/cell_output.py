"""What a cell says while it runs: output and log in its file, progress in another."""

import contextlib
import faulthandler
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.files import plain_text, write_whole
from bench.methods.method import Progress

SECONDS_BETWEEN_REPORTS = 0.5
REPORT_BYTES = 1000


@contextlib.contextmanager
def output_to(path: Path) -> Iterator[None]:
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
        for number, state in enumerate(kept, start=1):
            os.dup2(state, number)
            os.close(state)
        os.close(log)


def reporter(path: Path) -> Progress:
    """A progress report that writes its last state to a file, at most twice a second."""
    written = -SECONDS_BETWEEN_REPORTS

    def report(step: int, total: int, score: float | None) -> None:
        nonlocal written
        if time.monotonic() - written >= SECONDS_BETWEEN_REPORTS:
            written = time.monotonic()
            write_whole(path, json.dumps({"step": step, "total": total, "score": score}))

    return report


def last_report(path: Path) -> tuple[int, int] | None:
    """Step and total of the last report in a file, which a method may have written; None without one."""
    try:
        found = json.loads(plain_text(path, REPORT_BYTES))
        return int(found["step"]), int(found["total"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


@contextlib.contextmanager
def logging_to(handler: logging.Handler) -> Iterator[None]:
    """Send what is logged while a cell runs to the cell's own file."""
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
