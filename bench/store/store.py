"""The run store: one folder a cell, written under a temporary name and renamed whole.

Layout of a store::

    cells/<cohort>/<split>/<method>/s<seed>-f<fold>-<id>/   the cell, completed or failed
    work/<id>/                                              what it has while it runs: log, scratch/, progress
    views/<id>/                                             what its method is shown of its cases meanwhile
    claims/<id>                                             who runs it, see :mod:`bench.store.claims`
    plans/<id>.json                                         what a run wants: :mod:`bench.running.stored_plan`
    splits/<cohort>-<split>-<fingerprint>.json              the materialised split
    damaged/                                                cells whose checksums do not hold, quarantined

A cell holds ``record.json``, ``predictions.parquet`` (its test cases), ``validation.parquet`` (its validation
cases, on which thresholds are chosen), ``log.txt`` and ``model/``; a tuned one also ``study.journal``. The
record has a checksum of itself and of each table, so what was cut short or edited is never read as a result.
"""

import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import StoreError
from bench.files import remove_unless_plain, write_whole
from bench.store.cell import Cell
from bench.store.record import CellRecord, broken_value

RECORD, LOG, MODEL, SCRATCH, PROGRESS = "record.json", "log.txt", "model", "scratch", "progress.json"
PREDICTIONS, VALIDATION = "predictions.parquet", "validation.parquet"
# How a cell can end: completed, or failed in one of the ways of FAILURES.
OK, FAILED, TIMEOUT, OUT_OF_MEMORY, CRASHED = "ok", "failed", "timeout", "out-of-memory", "crashed"
# The machine was at fault, as where a disk is full or a process was ended from outside: such a cell is tried
# again at once, until it was ended so often, and once more by every later run.
MACHINE, MOST_TRIES = "machine", 3
FAILURES = (FAILED, TIMEOUT, OUT_OF_MEMORY, CRASHED, MACHINE)


