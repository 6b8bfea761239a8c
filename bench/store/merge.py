"""Cells of one run store taken into another, such as those of a second machine."""

import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import StoreError, UsageError
from bench.store.record import CellRecord
from bench.store.store import OK, Store, read_record


@dataclass(frozen=True)
class Merged:
    """What became of the cells of other stores, by their folders there.

    Parameters
    ----------
    taken
        Copied: the store had none, or one that failed where this one was completed.
    present
        Not copied: the store has the same result.
    different
        Not copied: the store has another result of the same cell, which stays.
    damaged
        Not copied: the record or a table of it is cut short or was edited.
    """

    taken: tuple[Path, ...] = ()
    present: tuple[Path, ...] = ()
    different: tuple[Path, ...] = ()
    damaged: tuple[Path, ...] = ()


def merge_stores(store: Store, others: Iterable[Store]) -> Merged:
    """Take the ended cells of other stores into one; what it has stays as it is.

    A copy is renamed to its place when it is whole, so that an interruption leaves no half cell; the same
    call goes on where it stopped.

    Raises
    ------
    UsageError
        Another store is no folder, or the store itself.
    StoreError
        The store cannot be written.
    """
    found: dict[str, list[Path]] = {}
    for other in others:
        _require_another(store, other)
        for folder in other.cell_folders():
            place = store.folder / folder.relative_to(other.folder)
            fate = _fate(read_record(folder), read_record(place) if place.is_dir() else None)
            if fate == "taken":
                _copy(folder, place, store)
            found.setdefault(fate, []).append(folder)
        for split in sorted((other.folder / "splits").glob("*.json")):
            if not (store.folder / "splits" / split.name).is_file():
                store.put_text(f"splits/{split.name}", split.read_text(encoding="utf-8"))
    return Merged(**{fate: tuple(folders) for fate, folders in found.items()})


def _require_another(store: Store, other: Store) -> None:
    if not (other.folder / "cells").is_dir():
        raise UsageError(f"{other.folder} is no run store: it holds no folder 'cells'")
    if other.folder.resolve() == store.folder.resolve():
        raise UsageError(f"{other.folder} is the store to merge into; name another one")


def _fate(theirs: CellRecord | None, ours: CellRecord | None) -> str:
    """What becomes of a cell that another store has, where this one has ``ours`` or none."""
    if theirs is None:
        return "damaged"
    if ours is None or (theirs.status == OK and ours.status != OK):
        return "taken"
    same = theirs.tables == ours.tables or theirs.status != OK
    return "present" if same else "different"


def _copy(folder: Path, place: Path, store: Store) -> None:
    """Copy a cell whole."""
    temporary = store.folder / "work" / f"merged.{uuid.uuid4().hex[:12]}"
    try:
        shutil.copytree(folder, temporary)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            shutil.rmtree(place)
        temporary.rename(place)
    except OSError as error:
        raise StoreError(f"cannot write to the run store {store.folder}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
