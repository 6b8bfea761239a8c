"""The processes of a cell: its own, its method's, and all that these have started."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

# Processes that start others while they are ended are looked for again, for so long.
SECONDS_TO_END = 10.0
# One look may miss a process whose parent ends meanwhile.
LOOKS = 3
PROCESSES = Path("/proc")


def memory_mb(pid: int) -> float:
    """Resident memory of the descendants of a process, MiB."""
    total = 0.0
    for number in _descendants(pid, set()):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += psutil.Process(number).memory_info().rss / 2**20
    return total


def end_tree(pid: int) -> None:
    """End a process and its descendants, which are ended first, as it adopts those whose parents end."""
    end_descendants(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    end_descendants(pid)


def end_descendants(pid: int) -> None:
    """End all that a process has started, and what that starts meanwhile."""
    until, others, missed = time.monotonic() + SECONDS_TO_END, set[int](), 0
    while missed < LOOKS and time.monotonic() < until:
        alive = _descendants(pid, others)
        missed = 0 if alive else missed + 1
        for number in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        if pid == os.getpid():
            _bury()


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return False


def _descendants(pid: int, others: set[int]) -> list[int]:
    """What lives of the descendants of a process, those too that only stayed in its session.

    A look has to be quick, as processes may start others and end between two of them: ``others`` collects
    what is no descendant, and is not looked at again.
    """
    if not (PROCESSES / "self" / "stat").is_file():
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(pid).children(recursive=True)
            return [child.pid for child in children if lives(child.pid)]
        return []
    parents, living = _looked_at(pid, others)
    ours = []
    for number in living:
        above = number
        while above in parents:
            above = parents[above]
        if above == pid:
            ours.append(number)
        elif above in others or above <= 1:
            others.add(number)
    return ours


def _looked_at(pid: int, others: set[int]) -> tuple[dict[int, int], list[int]]:
    """The parent of each process but ``others``, for those of its session the process, and who lives."""
    parents: dict[int, int] = {}
    living = []
    for number in [int(path.name) for path in PROCESSES.glob("[0-9]*")]:
        if number in others or number == pid:
            continue
        with contextlib.suppress(OSError, ValueError):  # it has ended since
            told = (PROCESSES / str(number) / "stat").read_text().rpartition(")")[2].split()
            state, parent, _, session = told[:4]
            parents[number] = pid if int(session) == pid else int(parent)
            if state not in "ZX":
                living.append(number)
    return parents, living


def _bury() -> None:
    """Take note of this process's children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