@dataclass(frozen=True)
class Store:
    """A run store in a folder."""

    folder: Path

    def cell_folder(self, cell: Cell) -> Path:
        """Where the finished cell lies."""
        parts = (cell.cohort, cell.split, cell.method)
        return self.folder.joinpath(
            "cells", *(_safe(part) for part in parts), f"s{cell.seed}-f{cell.fold}-{cell.id[:12]}"
        )

    @property
    def claims(self) -> Path:
        """Folder of the claims."""
        return self.folder / "claims"

    def work_folder(self, cell: Cell) -> Path:
        """Where the cell is while it runs; checkpoints of an interrupted run are still there."""
        return self.folder / "work" / cell.id[:16]

    def open_work(self, cell: Cell) -> Path:
        """The work folder, made where there is none; what an earlier try left there leads nowhere else."""
        work = self.work_folder(cell)
        work.mkdir(parents=True, exist_ok=True)
        for name in (LOG, PROGRESS, SCRATCH):
            remove_unless_plain(work / name)
        (work / SCRATCH).mkdir(exist_ok=True)
        return work

    def view_folder(self, cell: Cell) -> Path:
        """Where the cell's method finds its cases while it runs."""
        return self.folder / "views" / cell.id[:16]

    def record(self, cell: Cell) -> CellRecord | None:
        """The record of a finished cell, or None where there is none that can be read."""
        record = read_record(self.cell_folder(cell))
        return record if record and record.id == cell.id else None

    def is_done(self, cell: Cell) -> bool:
        """Whether the cell is completed and its predictions are there."""
        record = self.record(cell)
        return record is not None and record.status == OK

    def predictions(self, cell: Cell) -> pd.DataFrame:
        """The long table of a finished cell."""
        return pd.read_parquet(self.cell_folder(cell) / PREDICTIONS)

    def commit(self, cell: Cell, record: CellRecord, tables: Mapping[str, pd.DataFrame]) -> CellRecord:
        """Write record and tables (by file name) to the cell's place, whole or not at all; gives the record.

        What lies in the work folder beside scratch and progress, such as log and model, goes along. Of a cell
        that was cut short only the log does: the rest stays, and a retry continues from it.
        """
        work, final = self.work_folder(cell), self.cell_folder(cell)
        if record.status == MACHINE:
            earlier = self.record(cell)
            record = replace(record, tries=1 + ((earlier and earlier.tries) or 0))
        temporary = work / f"cell.{uuid.uuid4().hex[:8]}"
        try:
            temporary.mkdir(parents=True)
            for name, table in tables.items():
                table.to_parquet(temporary / name, index=False)
            ended = record.status in (OK, FAILED)
            if ended:
                for path in _to_keep(work):
                    path.replace(temporary / path.name)
            elif _is_plain(work / LOG):  # a process may end before it has logged a word
                shutil.copy(work / LOG, temporary)
            digests = {name: _digest(temporary / name) for name in tables}
            kept = write_record(temporary, replace(record, tables=digests))
            final.parent.mkdir(parents=True, exist_ok=True)
            if final.exists():
                shutil.rmtree(final)
            temporary.rename(final)
            if ended:
                shutil.rmtree(work, ignore_errors=True)
        except OSError as error:
            raise StoreError(f"cannot write to the run store {self.folder}: {error}") from error
        return kept

    def quarantine_damaged(self, cell: Cell) -> Path | None:
        """Quarantine a cell that is there but not whole; where it went, or None."""
        folder = self.cell_folder(cell)
        if not folder.is_dir() or self.record(cell) is not None:
            return None
        away = self.folder / "damaged" / f"{cell.id[:16]}.{uuid.uuid4().hex[:8]}"
        try:
            away.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(away)
        except OSError as error:
            raise StoreError(f"cannot write to the run store {self.folder}: {error}") from error
        return away

    def cell_folders(self, cohort: str = "*", split: str = "*") -> Iterator[Path]:
        """Folders of finished cells."""
        pattern = f"{_safe(cohort)}/{_safe(split)}/*/*"
        yield from sorted((self.folder / "cells").glob(pattern))

    def records(self, cohort: str = "*", split: str = "*") -> list[tuple[Path, CellRecord]]:
        """Every readable record with its folder."""
        found = ((folder, read_record(folder)) for folder in self.cell_folders(cohort, split))
        return [(folder, record) for folder, record in found if record]

    def sample(self, method: str, most: int) -> list[CellRecord]:
        """Readable records of a row on any cohort and split: at most so many, spread over its cells."""
        folders = sorted((self.folder / "cells").glob(f"*/*/{_safe(method)}/*"))
        spread = folders[:: max(1, len(folders) // most)][:most]
        return [record for record in map(read_record, spread) if record and record.method == method]

    def written(self, cell: Cell) -> tuple[int, int] | None:
        """What changes when the cell's record is written, without reading it; None where there is none."""
        try:
            state = (self.cell_folder(cell) / RECORD).stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_ino

    def keep_split(self, cohort: str, name: str, fingerprint: str, text: str) -> None:
        """Materialise a split once."""
        place = f"splits/{_safe(cohort)}-{_safe(name)}-{fingerprint[:16]}.json"
        if not (self.folder / place).is_file():
            self.put_text(place, text)

    def put_text(self, name: str, text: str) -> None:
        """Write a file of the store whole."""
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
        except OSError as error:
            raise StoreError(f"cannot write to the run store {self.folder}: {error}") from error


def is_tried_again(record: CellRecord) -> bool:
    """Whether the machine ended the cell, and not yet so often that the run gives it up."""
    return record.status == MACHINE and (record.tries or 0) < MOST_TRIES


def write_record(folder: Path, record: CellRecord) -> CellRecord:
    """Write a cell's record with its checksum; the record as written."""
    plain = json.loads(json.dumps(record.to_json(), default=str))
    stamped = {**plain, "checksum": _checksum(plain)}
    (folder / RECORD).write_text(json.dumps(stamped, indent=1, sort_keys=True) + "\n")
    return CellRecord.from_json(stamped)


def read_record(folder: Path) -> CellRecord | None:
    """The record of a cell's folder, or None where it or a table of it is missing, cut short or edited.

    A record with a value that no cell has, such as an end that is no time, counts as edited.

    Raises StoreError where another version of the program wrote it in a way that this one cannot read.
    """
    content = _whole_content(folder)
    if content is None:
        return None
    try:
        return CellRecord.from_json(content)
    except StoreError as error:
        raise StoreError(f"{folder}: {error}") from None


def _whole_content(folder: Path) -> dict[str, Any] | None:
    """The JSON of a record whose checksums hold and whose values a cell can have, else None."""
    try:
        content = json.loads((folder / RECORD).read_bytes())
        if not isinstance(content, dict) or content.get("checksum") != _checksum(content):
            return None
        if broken_value(content):
            return None
        tables = content["tables"].items()
        return content if all(_digest(folder / name) == digest for name, digest in tables) else None
    except (OSError, ValueError):
        return None


def _to_keep(work: Path) -> list[Path]:
    """What a method left beside its scratch folder, but for links and what has the name of a file of ours."""
    ours = (SCRATCH, PROGRESS, RECORD, PREDICTIONS, VALIDATION)
    left = [path for path in work.iterdir() if path.name not in ours and path.name[:5] != "cell."]
    return [path for path in left if _is_plain(path) or (path.is_dir() and not path.is_symlink())]


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps({**content, "checksum": ""}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _safe(name: str) -> str:
    """A name as a folder: letters, digits and ``._@=,*-`` kept."""
    return re.sub(r"[^\w.@=,*-]+", "_", name)
