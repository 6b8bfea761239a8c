"""The clause on threads, and the counting of them."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import psutil
from threadpoolctl import threadpool_info

from bench.methods.contract.clause import Breach, Clause, NotAsked
from bench.methods.contract.subject import THREADS, Subject

TASKS = Path("/proc/self/task")
SECONDS_BETWEEN_LOOKS = 0.002
# What a thread has computed while another was ready to compute too: less is work handed on from one to the
# other, on a machine where the one that hands on waits for a core before it can rest.
LEAST_TOGETHER_NS = 10_000_000


def _threads(subject: Subject) -> None:
    if subject.spec.container:
        raise NotAsked("not checked: what computes in a container is not seen from here")
    if not Path("/proc/self/schedstat").is_file():
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
    if most := together(looks):
        raise Breach(f"run.threads is {THREADS}, and up to {most} threads compute at once")


def together(looks: Sequence[Mapping[str, int]]) -> int:
    """The most threads that computed side by side; 0 where no more did than are given.

    A look holds the threads that are ready to compute, with the nanoseconds that each has computed so far. In
    a row of looks that all saw too many, a thread counts if it computed :data:`LEAST_TOGETHER_NS` or more.
    """
    rows = [list(row) for crowded, row in groupby(looks, lambda look: len(look) > THREADS) if crowded]
    most = max((len(_worked(row)) for row in rows), default=0)
    return most if most > THREADS else 0


def _worked(row: Sequence[Mapping[str, int]]) -> list[str]:
    """Threads that computed for long enough between their first and last look of a row."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for look in row:
        first, last = {**look, **first}, {**last, **look}
    return [thread for thread, begun in first.items() if last[thread] - begun >= LEAST_TOGETHER_NS]


@contextmanager
def _looking(declared: Collection[str]) -> Iterator[list[dict[str, int]]]:
    """Collect which threads, also of child processes, are ready to compute, every few milliseconds."""
    looks: list[dict[str, int]] = []
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


def _computing(watcher: str, declared: Collection[str]) -> dict[str, int]:
    """Threads that are ready to compute, also of child processes, with the nanoseconds computed so far.

    The watcher is left out, and the processes that the method declares.
    """
    children = [child.pid for child in psutil.Process().children(recursive=True)]
    if declared:
        children = [child for child in children if not _words(child) & set(declared)]
    folders = [TASKS, *(Path(f"/proc/{child}/task") for child in children)]
    threads = [thread for folder in folders for thread in _listed(folder) if thread.name != watcher]
    return {thread.name: _computed(thread) for thread in threads if _ready(thread)}


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


def _ready(thread: Path) -> bool:
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "R"
    except (OSError, IndexError):  # the thread has ended since
        return False


def _computed(thread: Path) -> int:
    try:
        return int((thread / "schedstat").read_text().split()[0])
    except (OSError, IndexError):  # the thread has ended since
        return 0


CLAUSES = (
    Clause(
        "BC25",
        "computes with no more threads than it is given",
        "Threads are a recorded setting, on which numbers depend; more than the cores slow all cells down.",
        "After a fit with run.threads = 1 no library may be set to more threads; during it, threads and "
        "processes that compute for 10 ms side by side are counted.",
        "Pass run.threads to n_jobs, nthread and torch.set_num_threads; start no workers beside, or name "
        "their module or program in MethodSpec(processes=...) where they measure once for all cells.",
        _threads,
        where="fit",
    ),
)
