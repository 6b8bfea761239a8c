"""Cells in worker processes of this machine, each cell watched, and ended with its processes past a limit."""

import contextlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pebble import ProcessExpired, ProcessPool

from bench.cells import Cell
from bench.claims import RENEW_SECONDS, Claim, release, renew
from bench.errors import BenchError, StoreError
from bench.executors.child import perform, prepare
from bench.executors.work import Work
from bench.pending import Pending
from bench.run_view import RunView
from bench.runner import closed, now, opening_record, require_device
from bench.store import CRASHED, FAILED, LOG, OK, OUT_OF_MEMORY, PROGRESS, TIMEOUT, Record

POLL_SECONDS = 0.02
WATCH_SECONDS = 0.2
# How long a process may be gone before its silence counts as the end of its cell.
SILENCE_SECONDS = 1.0
# A worker that holds this share of its memory limit between cells is replaced.
GROWN_SHARE = 0.5
_KILLS = Path("/sys/fs/cgroup/memory.events")


@dataclass
class _Job:
    """A cell that runs."""

    cell: Cell
    claim: Claim
    future: "Future[None]"
    kills_before: int
    started: float = field(default_factory=time.monotonic)
    began: str = field(default_factory=now)
    watched: float = 0.0
    renewed: float = field(default_factory=time.monotonic)
    peak_mb: float = 0.0
    silent_since: float | None = None
    # Status and reason, where the run itself ended the cell.
    ended_by_run: tuple[str, str] | None = None


