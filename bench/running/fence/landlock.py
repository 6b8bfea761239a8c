"""Landlock: a process of Linux gives up, for good, what it and its descendants may reach (landlock(7))."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from bench.running.fence.reach import Reach
from bench.running.fence.system import SystemCallError, call, forbid_new_privileges

# The numbers are the same on every processor.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, PATH_BENEATH = 1, 1

WRITE_FILE, READ_FILE, READ_DIR, REFER, TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 13, 1 << 14
# Remove folder and file; make device, folder, file, socket, pipe, block device and link.
CHANGE = sum(1 << bit for bit in range(4, 13))
CONNECT = 0b11  # bind and connect TCP
SCOPES = 0b11  # abstract sockets and signals to processes outside
OF_FILES = WRITE_FILE | READ_FILE | TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Version of Landlock's interface that the kernel answers to; 0 where it has none."""
    try:
        return call(CREATE_RULESET, None, 0, ASK_VERSION)
    except SystemCallError:
        return 0


def restrict(reach: Reach) -> None:
    """Confine this thread, and what it starts, to the reach; raises SystemCallError where that fails.

    From version 4 of the interface on TCP is closed as well, from 6 on abstract sockets and signals to
    processes outside. Neither can be undone.
    """
    known = version()
    handled = WRITE_FILE | READ_FILE | READ_DIR | CHANGE
    handled |= (REFER if known >= 2 else 0) | (TRUNCATE if known >= 3 else 0)
    rules = _Ruleset(handled, CONNECT if known >= 4 else 0, SCOPES if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = call(CREATE_RULESET, ctypes.byref(rules), size, 0)
    try:
        _allow(ruleset, reach.readable, READ_FILE | READ_DIR)
        _allow(ruleset, reach.writable, handled)
        _allow(ruleset, reach.listed, READ_DIR)
        forbid_new_privileges()
        call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, paths: Iterable[Path], rights: int) -> None:
    """Allow what is beneath the paths; a path that is gone, or out of this user's reach, needs no rule."""
    for path in dict.fromkeys(paths):
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            allowed = rights if path.is_dir() else rights & OF_FILES
            call(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(_PathBeneath(allowed, place)), 0)
        finally:
            os.close(place)
