"""A plugin of methods that try the fence by the system's side doors: each says what it had, or is refused."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec, Run

SYSTEM = ctypes.CDLL(None, use_errno=True)
# On x86-64, where these tests run.
PTRACE, PROCESS_VM_READV, NAME_TO_HANDLE, OPEN_BY_HANDLE, BPF, SYSLOG = 101, 310, 303, 304, 321, 103
UTIMENSAT = 280
LIBRARY = Path(np.__file__)
SLEEPER = "976"


class Had(Exception):
    """What the method could do."""


@dataclass
class Breakout:
    """Tries one way, by the name of a function of this module, before it predicts 0.5."""

    way: str = ""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Try it."""
        globals()[f"_{self.way}"](train, run)
        return self

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        """0.5 for every case."""
        return {task.name: np.full(len(cohort), 0.5) for task in cohort.tasks}


def _call(number: int, *words: Any) -> int:
    result = SYSTEM.syscall(number, *(ctypes.c_long(w) if isinstance(w, int) else w for w in words))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)


def _traces_the_run(train: Cohort, run: Run) -> None:
    _call(PTRACE, 16, os.getppid(), 0, 0)
    os.waitpid(os.getppid(), 0)
    _call(PTRACE, 17, os.getppid(), 0, 0)
    raise Had("attached to the process that holds the labels")


def _copies_memory_of_the_run(train: Cohort, run: Run) -> None:
    buffer = ctypes.create_string_buffer(8)
    place = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
    _call(PROCESS_VM_READV, os.getppid(), place, 1, place, 1, 0)
    raise Had("read memory of the process that holds the labels")


def _opens_files_of_the_run(train: Cohort, run: Run) -> None:
    raise Had(f"saw open files {list(Path(f'/proc/{os.getppid()}/fd').iterdir())}")


def _walks_through_the_root_of_the_run(train: Cohort, run: Run) -> None:
    raise Had(f"listed {list(Path('/proc', str(os.getppid()), 'root', 'home').iterdir())}")


def _signals_the_run(train: Cohort, run: Run) -> None:
    os.kill(os.getppid(), signal.SIGURG)
    raise Had("sent a signal to the process that holds the labels")


def _reads_the_kernels_memory(train: Cohort, run: Run) -> None:
    with Path("/proc/kcore").open("rb") as memory:
        raise Had(f"read {memory.read(4)!r} of the kernel's memory")


def _loads_a_program_into_the_kernel(train: Cohort, run: Run) -> None:
    attributes = (ctypes.c_uint32 * 30)(1, 4, 8, 1)
    _call(BPF, 0, attributes, 48)
    raise Had("made a map of the kernel's own, outside of any process")


def _opens_by_handle(train: Cohort, run: Run) -> None:
    handle, mount = (ctypes.c_uint32 * 34)(128, 0), ctypes.c_int()
    place = ctypes.c_char_p(os.fsencode(run.workdir.parents[2] / "plans"))
    _call(NAME_TO_HANDLE, -100, place, handle, ctypes.byref(mount), 0)
    folder = _call(OPEN_BY_HANDLE, os.open(run.workdir, os.O_RDONLY), handle, os.O_RDONLY)
    raise Had(f"listed folder {folder} by a number that stands for it")


def _reads_the_kernels_log(train: Cohort, run: Run) -> None:
    buffer = ctypes.create_string_buffer(4096)
    _call(SYSLOG, 3, buffer, 4096)
    raise Had("read the kernel's log, where a crash can leave numbers")


def _inherits_files(train: Cohort, run: Run) -> None:
    own = (str(run.workdir.parent.resolve()), os.devnull)
    held = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    others = [place for place in held if not place.startswith(own)]
    if len(others) == 1 and others[0].startswith("socket:"):
        raise PermissionError("the pipe to those who hand over cases is all there is")
    raise Had(f"held {others}")


def _leaves_notes_in_attributes(train: Cohort, run: Run) -> None:
    os.setxattr(LIBRARY, "user.notes", b"er=1")
    found = os.getxattr(LIBRARY, "user.notes")
    os.removexattr(LIBRARY, "user.notes")
    raise Had(f"left {found!r} with a file of a library")


