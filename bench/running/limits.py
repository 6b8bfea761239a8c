"""What a cell may use: wall time and resident memory, as users write them."""

import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.errors import UsageError

SHARE_OF_MACHINE = 0.9
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MEGABYTES = {"m": 1.0, "g": 1024.0, "t": 1024.0 * 1024.0}
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

# Sums in another order round otherwise: a cell has as many on every machine.
DEFAULT_THREADS = 1


@dataclass(frozen=True)
class Limits:
    """Bounds of one cell; a cell that crosses one is ended with all its processes.

    Parameters
    ----------
    seconds
        Wall time; infinite for none.
    memory_mb
        Resident memory of the cell's process and its descendants together, MiB.
    """

    seconds: float
    memory_mb: float


def cell_limits(cell_timeout: str, memory_limit: str, jobs: int) -> Limits:
    """Limits as given; without a memory limit, nine tenths of the machine shared by ``jobs`` cells."""
    memory = megabytes(memory_limit) if memory_limit else SHARE_OF_MACHINE * machine_memory_mb() / jobs
    return Limits(seconds(cell_timeout) if cell_timeout else float("inf"), memory)


def seconds(text: str) -> float:
    """``90``, ``90s``, ``20m``, ``8h`` or ``2d`` in seconds; raises UsageError for anything else."""
    return _amount(text, _SECONDS, "s", "a time, such as 90s, 20m or 8h")


def megabytes(text: str) -> float:
    """``512m``, ``8g`` or ``8GB`` in MiB; raises UsageError for anything else."""
    return _amount(text.lower().removesuffix("ib").removesuffix("b"), _MEGABYTES, "m", "a size, such as 8g")


def machine_memory_mb() -> float:
    """Memory of the machine, or of the control group that this process is in, MiB."""
    total = psutil.virtual_memory().total / 2**20
    try:
        return min(total, int(_CGROUP_LIMIT.read_text()) / 2**20)
    except (OSError, ValueError):  # no control group, or one without a limit
        return total


def _amount(text: str, units: dict[str, float], default: str, expected: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]?)", text.strip().lower())
    unit = (found[2] or default) if found else ""
    if found is None or unit not in units or float(found[1]) == 0:
        raise UsageError(f"expected {expected}, got {text!r}")
    return float(found[1]) * units[unit]
