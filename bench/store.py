"""The run store: one folder a cell, written aside and renamed whole.

Layout of a store::

    cells/<cohort>/<split>/<method>/s<seed>-f<fold>-<id>/   the cell, finished
    work/<id>/                                              the same, while it runs
    splits/<cohort>-<split>-<fingerprint>.json              the materialised split

A cell holds ``record.json``, ``predictions.parquet`` (its test cases), ``validation.parquet`` (its validation
cases, on which thresholds are chosen), ``log.txt`` and ``model/``; a tuned one also ``study.journal``.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cells import Cell
from bench.errors import StoreError

RECORD, LOG, MODEL = "record.json", "log.txt", "model"
PREDICTIONS, VALIDATION = "predictions.parquet", "validation.parquet"
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
        return record is not None and record["status"] == "ok"

    def predictions(self, cell: Cell) -> pd.DataFrame:
        """The long table of a finished cell."""
        return pd.read_parquet(self.cell_folder(cell) / PREDICTIONS)

    def commit(self, cell: Cell, record: Record, tables: Mapping[str, pd.DataFrame]) -> None:
        """Write record and tables (by file name) into the work folder and rename it to its final place."""
        work, final = self.work_folder(cell), self.cell_folder(cell)
        try:
            work.mkdir(parents=True, exist_ok=True)
            for name, table in tables.items():
                table.to_parquet(work / name, index=False)
            (work / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True, default=str) + "\n")
            final.parent.mkdir(parents=True, exist_ok=True)
            if final.exists():
                shutil.rmtree(final)
            work.rename(final)
        except OSError as error:
            raise StoreError(f"cannot write to the run store {self.folder}: {error}") from error

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
        path = self.folder / "splits" / f"{_safe(cohort)}-{_safe(name)}-{fingerprint[:16]}.json"
        if path.is_file():
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(f".{os.getpid()}")
            aside.write_text(text)
            aside.replace(path)
        except OSError as error:
            raise StoreError(f"cannot write to the run store {self.folder}: {error}") from error


def read_record(folder: Path) -> Record | None:
    """The record of a cell's folder, or None where it is missing or not whole."""
    try:
        record = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and {"id", "status", "identity"} <= record.keys()
    if whole and record["status"] == "ok" and not (folder / PREDICTIONS).is_file():
        return None
    return record if whole else None


def _safe(name: str) -> str:
    """A name as a folder: letters, digits and ``._@=,*-`` kept."""
    return re.sub(r"[^\w.@=,*-]+", "_", name)
