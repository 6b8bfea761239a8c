"""Cells in processes of this machine: one for each, watched, and ended with its descendants past a limit.

A server that has imported the heavy libraries and nothing of the cohort forks a process for every cell, so a
cell starts from the same state whatever ran before it, and nothing that a method keeps reaches another cell.
"""

import contextlib
import multiprocessing
import os
import pickle
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bench.errors import BenchError, MachineError, StoreError
from bench.files import cache_dir
from bench.methods.registry import plugin_files
from bench.running.cell_output import last_report
from bench.running.containers import end_containers
from bench.running.environments import places_of
from bench.running.executors.batch import Work
from bench.running.executors.method_process import Enclosure
from bench.running.executors.preloading import preloaded
from bench.running.executors.process_child import Ending, cell_process
from bench.running.executors.process_tree import end_tree, lives, memory_mb
from bench.running.executors.shared_work import Given, shared_work
from bench.running.fence.fence import chosen_fence
from bench.running.fence.method_caches import kept_caches
from bench.running.fence.reach import reach_of
from bench.running.monitor import RunView
from bench.running.queue import Pending
from bench.running.run_cell import closed, now, opening_record, require_device
from bench.store.cell import Cell
from bench.store.claims import RENEW_SECONDS, Claim, release, renew
from bench.store.record import CellRecord
from bench.store.store import (
    CRASHED,
    FAILED,
    LOG,
    MACHINE,
    OK,
    OUT_OF_MEMORY,
    PROGRESS,
    TIMEOUT,
    is_tried_again,
)

POLL_SECONDS = 0.02
WATCH_SECONDS = 0.2
# A scheduler that ends a job ends its processes one after the other, this one perhaps last.
TERMINATION_SECONDS = 2.0
# What multiprocessing says of a process whose server was ended before it.
SERVER_GONE = 255
# What schedulers, machines that shut down and people end processes with.
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
_KILLS = Path("/sys/fs/cgroup/memory.events")


@dataclass
class _Job:
    """A cell that runs."""

    cell: Cell
    claim: Claim
    kills_before: int
    started: float = field(default_factory=time.monotonic)
    began: str = field(default_factory=now)
    watched: float = 0.0
    renewed: float = field(default_factory=time.monotonic)
    peak_mb: float = 0.0
    terminated: float | None = None
    # Status and reason, where the run itself ended the cell.
    ended_by_run: tuple[str, str] | None = None


class _Slot:
    """Room for one cell at a time: a process that waits for its cell, then the process of that cell."""

    def __init__(self, shared: Path, gpu: str | None) -> None:
        self.shared, self.gpu = shared, gpu
        self.process: ForkServerProcess | None = None
        self.pipe: Connection | None = None
        self.job: _Job | None = None

    def pid(self) -> int:
        """The process of this slot; forks one where there is none."""
        if self.process is None:
            context = multiprocessing.get_context("forkserver")
            self.pipe, theirs = context.Pipe()
            self.process = context.Process(target=cell_process, args=(theirs, self.gpu))
            try:
                self.process.start()
            except (OSError, EOFError) as error:
                raise BenchError(f"no process can be started: {type(error).__name__}: {error}") from error
            theirs.close()
        assert self.process.pid is not None
        return self.process.pid

    def give(self, cell: Cell) -> None:
        """Hand the waiting process its cell; a process that is gone by now ends as any other."""
        assert self.pipe is not None
        with contextlib.suppress(OSError):
            self.pipe.send_bytes(pickle.dumps(Given(self.shared, cell)))

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self.process is not None and not self.process.is_alive()

    def close(self) -> Ending:
        """End the process with its descendants; how it ended by itself, where it did."""
        if self.process is None or self.pipe is None:
            return Ending(0)
        ended, code = self.has_ended, self.process.exitcode
        ending = Ending(code or 0)
        if code == SERVER_GONE and lives(self.pid()):
            ending = Ending(code, MachineError.__name__, "the server that forks processes was ended")
        with contextlib.suppress(OSError, EOFError):
            if ended and self.pipe.poll():
                ending = Ending(code or 0, *self.pipe.recv())
        end_tree(self.pid())
        self.process.join()
        self.pipe.close()
        self.process = self.pipe = None
        return ending


