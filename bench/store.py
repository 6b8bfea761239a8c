"""The run store: one folder a cell, written aside and renamed whole.

Layout of a store::

    cells/<cohort>/<split>/<method>/s<seed>-f<fold>-<id>/   the cell, ended
    work/<id>/                                              what it has while it runs: log, scratch/, progress
    claims/<id>                                             who runs it, see :mod:`bench.claims`
    plans/<id>.json                                         what a run wants, see :mod:`bench.plans`
    splits/<cohort>-<split>-<fingerprint>.json              the materialised split
    damaged/                                                cells whose checksums do not hold, set aside

A cell holds ``record.json``, ``predictions.parquet`` (its test cases), ``validation.parquet`` (its validation
cases, on which thresholds are chosen), ``log.txt`` and ``model/``; a tuned one also ``study.journal``. The
record has a checksum of itself and of each table, so what was cut short or edited is never read as a result.
"""

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cells import Cell
from bench.errors import StoreError

RECORD, LOG, MODEL, SCRATCH, PROGRESS = "record.json", "log.txt", "model", "scratch", "progress.json"
PREDICTIONS, VALIDATION = "predictions.parquet", "validation.parquet"
# How a cell can end.
OK, FAILED, TIMEOUT, OUT_OF_MEMORY, CRASHED = "ok", "failed", "timeout", "out-of-memory", "crashed"
BAD_ENDS = (FAILED, TIMEOUT, OUT_OF_MEMORY, CRASHED)
Record = dict[str, Any]


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
        """Where the cell is while it runs; checkpoints of a broken run are still there."""
        return self.folder / "work" / cell.id[:16]

    def record(self, cell: Cell) -> Record | None:
        """The record of a finished cell, or None where there is none that can be read."""
        record = read_record(self.cell_folder(cell))
        return record if record and record["id"] == cell.id else None

    def is_done(self, cell: Cell) -> bool:
        """Whether the cell ended well and its predictions are there."""
        record = self.record(cell)
        return record is not None and record["status"] == OK

    def predictions(self, cell: Cell) -> pd.DataFrame:
        """The long table of a finished cell."""
        return pd.read_parquet(self.cell_folder(cell) / PREDICTIONS)

    def commit(self, cell: Cell, record: Record, tables: Mapping[str, pd.DataFrame]) -> Record:
        """Write record and tables (by file name) aside, rename them to the cell's place; the record as kept.

        What lies in the work folder beside scratch and progress, such as log and model, goes along. Of a cell
        that was cut short only the log does: the rest stays, and a retry continues from it.
        """
        work, final = self.work_folder(cell), self.cell_folder(cell)
        aside = work / f"cell.{uuid.uuid4().hex[:8]}"
        try:
            aside.mkdir(parents=True)
            for name, table in tables.items():
                table.to_parquet(aside / name, index=False)
            ended = record["status"] in (OK, FAILED)
            if ended:
                for path in _to_keep(work):
                    path.replace(aside / path.name)
            elif (work / LOG).is_file():  # a process may end before it has logged a word
                shutil.copy(work / LOG, aside)
            kept = write_record(aside, {**record, "tables": {name: _digest(aside / name) for name in tables}})
            final.parent.mkdir(parents=True, exist_ok=True)
            if final.exists():
                shutil.rmtree(final)
            aside.rename(final)
            if ended:
                shutil.rmtree(work, ignore_errors=True)
        except OSError as error:
            raise StoreError(f"cannot write to the run store {self.folder}: {error}") from error
        return kept

    def set_aside_damaged(self, cell: Cell) -> Path | None:
        """Move a cell that is there but not whole out of the way; where it went, or None."""
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

    def records(self, cohort: str = "*", split: str = "*") -> list[tuple[Path, Record]]:
        """Every readable record with its folder."""
        found = ((folder, read_record(folder)) for folder in self.cell_folders(cohort, split))
        return [(folder, record) for folder, record in found if record]

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


def write_whole(path: Path, text: str) -> None:
    """Write a file aside and rename it, so that no reader sees half of it."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_text(text)
    aside.replace(path)


def write_record(folder: Path, record: Record) -> Record:
    """Write a cell's record with its checksum; the record as written."""
    plain = json.loads(json.dumps({**record, "checksum": ""}, default=str))
    stamped = {**plain, "checksum": _checksum(plain)}
    (folder / RECORD).write_text(json.dumps(stamped, indent=1, sort_keys=True) + "\n")
    return stamped


def read_record(folder: Path) -> Record | None:
    """The record of a cell's folder, or None where it or a table of it is missing, cut short or edited."""
    try:
        record = json.loads((folder / RECORD).read_bytes())
        whole = isinstance(record, dict) and record.get("checksum") == _checksum(record)
        if whole and all(_digest(folder / name) == its for name, its in record["tables"].items()):
            return dict(record)
    except (OSError, ValueError):
        return None
    return None


def _to_keep(work: Path) -> list[Path]:
    return [its for its in work.iterdir() if its.name not in (SCRATCH, PROGRESS) and its.name[:5] != "cell."]


def _checksum(record: Record) -> str:
    text = json.dumps({**record, "checksum": ""}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _safe(name: str) -> str:
    """A name as a folder: letters, digits and ``._@=,*-`` kept."""
    return re.sub(r"[^\w.@=,*-]+", "_", name)
