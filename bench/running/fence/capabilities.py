"""Capabilities: what the superuser may do beyond others is given up, for good (capabilities(7))."""

import ctypes
import platform
from contextlib import suppress

from bench.running.fence.system import SystemCallError, call, prctl

# capget and capset.
NUMBERS = {"x86_64": (125, 126), "aarch64": (90, 91)}
VERSION = 0x20080522
DROP_FROM_BOUND = 24
LAST = 63
# Read and write files of others, and own them: the fence says which files those may be.
KEPT = 1 << 1 | 1 << 3


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int32))


class _Half(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def give_up() -> None:
    """Give up all of this thread's capabilities but those on files; nobody but the superuser has any.

    Raises
    ------
    SystemCallError
        The processor is not in :data:`NUMBERS`, or the kernel refused.
    """
    read, write = NUMBERS.get(platform.machine(), (-1, -1))
    header, halves = _Header(VERSION, 0), (_Half * 2)()
    call(read, ctypes.byref(header), ctypes.byref(halves))
    for number in range(LAST + 1):
        if not KEPT >> number & 1:
            with suppress(SystemCallError):  # without the right to, or beyond the kernel's last
                prctl(DROP_FROM_BOUND, number, 0, 0, 0)
    for at, half in enumerate(halves):
        kept = half.permitted & KEPT >> 32 * at & 0xFFFFFFFF
        half.effective, half.permitted, half.inheritable = kept, kept, 0
    call(write, ctypes.byref(header), ctypes.byref(halves))
