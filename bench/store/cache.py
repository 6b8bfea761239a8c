"""What the cache of this machine holds, and how old entries go."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.files import cache_dir

# Kinds whose entries lie in a folder for each generator, source or purpose.
NESTED = ("phantoms", "oracles", "sources", "contract")
DAY = 86_400


@dataclass(frozen=True)
class CacheEntry:
    """Something that the cache can make again: a phantom, the crops of a cohort, an environment.

    Parameters
    ----------
    kind
        Folder of the cache, such as ``crops``.
    path
        File or folder.
    size
        Bytes on disk, as the files say.
    used
        When a file of it was last read or written, in seconds since 1970; where the file system keeps no
        times of reading, when it was last written.
    """

    kind: str
    path: Path
    size: int
    used: float


def cache_entries() -> list[CacheEntry]:
    """All that the cache holds, by kind and path.

    Examples
    --------
    >>> all(entry.size >= 0 for entry in cache_entries())
    True
    """
    folder = cache_dir()
    kinds = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [_entry(kind.name, path) for kind in kinds for path in _paths(kind)]


def unused_for(entries: Iterable[CacheEntry], days: float, now: float) -> list[CacheEntry]:
    """Those that nothing has read or written for so many days before ``now``, in seconds since 1970."""
    return [entry for entry in entries if now - entry.used >= days * DAY]


def remove(entries: Iterable[CacheEntry]) -> int:
    """Remove entries; returns the bytes that they held.

    What is needed again is made again; a run that uses an entry meanwhile loses the cells that need it.
    """
    freed = 0
    for entry in entries:
        if _is_folder(entry.path):
            shutil.rmtree(entry.path)
        else:
            entry.path.unlink(missing_ok=True)
        freed += entry.size
    return freed


def _paths(kind: Path) -> list[Path]:
    inside = sorted(kind.iterdir())
    if kind.name not in NESTED:
        return inside
    return [path for folder in inside for path in (sorted(folder.iterdir()) if folder.is_dir() else [folder])]


def _entry(kind: str, path: Path) -> CacheEntry:
    files = [file for file in path.rglob("*") if not file.is_dir()] if _is_folder(path) else [path]
    states = [file.lstat() for file in files or [path]]
    used = max(max(state.st_mtime, state.st_atime) for state in states)
    return CacheEntry(kind, path, sum(state.st_size for state in states), used)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