def _leaves_notes_in_dates(train: Cohort, run: Run) -> None:
    before = LIBRARY.stat()
    times = (ctypes.c_int64 * 4)(before.st_atime_ns // 10**9, 0, 1, 0)
    _call(UTIMENSAT, -100, ctypes.c_char_p(os.fsencode(LIBRARY)), times, 0)
    if LIBRARY.stat().st_mtime_ns != before.st_mtime_ns:
        times[2] = before.st_mtime_ns // 10**9
        _call(UTIMENSAT, -100, ctypes.c_char_p(os.fsencode(LIBRARY)), times, 0)
        raise Had("set the date of a library's file")
    raise PermissionError("the date stayed")


def _leaves_notes_in_modes(train: Cohort, run: Run) -> None:
    mode = LIBRARY.stat().st_mode
    SYSTEM.chmod(os.fsencode(LIBRARY), mode ^ 0o001)
    if LIBRARY.stat().st_mode != mode:
        SYSTEM.chmod(os.fsencode(LIBRARY), mode)
        raise Had("changed the mode of a library's file")
    raise PermissionError("the mode stayed")


def _leaves_notes_in_limits(train: Cohort, run: Run) -> None:
    before = resource.prlimit(os.getppid(), resource.RLIMIT_CORE)
    resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, before[1]))
    raise Had("changed a limit of another process")


def _leaves_notes_in_priorities(train: Cohort, run: Run) -> None:
    before = os.getpriority(os.PRIO_PROCESS, os.getppid())
    os.setpriority(os.PRIO_PROCESS, os.getppid(), before + 1)
    if os.getpriority(os.PRIO_PROCESS, os.getppid()) != before:
        raise Had("changed the priority of another process")
    raise PermissionError("the priority stayed")


def _reads_what_others_are_called(train: Cohort, run: Run) -> None:
    raise Had(f"read {Path(f'/proc/{os.getppid()}/cmdline').read_bytes()[:40]!r}")


def _leaves_a_daemon(train: Cohort, run: Run) -> None:
    """Start a process that has no tie to this one: its parent is gone, and its session is its own."""
    code = (
        "import os\nif not os.fork():\n os.setsid()\n"
        f" if not os.fork(): os.execlp('sleep', 'sleep', '{SLEEPER}')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=run.workdir)


def _leaves_many_daemons(train: Cohort, run: Run) -> None:
    """Start processes that start processes, faster than they can be listed."""
    code = (
        "import os, time\nend = time.time() + 8\nwhile time.time() < end:\n"
        " if not os.fork():\n  os.setsid()\n else:\n  time.sleep(.01)\n  os._exit(0)"
    )
    for _ in range(6):
        subprocess.Popen([sys.executable, "-c", code], cwd=run.workdir)
    time.sleep(0.3)


def _hands_in_its_own_predictions(train: Cohort, run: Run) -> None:
    """Put a table where the checked one is written."""
    for name in ("predictions.parquet", "validation.parquet", "record.json"):
        (run.workdir.parent / name).write_bytes(b"all mine")


def _swaps_the_log_for_a_link(train: Cohort, run: Run) -> None:
    log = run.workdir.parent / "log.txt"
    if log.is_symlink():
        print("written through the link", flush=True)
    log.unlink()
    SYSTEM.symlink(os.fsencode(run.workdir.parents[2] / "not-mine.txt"), os.fsencode(log))
    os.kill(os.getpid(), signal.SIGKILL)


def _swaps_the_progress_for_a_pipe(train: Cohort, run: Run) -> None:
    progress = run.workdir.parent / "progress.json"
    progress.unlink(missing_ok=True)
    os.mkfifo(progress)
    time.sleep(1.5)


def _swaps_the_progress_for_an_endless_file(train: Cohort, run: Run) -> None:
    progress = run.workdir.parent / "progress.json"
    progress.unlink(missing_ok=True)
    SYSTEM.symlink(b"/dev/zero", os.fsencode(progress))
    time.sleep(1.5)


WAYS = [name[1:] for name in list(globals()) if name[0] == "_" and name[:2] != "__" and name != "_call"]


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """One method for each way."""
    return [
        MethodSpec(way, f"{__name__}:Breakout", way.replace("_", " "), {"way": way}, needs=()) for way in WAYS
    ]