class _Slot:
    """Room for one cell at a time: a worker process, replaced after a bad end."""

    def __init__(self, work: Work, gpu: str | None) -> None:
        self.initargs = (work.plugins, gpu)
        self.pool: ProcessPool | None = None
        self.ready: Future[int] | None = None
        self.job: _Job | None = None

    def pid(self) -> int | None:
        """The worker process once it is up; starts one where there is none."""
        if self.ready is None:
            self.pool = ProcessPool(
                1, initializer=prepare, initargs=self.initargs, context=multiprocessing.get_context("spawn")
            )
            self.ready = self.pool.schedule(os.getpid)
        if not self.ready.done():
            return None
        try:
            return self.ready.result()
        except Exception as error:
            raise BenchError(f"no worker process can be started: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """End the worker with all its processes."""
        if self.ready is not None and self.ready.done() and not self.ready.exception():
            _end_tree(self.ready.result())
        if self.pool is not None:
            self.pool.stop()
            with contextlib.suppress(TimeoutError):
                self.pool.join(5)
        self.pool = self.ready = None


def run_in_workers(work: Work, view: RunView) -> None:
    """Run the cells in ``work.jobs`` worker processes.

    A cell that raises, crashes, exits or crosses a limit becomes a record with status and reason, and harms
    no other. The first interrupt starts no new cells, a second ends the running ones, whose checkpoints stay.

    Raises
    ------
    KeyboardInterrupt
        It was interrupted, and the running cells have ended.
    StoreError
        The store cannot be written; cells that run are ended.
    UsageError
        The cells want a GPU and there is none.
    """
    if not work.cells:
        return
    require_device(work.settings.device)
    pending = Pending(work.store, work.cells, view.end)
    slots = [_Slot(work, gpu) for gpu in _gpus(work)]
    with _interrupts(view) as interrupts:
        try:
            while _goes_on(pending, slots, work, bool(interrupts)):
                for slot in slots:
                    _advance(slot, pending, work, view, bool(interrupts))
                if len(interrupts) > 1:
                    break
                time.sleep(POLL_SECONDS)
        finally:
            for slot in slots:
                slot.close()
                if slot.job is not None:
                    release(slot.job.claim)
        if interrupts:
            raise KeyboardInterrupt


def _goes_on(pending: Pending, slots: list[_Slot], work: Work, stopping: bool) -> bool:
    if any(slot.job for slot in slots):
        return True
    if stopping or not pending.waiting:
        return False
    return work.patient or not pending.all_held


def _advance(slot: _Slot, pending: Pending, work: Work, view: RunView, stopping: bool) -> None:
    """Take a slot one step on: watch its cell, end it, or start the next."""
    if slot.job is not None:
        _watch(slot, slot.job, work, view)
        if slot.job.future.done() or slot.job.ended_by_run:
            _end(slot, slot.job, work, view)
    elif not stopping and pending.waiting and (pid := slot.pid()) is not None:
        claimed = pending.claim_next(pid)
        if claimed is not None:
            _start(slot, *claimed, work, view)


def _start(slot: _Slot, cell: Cell, held: Claim, work: Work, view: RunView) -> None:
    assert slot.pool is not None
    (work.store.work_folder(cell) / PROGRESS).unlink(missing_ok=True)
    view.begin(cell)
    slot.job = _Job(cell, held, slot.pool.schedule(perform, args=work.of(cell)), _kernel_kills())


def _watch(slot: _Slot, job: _Job, work: Work, view: RunView) -> None:
    """Renew the claim, show progress, and say why the cell must end where it crossed a limit."""
    clock = time.monotonic()
    if clock - job.watched < WATCH_SECONDS or job.future.done():
        return
    job.watched = clock
    pid = slot.pid()
    assert pid is not None
    held = _tree_mb(pid)
    job.peak_mb = max(job.peak_mb, held)
    view.progress(job.cell, *_progress(work.store.work_folder(job.cell) / PROGRESS))
    if clock - job.renewed > RENEW_SECONDS:
        job.renewed = clock
        if not renew(job.claim):
            job.ended_by_run = "", "another run has taken the cell over"
            return
    if clock - job.started > work.limits.seconds:
        job.ended_by_run = TIMEOUT, f"ran longer than its limit of {work.limits.seconds:g} s"
    elif held > work.limits.memory_mb:
        limit = f"over its limit of {work.limits.memory_mb:,.0f} MiB"
        job.ended_by_run = OUT_OF_MEMORY, f"its processes held {held:,.0f} MiB, {limit}"
    elif held == 0.0 and _is_silent(job, clock):
        job.ended_by_run = CRASHED, "the method ended the process it ran in (exit code 0)"


def _is_silent(job: _Job, clock: float) -> bool:
    job.silent_since = job.silent_since or clock
    return clock - job.silent_since > SILENCE_SECONDS


def _end(slot: _Slot, job: _Job, work: Work, view: RunView) -> None:
    """Record how the cell ended, give it up and replace the worker where it is not as before."""
    if (
        job.ended_by_run
        or job.future.exception()
        or _tree_mb(slot.pid() or 0) > GROWN_SHARE * work.limits.memory_mb
    ):
        slot.close()
    try:
        record = _recorded(job, work)
    finally:
        slot.job = None
        release(job.claim)
    if record is not None:
        view.end(job.cell, record)


def _recorded(job: _Job, work: Work) -> Record | None:
    """The record that the worker wrote, or one of its bad end; None where another run has the cell."""
    error = None if job.ended_by_run else job.future.exception()
    if isinstance(error, StoreError):
        raise error
    written = work.store.record(job.cell)
    if written is not None and (written["status"] == OK or (error is None and not job.ended_by_run)):
        return written
    status, reason, number = _bad_end(job, error)
    if not status:
        return None
    record = opening_record(*work.of(job.cell)[:4], work.settings) | {
        "started": job.began,
        "status": status,
        "reason": reason,
        "peak_memory_mb": round(job.peak_mb),
        "seconds": round(time.monotonic() - job.started, 1),
    }
    if number:
        record["signal"] = number
    return work.store.commit(job.cell, closed(record, work.store.work_folder(job.cell) / LOG), {})


def _bad_end(job: _Job, error: BaseException | None) -> tuple[str, str, str]:
    """Status, reason and the name of the signal."""
    if job.ended_by_run:
        return (*job.ended_by_run, "")
    if not isinstance(error, ProcessExpired):
        return FAILED, f"{type(error).__name__}: {error}", ""
    code = error.exitcode or 0
    if code >= 0:
        return CRASHED, f"the method ended the process it ran in (exit code {code})", ""
    name = signal.Signals(-code).name
    if -code == signal.SIGKILL and _kernel_kills() > job.kills_before:
        return OUT_OF_MEMORY, "the kernel ended its process, as memory was short", name
    return CRASHED, f"its process was ended by signal {name}", name


def _progress(path: Path) -> tuple[int, int]:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        return found["step"], found["total"]
    except (OSError, ValueError):
        return 0, 0


def _processes(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _tree_mb(pid: int) -> float:
    """Resident memory of a process and its descendants, MiB; 0 where it is gone."""
    total = 0.0
    for its in _processes(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += its.memory_info().rss / 2**20
    return total


def _end_tree(pid: int) -> None:
    for its in _processes(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            its.kill()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # descendants whose parent went before them


def _kernel_kills() -> int:
    """How often the kernel ended a process of this control group for memory."""
    with contextlib.suppress(OSError):
        for line in _KILLS.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _gpus(work: Work) -> list[str | None]:
    """The GPU of each slot, in turn; None without GPUs."""
    if work.settings.device != "cuda":
        return [None] * work.jobs
    import torch

    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [its for its in shown.split(",") if its] or [str(its) for its in range(torch.cuda.device_count())]
    return [names[slot % len(names)] for slot in range(work.jobs)]


@contextlib.contextmanager
def _interrupts(view: RunView) -> Iterator[list[int]]:
    """Collect interrupts instead of raising; a request to terminate counts as two."""
    seen: list[int] = []

    def interrupted(number: int, frame: object) -> None:
        seen.append(number)
        if number == signal.SIGTERM:
            seen.append(number)
        if len(seen) == 1:
            view.say("no new cells are started; the running ones end first, Ctrl-C again ends them now")

    before = {its: signal.signal(its, interrupted) for its in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
