"""How many cells a machine runs at a time, and what is said where they would slow each other down."""

import math
import os
from pathlib import Path

from bench.running.limits import SHARE_OF_MACHINE, machine_memory_mb, megabytes

AUTO = "auto"
# What a cell counts for where no memory limit is given; the deep methods with their defaults need less.
CELL_MEMORY_MB = 1500.0
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def jobs_named(wanted: int | str, threads: int, memory_limit: str, device: str) -> int:
    """``auto`` as a number of cells: the machine's cores (or GPUs), bounded by its memory; else as given.

    What a cell predicts does not depend on it.

    Parameters
    ----------
    threads
        CPU threads of a cell.
    memory_limit
        Most memory of a cell, such as ``8g``; empty for none.
    device
        ``cpu``, or ``cuda`` for a cell a GPU.
    """
    if wanted != AUTO:
        return int(wanted)
    room = available_gpus() if device == "cuda" else available_cores() // threads
    memory = megabytes(memory_limit) if memory_limit else CELL_MEMORY_MB
    return max(1, min(room, int(SHARE_OF_MACHINE * machine_memory_mb() / memory)))


def crowded(jobs: int, threads: int) -> str | None:
    """A warning where the threads of all cells together exceed the cores, or None."""
    cores = available_cores()
    if jobs * threads <= cores or jobs * threads == 1:
        return None
    return (
        f"warning: {jobs} jobs of {threads} threads share {cores} cores and slow each other down; "
        f"{max(1, cores // threads)} would not, nor would auto"
    )


def available_cores() -> int:
    """Cores that this process may use: its affinity and the quota of its control group."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return max(1, min(cores, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no control group, or one without a quota
        return cores


def available_gpus() -> int:
    """GPUs that torch sees."""
    import torch

    return torch.cuda.device_count()
