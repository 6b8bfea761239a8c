"""Who runs a cell: an atomic claim with a lease, so that several runs on one store do each cell once.

A claim is a file ``claims/<id>`` of the store. A fresh one is made with a hard link, which is atomic on local
file systems and on NFS, Lustre, GPFS and BeeGFS; object stores behind FUSE have no hard links, and are
refused.
Its owner touches it while the cell runs. A claim that was not touched for :data:`LEASE_SECONDS`, or whose
processes on this machine are gone, is taken over under a file lock.
"""

import hashlib
import json
import os
import socket
import time
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from bench.errors import StoreError

LEASE_SECONDS = 60.0
RENEW_SECONDS = 10.0
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")


@dataclass(frozen=True)
class Claim:
    """The right to run one cell, until it is released or its lease ends."""

    path: Path
    token: str


def claim(folder: Path, cell_id: str, worker: int | None = None) -> Claim | None:
    """Claim a cell; None where a living run holds it.

    Parameters
    ----------
    folder
        Claims of the store.
    worker
        Process that will run the cell, beside this one; its life keeps the claim too.

    Raises
    ------
    StoreError
        The store cannot be written, or its file system has no hard links.
    """
    path, token = folder / cell_id[:16], uuid.uuid4().hex
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{path.name}.{token}"
        temporary.write_text(json.dumps(_owner(token, worker)))
        try:
            return Claim(path, token) if _link(temporary, path) or _take_over(temporary, path) else None
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write to the run store {folder.parent}: {error}") from error


def renew(held: Claim) -> bool:
    """Extend the lease; False where another run has taken the cell over."""
    if _read(held.path).get("token") != held.token:
        return False
    try:
        os.utime(held.path)
    except OSError:
        return False
    return True


def release(held: Claim) -> None:
    """Give the cell up, unless another run has taken it over."""
    if _read(held.path).get("token") == held.token:
        held.path.unlink(missing_ok=True)


def owner_of(folder: Path, cell_id: str) -> dict[str, Any] | None:
    """Host and processes of the living run that holds a cell, or None."""
    path = folder / cell_id[:16]
    owner = _read(path)
    return owner if owner and not _ended(path, owner, _now_of(folder)) else None


def claimed(folder: Path) -> set[str]:
    """Beginnings of the ids of all cells that are claimed, by living runs or not."""
    try:
        return {path.name for path in folder.iterdir() if "." not in path.name}
    except FileNotFoundError:
        return set()


def _link(temporary: Path, path: Path) -> bool:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    return True


def _take_over(temporary: Path, path: Path) -> bool:
    """Put our claim in place of one that has ended; whether we did."""
    if not _ended(path, _read(path), temporary.stat().st_mtime):
        return False
    with FileLock(path.parent / ".lock"):
        if path.exists() and not _ended(path, _read(path), temporary.stat().st_mtime):
            return False
        temporary.replace(path)
        return True


def _ended(path: Path, owner: dict[str, Any], now: float) -> bool:
    """Whether the lease is over; ``now`` by the clock of the file system that keeps the claim."""
    try:
        touched = path.stat().st_mtime
    except OSError:
        return True
    if now - touched > LEASE_SECONDS:
        return True
    return owner.get("machine") == _machine() and not any(map(_alive, owner["processes"]))


def _alive(process: list[float]) -> bool:
    """Whether the process lives, and is not another one that was given its number."""
    number, started = process
    try:
        running = psutil.Process(int(number))
        return running.status() != psutil.STATUS_ZOMBIE and abs(running.create_time() - started) < 1.0
    except psutil.NoSuchProcess:
        return False


def _owner(token: str, worker: int | None) -> dict[str, Any]:
    numbers = [os.getpid()] if worker is None else [os.getpid(), worker]
    processes = []
    for number in numbers:
        try:
            processes.append([number, psutil.Process(number).create_time()])
        except psutil.NoSuchProcess:
            continue
    return {"token": token, "host": socket.gethostname(), "machine": _machine(), "processes": processes}


@cache
def _machine() -> str:
    """The machine since it started, and the container on it: where process numbers have one meaning."""
    boot = _BOOT.read_text() if _BOOT.is_file() else ""
    namespace = str(_NAMESPACE.readlink()) if _NAMESPACE.is_symlink() else ""
    return hashlib.sha256(f"{socket.gethostname()} {boot} {namespace}".encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _now_of(folder: Path) -> float:
    """The file system's clock, as a claim would be stamped."""
    probe = folder / f".clock.{uuid.uuid4().hex}"
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:  # a store that can only be read
        return time.time()
    return now
