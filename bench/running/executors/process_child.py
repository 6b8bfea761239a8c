"""What runs inside the process of a cell: that cell alone, with its output in the cell's log."""

import contextlib
import io
import os
import pickle
import signal
import sys
import threading
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from bench.running.cell_output import output_to, reporter
from bench.running.executors.method_process import fork_method_process
from bench.running.executors.process_tree import end_descendants
from bench.running.executors.shared_work import Given
from bench.running.fence.system import adopt_orphans
from bench.running.run_cell import Performer, PlannedCell, run_cell
from bench.store.store import LOG, PROGRESS

# The kernel's choice when memory ends: the cell rather than the run that watches it.
FIRST_TO_GO = "500"


class Ending(NamedTuple):
    """How a process ended: its exit code, and the exception that it could not record."""

    code: int
    error: str = ""
    message: str = ""


def cell_process(pipe: Connection, gpu: str | None) -> None:
    """Wait for one cell, run it and end; what cannot be recorded is sent back."""
    prepare(gpu)
    method_process = fork_method_process(pipe)
    try:
        given: Given = pickle.loads(pipe.recv_bytes())
    except EOFError:  # the run has ended without a cell for this process
        return
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    try:
        enclosure, planned = given.read()
        perform(partial(method_process.perform, enclosure), planned)
    except Exception as error:
        pipe.send((type(error).__name__, str(error)))


def prepare(gpu: str | None) -> None:
    """Give this process a session and one GPU of its own."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.setsid()
    adopt_orphans()
    for stream in (sys.stdout, sys.stderr):  # logs are in UTF-8, whatever the terminal of the run
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)


def perform(performer: Performer, planned: PlannedCell) -> None:
    """Run one cell; its record in the store says how it ended."""
    work = planned.store.open_work(planned.cell)
    with output_to(work / LOG):
        run_cell(planned, reporter(work / PROGRESS), performer)


def _end_with(pipe: Connection) -> None:
    """End this process and its descendants when the run at the other end of the pipe is gone."""
    with contextlib.suppress(OSError, EOFError):
        pipe.recv_bytes()  # nothing more is sent: this returns when the other end is closed
    end_descendants(os.getpid())
    os.killpg(0, signal.SIGKILL)
