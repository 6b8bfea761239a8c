"""The clause on threads, and the counting of them."""

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import psutil
from threadpoolctl import threadpool_info

from bench.methods.contract.clause import Breach, Clause, NotAsked
from bench.methods.contract.subject import THREADS, Subject

TASKS = Path("/proc/self/task")
SECONDS_BETWEEN_LOOKS = 0.002
# Looks in a row: one or two may see a thread that hands its work on beside the one that takes it, as where a
# library reads a file for the thread that waits for it.
MIN_LOOKS = 3


def _threads(subject: Subject) -> None:
    if subject.spec.container:
        raise NotAsked("not checked: what computes in a container is not seen from here")
    if not TASKS.is_dir():
        raise NotAsked("not checked: this system does not tell which threads compute")
    _ = subject.batch
    train, val, test = subject.parts(subject.cohort)
    with _looking(subject.spec.processes) as looks:
        subject.checked(subject.fitted(train, val), test)
    raised = [pool for pool in threadpool_info() if pool["num_threads"] > THREADS]
    if raised:
        raise Breach(
            f"run.threads is {THREADS}, and the method sets {raised[0]['num_threads']} threads for "
            f"{raised[0]['user_api']} ({raised[0]['internal_api']})"
        )
    if most := sustained(looks):
        raise Breach(f"run.threads is {THREADS}, and up to {most} threads compute at once")


def sustained(looks: Sequence[int]) -> int:
    """The most threads of a row of :data:`MIN_LOOKS` looks or more that all saw too many; 0 without one."""
    rows = [list(row) for crowded, row in groupby(looks, lambda count: count > THREADS) if crowded]
    return max((max(row) for row in rows if len(row) >= MIN_LOOKS), default=0)


@contextmanager
def _looking(declared: Collection[str]) -> Iterator[list[int]]:
    """Collect how many threads and child processes compute at a moment, every few milliseconds."""
    looks: list[int] = []
    over = threading.Event()

    def look() -> None:
        own = str(threading.get_native_id())
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            looks.append(_computing(own, declared))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield looks
        time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        over.set()
        watcher.join()


def _computing(watcher: str, declared: Collection[str]) -> int:
    """How many threads, also of child processes, are ready to compute.

    The watcher is left out, and the processes that the method declares.
    """
    children = [child.pid for child in psutil.Process().children(recursive=True)]
    if declared:
        children = [child for child in children if not _words(child) & set(declared)]
    folders = [TASKS, *(Path(f"/proc/{child}/task") for child in children)]
    states = [_state(task / "stat") for folder in folders for task in _listed(folder) if task.name != watcher]
    return states.count("R")


def _words(process: int) -> set[str]:
    """The words of the command that a process was started with, and the name of the program."""
    try:
        words = psutil.Process(process).cmdline()
    except psutil.Error:  # the process has ended since
        return set()
    return {*words, *(Path(word).name for word in words[:1])}


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # the process has ended since
        return []


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # the thread has ended since
        return ""


CLAUSES = (
    Clause(
        "BC25",
        "computes with no more threads than it is given",
        "Threads are a recorded setting, on which numbers depend; more than the cores slow all cells down.",
        "After a fit with run.threads = 1 no library may be set to more threads; during it, threads and "
        "processes that compute at the same moment are counted; too many at three looks in a row break it.",
        "Pass run.threads to n_jobs, nthread and torch.set_num_threads; start no workers beside, or name "
        "their module or program in MethodSpec(processes=...) where they measure once for all cells.",
        _threads,
        where="fit",
    ),
)
