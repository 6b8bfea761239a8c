"""Raising the fence: the kernel's where there is one, Python's elsewhere."""

import os
import threading
from typing import Literal

from bench.errors import unknown_name
from bench.running.fence import capabilities, landlock, seccomp
from bench.running.fence.audit import watch
from bench.running.fence.reach import Reach
from bench.running.fence.system import SystemCallError

Sealed = Literal["kernel", "python", "no"]
FENCES: tuple[Sealed, ...] = ("kernel", "python", "no")


def chosen_fence() -> Sealed:
    """The strongest fence that a run asks for, ``$BENCH_FENCE``: ``kernel`` where nothing is said.

    Raises
    ------
    UsageError
        It names no fence.
    """
    wanted = os.environ.get("BENCH_FENCE") or "kernel"
    for fence in FENCES:
        if wanted == fence:
            return fence
    raise unknown_name("fence in $BENCH_FENCE", wanted, FENCES)


def raise_fence(reach: Reach, strongest: Sealed) -> Sealed:
    """Confine this process, which must be fresh, to its reach until it ends; the fence that holds.

    Python's fence stands inside the kernel's too, as its messages name what was asked for.
    """
    if strongest == "no":
        return "no"
    held: Sealed = "kernel" if strongest == "kernel" and _raise_kernel_fence(reach) else "python"
    watch(reach)
    return held


def _raise_kernel_fence(reach: Reach) -> bool:
    """Whether the kernel holds the reach, and keeps the network shut; threads that run are not confined."""
    if threading.active_count() > 1:
        return False
    try:
        landlock.restrict(reach)
        capabilities.give_up()
        seccomp.refuse_calls()
    except SystemCallError:
        return False
    return True
