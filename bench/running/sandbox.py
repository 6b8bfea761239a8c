"""A fence round the run store: while a method runs, it may write to its own folder of the store alone.

It sees what Python opens, renames, makes and removes (audit events, PEP 578), which stops mistakes; a method
that writes through other means is found by the checksums of the store.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = {
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.truncate",
    "os.link",
    "os.symlink",
    "os.chmod",
}
# Store and allowed folder; an audit hook stays for good, so it asks here whether it has a duty.
_fenced: list[tuple[str, str]] = []


@contextmanager
def fenced(store: Path, allowed: Path) -> Iterator[None]:
    """Raise PermissionError where anything but ``allowed`` is changed within ``store``."""
    _install()
    _fenced.append((f"{store.resolve()}{os.sep}", f"{allowed.resolve()}{os.sep}"))
    try:
        yield
    finally:
        _fenced.pop()


@cache
def _install() -> None:
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _fenced:
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        _refuse(arguments[:1])
    elif event in _CHANGING:
        _refuse(arguments[:2])


def _refuse(paths: tuple[Any, ...]) -> None:
    store, allowed = _fenced[-1]
    for path in paths:
        if not isinstance(path, str | bytes | os.PathLike):
            continue
        place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        if place.startswith(store) and not f"{place}{os.sep}".startswith(allowed):
            raise PermissionError(f"wrote to the run store outside its own folder: {place}")
