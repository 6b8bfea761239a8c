"""A fence of Python's own: what Python code opens, lists, changes or connects to (audit events, PEP 578).

It stops what is written in Python. Native code, and programs that a method starts, do not ask it.
"""

import errno
import os
import re
import sys
from pathlib import Path
from typing import Any

from bench.running.fence.reach import Reach

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LISTING = {"os.listdir", "os.scandir"}
_CHANGING = {
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink", "os.chmod"),
    *("os.chown", "os.utime", "os.setxattr", "os.removexattr"),
}
_CONNECTING = {"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo"}
_OF_OTHERS = {"resource.prlimit"}
_MEMORY = re.compile(r"/proc/.+/mem")


def watch(reach: Reach) -> None:
    """Refuse to this process, until it ends, what lies outside its reach."""
    readable = _places(reach.readable) | _places(reach.writable)
    writable = _places(reach.writable)
    listed = _places(reach.listed)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            changes = isinstance(arguments[2], int) and arguments[2] & _WRITING
            _require(arguments[0], writable if changes else readable, "written to" if changes else "read")
        elif event in _CHANGING:
            for path in arguments[:2]:
                _require(path, writable, "changed")
        elif event in _LISTING and _place(arguments[0]) not in listed:
            _require(arguments[0], readable, "listed")
        elif event in _OF_OTHERS and arguments[0] not in (0, os.getpid()):
            raise PermissionError(errno.EACCES, f"a method changes no other process ({event})")
        elif event in _CONNECTING:
            raise PermissionError(errno.EACCES, f"a method has no network ({event})", str(arguments[1:]))

    sys.addaudithook(hook)


def _require(path: Any, roots: frozenset[str], what: str) -> None:
    """Raise PermissionError unless the path is one of the roots or beneath one."""
    place = _place(path)
    if place is None or place in roots:
        return
    if _MEMORY.fullmatch(place):
        raise PermissionError(errno.EACCES, f"memory of a process is not to be {what}", place)
    parent = os.path.dirname(place)  # noqa: PTH120
    while parent not in roots:
        if parent == os.path.dirname(parent):  # noqa: PTH120
            raise PermissionError(errno.EACCES, f"outside the fence of the method, not to be {what}", place)
        parent = os.path.dirname(parent)  # noqa: PTH120


def _place(path: Any) -> str | None:
    """Where a path leads; None for a number or what is no path, such as a file that is open already."""
    if path is None:
        path = "."
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    return os.path.realpath(os.fsdecode(path))


def _places(paths: tuple[Path, ...]) -> frozenset[str]:
    return frozenset(os.path.realpath(path) for path in paths)
