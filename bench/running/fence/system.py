"""System calls that Python has no function for."""

import ctypes
import errno
import os
from contextlib import suppress

SET_NO_NEW_PRIVILEGES, ADOPT_ORPHANS = 38, 36


class SystemCallError(OSError):
    """The kernel refused a system call, or has no such call."""


def call(number: int, *arguments: object) -> int:
    """Result of a Linux system call; raises SystemCallError where it fails or there is none to call."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syscall"):
        raise SystemCallError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return _checked(int(library.syscall(ctypes.c_long(number), *words)))


def prctl(option: int, *arguments: object) -> int:
    """Result of an operation on this process, see prctl(2); raises SystemCallError where it fails."""
    words = [ctypes.c_ulong(word) if isinstance(word, int) else word for word in arguments]
    return _checked(int(ctypes.CDLL(None, use_errno=True).prctl(option, *words)))


def forbid_new_privileges() -> None:
    """No program that this process starts gains rights by being started, as the kernel asks of a fence."""
    prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def adopt_orphans() -> None:
    """Make descendants whose parents end children of this process, where the kernel does that."""
    with suppress(SystemCallError, AttributeError):
        prctl(ADOPT_ORPHANS, 1, 0, 0, 0)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise SystemCallError(number, os.strerror(number))
    return result
