"""Seccomp: Linux refuses system calls to a process that has renounced them (seccomp(2))."""

import ctypes
import errno
import platform
from typing import NamedTuple

from bench.running.fence.system import SystemCallError, forbid_new_privileges, prctl

SET_SECCOMP, FILTER = 22, 2
ALLOW, REFUSE, PRETEND = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x00050000
# Numbers from here on are a second table of calls, of programs with short pointers on x86.
SECOND_TABLE = 0x40000000
# Where a filter finds the call's processor, number and first argument (struct seccomp_data).
PROCESSOR, NUMBER, FIRST_ARGUMENT = 4, 0, 16


class Machine(NamedTuple):
    """A processor: its number in the kernel's audit, and its numbers of the calls that are kept from methods.

    Attributes
    ----------
    audit
        The processor in the kernel's audit (AUDIT_ARCH of linux/audit.h).
    refused
        socket, io_uring_setup, which opens sockets too, and what reaches into the kernel or keeps data there
        beyond the end of a process: shmget, semget, msgget, mq_open, add_key, request_key, keyctl, syslog,
        bpf, perf_event_open, open_by_handle_at; then setxattr and removexattr in all their forms, whose
        notes would stay with any file.
    pretended
        Calls that do nothing and succeed, as honest programs make them on their own files: chmod, chown and
        utime in all their forms, setpriority and ioprio_set.
    of_itself
        Calls that a process may make for itself alone (process 0), as what they set on another process could
        be read there: prlimit64, sched_setparam, sched_setscheduler, sched_setaffinity, sched_setattr.
    """

    audit: int
    refused: tuple[int, ...]
    pretended: tuple[int, ...]
    of_itself: tuple[int, ...]


MACHINES = {
    "x86_64": Machine(
        0xC000003E,
        (
            *(41, 425, 29, 64, 68, 240, 248, 249, 250, 103, 321, 298, 304),
            *(188, 189, 190, 197, 198, 199, 463, 466),
        ),
        (90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280, 141, 251),
        (302, 142, 144, 203, 314),
    ),
    "aarch64": Machine(
        0xC00000B7,
        (
            *(198, 425, 194, 190, 186, 180, 217, 218, 219, 116, 280, 241, 265),
            *(5, 6, 7, 14, 15, 16, 463, 466),
        ),
        (52, 53, 452, 54, 55, 88, 140, 30),
        (261, 118, 119, 122, 274),
    ),
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("yes", ctypes.c_uint8),
        ("no", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def refuse_calls() -> None:
    """Close sockets, and the kernel's own stores, to this thread and what it starts; there is no way back.

    Raises
    ------
    SystemCallError
        The kernel has no such filter, or the processor is not in :data:`MACHINES`.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise SystemCallError(errno.ENOSYS, f"no table of system calls for {platform.machine()}")
    program = _filter(machine)
    instructions = (_Instruction * len(program))(*program)
    forbid_new_privileges()
    prctl(SET_SECCOMP, FILTER, ctypes.byref(_Program(len(program), instructions)))


def _filter(machine: Machine) -> list[_Instruction]:
    """The program: a call jumps to the end that it is meant for; one that nothing names is allowed.

    Calls of another processor and of the second table are refused.
    """
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    # From the first of the last instructions: allowed, asked for the process, refused, pretended.
    ask, refuse, pretend = 1, 3, 4
    named = [
        *((number, refuse) for number in machine.refused),
        *((number, pretend) for number in machine.pretended),
        *((number, ask) for number in machine.of_itself),
    ]
    calls = len(named)
    return [
        _Instruction(load, 0, 0, PROCESSOR),
        _Instruction(equal, 0, calls + 2 + refuse, machine.audit),
        _Instruction(load, 0, 0, NUMBER),
        _Instruction(at_least, calls + refuse, 0, SECOND_TABLE),
        *(_Instruction(equal, calls - 1 - at + to, 0, number) for at, (number, to) in enumerate(named)),
        _Instruction(end, 0, 0, ALLOW),
        _Instruction(load, 0, 0, FIRST_ARGUMENT),
        _Instruction(equal, 2, 0, 0),
        _Instruction(end, 0, 0, REFUSE),
        _Instruction(end, 0, 0, PRETEND),
        _Instruction(end, 0, 0, ALLOW),
    ]