def run_in_workers(work: Work, view: RunView) -> None:
    """Run each cell in a process of its own, ``work.jobs`` at a time.

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
    require_device(work.compute.device)
    multiprocessing.set_forkserver_preload(preloaded(work.variants.values()))
    pending = Pending(work.store, work.cells, view.end)
    gpus = _gpus(work)
    with shared_work(work, _enclosure(work)) as shared, _interrupts(view) as interrupts:
        slots = [_Slot(shared, gpu) for gpu in gpus]
        try:
            while _goes_on(pending, slots, work, bool(interrupts)):
                for slot in slots:
                    _advance(slot, pending, work, view, bool(interrupts))
                if len(interrupts) > 1:
                    break
                _wait(slots)
        finally:
            for slot in slots:
                slot.close()
                if slot.job is not None:
                    release(slot.job.claim)
        if interrupts:
            raise KeyboardInterrupt


def _wait(slots: list[_Slot]) -> None:
    """Wait until a process ends, but not for long: limits, progress and interrupts are looked after."""
    running = [slot.process.sentinel for slot in slots if slot.process is not None]
    if running:
        wait(running, POLL_SECONDS)
    else:
        time.sleep(POLL_SECONDS)


def _enclosure(work: Work) -> Enclosure:
    """Where the methods of a run are held; UsageError where ``$BENCH_FENCE`` names no fence."""
    hidden = (work.cohort.folder, *work.cohort.sources, work.store.folder, cache_dir())
    reach = reach_of(plugin_files(map(Path, work.plugins)), hidden)
    caches = {label: kept_caches(variant.spec, work.cohort) for label, variant in work.variants.items()}
    environments = {label: places_of(variant.spec) for label, variant in work.variants.items()}
    return Enclosure(reach, chosen_fence(), work.plugins, caches, environments)


def _goes_on(pending: Pending, slots: list[_Slot], work: Work, stopping: bool) -> bool:
    if any(slot.job for slot in slots):
        return True
    if stopping or not pending.waiting:
        return False
    return work.patient or not pending.all_held


def _advance(slot: _Slot, pending: Pending, work: Work, view: RunView, stopping: bool) -> None:
    """Take a slot one step on: watch its cell, and where that has ended or there is none, start the next."""
    if slot.job is not None:
        _watch(slot, slot.job, work, view)
        if slot.job.ended_by_run or (slot.has_ended and _ended_alone(slot, slot.job)):
            _end(slot, slot.job, pending, work, view)
    if slot.job is not None:
        return
    if slot.has_ended:
        raise BenchError(f"a process ended before it had a cell (exit code {slot.close().code})")
    if not stopping and pending.waiting:
        claimed = pending.claim_next(slot.pid())
        if claimed is not None:
            _start(slot, *claimed, work, view)


def _start(slot: _Slot, cell: Cell, held: Claim, work: Work, view: RunView) -> None:
    (work.store.work_folder(cell) / PROGRESS).unlink(missing_ok=True)
    view.begin(cell)
    slot.job = _Job(cell, held, _kernel_kills())
    slot.give(cell)


def _watch(slot: _Slot, job: _Job, work: Work, view: RunView) -> None:
    """Renew the claim, show progress, and say why the cell must end where it crossed a limit."""
    clock = time.monotonic()
    if clock - job.watched < WATCH_SECONDS or slot.has_ended:
        return
    job.watched = clock
    held = memory_mb(slot.pid())
    job.peak_mb = max(job.peak_mb, held)
    view.progress(job.cell, *(last_report(work.store.work_folder(job.cell) / PROGRESS) or (0, 0)))
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


def _ended_alone(slot: _Slot, job: _Job) -> bool:
    """Whether what ended the cell was meant for it: a request to terminate may be about to reach the run."""
    assert slot.process is not None
    if slot.process.exitcode not in (-signal.SIGTERM, SERVER_GONE):
        return True
    job.terminated = job.terminated or time.monotonic()
    return time.monotonic() - job.terminated > TERMINATION_SECONDS


def _end(slot: _Slot, job: _Job, pending: Pending, work: Work, view: RunView) -> None:
    """Record how the cell ended and give it up; one that the machine ended is tried again, so often."""
    try:
        ending = slot.close()
        end_containers(work.of(job.cell))
        record = _recorded(job, ending, work)
    finally:
        slot.job = None
        shutil.rmtree(work.store.view_folder(job.cell), ignore_errors=True)
        release(job.claim)
    if record is None:
        return
    if is_tried_again(record):
        view.again(job.cell, record)
        pending.put_back(job.cell)
    else:
        view.end(job.cell, record)


def _recorded(job: _Job, ending: Ending, work: Work) -> CellRecord | None:
    """The record that the process wrote, or one of its failure; None where another run has the cell."""
    if ending.error == StoreError.__name__:
        raise StoreError(ending.message)
    written = work.store.record(job.cell)
    is_whole = not job.ended_by_run and ending.code == 0
    if written is not None and (written.status == OK or is_whole):
        return written
    status, reason, name = _failure(job, ending)
    if not status:
        return None
    record = replace(
        opening_record(work.of(job.cell)),
        started=job.began,
        status=status,
        reason=reason,
        peak_memory_mb=round(job.peak_mb),
        seconds=round(time.monotonic() - job.started, 1),
        signal=name or None,
    )
    return work.store.commit(job.cell, closed(record, work.store.work_folder(job.cell) / LOG), {})


def _failure(job: _Job, ending: Ending) -> tuple[str, str, str]:
    """Status, reason and the name of the signal."""
    if job.ended_by_run:
        return (*job.ended_by_run, "")
    if ending.error:
        status = MACHINE if ending.error == MachineError.__name__ else FAILED
        return status, f"{ending.error}: {ending.message}", ""
    code = ending.code
    if code >= 0:
        return CRASHED, f"the method ended the process it ran in (exit code {code})", ""
    name = signal.Signals(-code).name
    if -code == signal.SIGKILL and _kernel_kills() > job.kills_before:
        return OUT_OF_MEMORY, "the kernel ended its process, as memory was short", name
    if -code in FROM_OUTSIDE:
        return MACHINE, f"its process was ended from outside, by signal {name}", name
    return CRASHED, f"its process was ended by signal {name}", name


def _kernel_kills() -> int:
    """How often the kernel ended a process of this control group for memory."""
    with contextlib.suppress(OSError):
        for line in _KILLS.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _gpus(work: Work) -> list[str | None]:
    """The GPU of each slot, in turn; None without GPUs."""
    if work.compute.device != "cuda":
        return [None] * work.jobs
    import torch

    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [device for device in shown.split(",") if device] or [
        str(device) for device in range(torch.cuda.device_count())
    ]
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

    before = {caught: signal.signal(caught, interrupted) for caught in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
