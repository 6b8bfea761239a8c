"""Rows of a store combined into one, inside each fold and without training, from stored predictions alone.

The rule sees the labels of a fold's validation cases, never that of a test case. Validation cases on which a
member stopped early, chose epochs or was tuned are no new cases to it, so it looks better on them than
on a test case, and ``best`` and ``stack`` lean towards such members.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import StoreError, UsageError, parameter, unknown_name
from bench.methods.fingerprint import code_fingerprint
from bench.methods.method import MethodSpec
from bench.predictions.combined import RULES, Combined, Members, combine
from bench.predictions.results import combined_label, submitted_label, unisolated_label
from bench.predictions.table import long_predictions
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.collect import latest_cells
from bench.store.record import CellRecord, planned_record
from bench.store.store import FAILED, OK, PREDICTIONS, VALIDATION, Store
from bench.task import Task

NAMES = {"mean": "ensemble", "stack": "stack", "best": "best_by_validation"}
# The weakest first: a row made of several is held by the weakest fence of theirs.
FENCES = ("no", "python", "kernel")
CODE = "bench.predictions.combined:combine"

Keys = dict[tuple[int, int], tuple[CellRecord, Path]]


@dataclass(frozen=True)
class _Row:
    """A member: the cells of a row by seed and fold, and a hash of all that they predict."""

    label: str
    cells: Keys

    @property
    def digest(self) -> str:
        """SHA-256 of the tables of all completed cells."""
        held = sorted((key, sorted(record.tables.items())) for key, (record, _) in self.cells.items())
        return hashlib.sha256(repr(held).encode()).hexdigest()


def combine_rows(
    kind: str, members: Sequence[str], cohort: Cohort, split: Split, store: Store, name: str = ""
) -> list[Cell]:
    """Combine rows of a store into the row ``NAME (combined)``, a cell for each seed and fold.

    Parameters
    ----------
    kind
        ``mean``, ``stack`` or ``best``, see :mod:`bench.predictions.combined`.
    members
        Names of two rows or more, such as a method's.
    name
        Of the new row; ``ensemble``, ``stack`` or ``best_by_validation`` where empty.

    Returns
    -------
    list of Cell
        One a seed that a member has, and fold; a cell that some member lacks is stored as failed, with the
        reason, and its row is one with missing results.

    Raises
    ------
    UsageError
        An unknown kind or row, a row twice, fewer than two, or one that is combined itself.
    """
    if kind not in RULES:
        raise unknown_name("kind of combination", kind, RULES)
    rows = _rows(members, cohort, split, store)
    label = combined_label(name or NAMES[kind])
    seeds = sorted({seed for row in rows for seed, _ in row.cells})
    cells = []
    for seed in seeds:
        for fold in split.folds:
            cell = _cell(kind, label, rows, cohort, split, fold.index, seed)
            record, tables = _made(kind, cell, rows, cohort, split)
            store.commit(cell, record, tables)
            cells.append(cell)
    return cells


def _rows(members: Sequence[str], cohort: Cohort, split: Split, store: Store) -> list[_Row]:
    latest, _ = latest_cells(cohort, split, store)
    labels = [_label(name, latest) for name in members]
    if len(set(labels)) < max(2, len(labels)):
        raise UsageError(f"{parameter('members')} expects two different rows or more, got {labels}")
    held = {
        label: {cell.key: (cell.record, cell.folder) for cell in latest[label] if cell.record.status == OK}
        for label in labels
    }
    for label in labels:
        if any(record.combined for record, _ in held[label].values()):
            raise UsageError(f"{label} is combined itself: name the rows that it was combined from")
    return [_Row(label, held[label]) for label in sorted(labels)]


def _label(name: str, rows: Mapping[str, object]) -> str:
    for label in (name, submitted_label(name), unisolated_label(name)):
        if label in rows:
            return label
    raise unknown_name("row of this cohort and split", name, rows, "See `bench leaderboard` for all rows.")


def _cell(
    kind: str, label: str, rows: Sequence[_Row], cohort: Cohort, split: Split, fold: int, seed: int
) -> Cell:
    identity = {
        "cohort": cohort.fingerprint,
        "split": split.fingerprint,
        "method": label,
        "code": code_fingerprint(MethodSpec(kind, CODE, "")),
        "combined": {"kind": kind, **{row.label: row.digest for row in rows}},
        "fold": fold,
        "seed": seed,
    }
    digest = hashlib.sha256(repr(sorted(identity.items())).encode()).hexdigest()
    return Cell(cohort.name, split.name, label, fold, seed, identity, digest)


def _made(
    kind: str, cell: Cell, rows: Sequence[_Row], cohort: Cohort, split: Split
) -> tuple[CellRecord, dict[str, pd.DataFrame]]:
    """Record and tables of a cell; a failed one without tables where a member lacks it."""
    record = replace(planned_record(cell, cohort, split), ended=time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    told = {"kind": kind, "members": [row.label for row in rows]}
    key = (cell.seed, cell.fold)
    lacking = [row.label for row in rows if key not in row.cells]
    if lacking:
        reason = f"no result of {', '.join(lacking)} for seed {cell.seed}, fold {cell.fold}"
        return replace(record, status=FAILED, reason=reason, combined=told), {}
    found = [row.cells[key] for row in rows]
    try:
        combined, tasks = _combined(kind, cell, found, cohort, split)
    except (ValueError, StoreError) as error:
        return replace(record, status=FAILED, reason=str(error), combined=told), {}
    labels = told["members"]
    weights = {
        task: dict(zip(labels, one.weights.round(6).tolist(), strict=True)) for task, one in combined.items()
    }
    tables = _tables(cell, combined, tasks, cohort, split)
    inherited = _inherited([record for record, _ in found])
    return replace(record, status=OK, combined={**told, "weights": weights}, **inherited), tables


def _combined(
    kind: str, cell: Cell, found: Sequence[tuple[CellRecord, Path]], cohort: Cohort, split: Split
) -> tuple[dict[str, Combined], tuple[Task, ...]]:
    """Predictions of every task that all members predict."""
    fold = split.folds[cell.fold]
    val = cohort.take(fold.val)
    tables = {name: [_wide(folder / name) for _, folder in found] for name in (PREDICTIONS, VALIDATION)}
    tasks = tuple(task for task in cohort.tasks if all(task.name in one for one in tables[PREDICTIONS]))
    if not tasks:
        raise ValueError("the members have no task in common")
    constants = found[0][0].constants
    combined = {}
    for task in tasks:
        test, validation = (
            np.column_stack([_values(one, task.name, ids) for one in tables[name]])
            for name, ids in ((PREDICTIONS, fold.test), (VALIDATION, fold.val))
        )
        labels = val.labels(task.name)
        constant = constants.get(task.name, np.nan)
        members = Members(task, test, validation, labels, val.patient_ids, constant, cell.seed)
        combined[task.name] = combine(kind, members)
    return combined, tasks


def _wide(path: Path) -> pd.DataFrame:
    """Predictions by case and task."""
    if not path.is_file():
        raise StoreError(f"a member keeps no {path.name}; `bench submit --validation` takes them")
    return pd.read_parquet(path).pivot(index="case_id", columns="task", values="prediction")


def _values(table: pd.DataFrame, task: str, case_ids: Sequence[str]) -> np.ndarray:
    if task not in table:
        raise StoreError(f"a member has no validation predictions of {task}")
    said: np.ndarray = table[task].reindex(list(case_ids)).to_numpy(dtype=float)
    if np.isnan(said).any():
        raise StoreError(f"a member lacks {int(np.isnan(said).sum())} predictions of {task}")
    return said


def _tables(
    cell: Cell, combined: Mapping[str, Combined], tasks: tuple[Task, ...], cohort: Cohort, split: Split
) -> dict[str, pd.DataFrame]:
    fold = split.folds[cell.fold]
    parts = {PREDICTIONS: ("test", fold.test), VALIDATION: ("validation", fold.val)}
    return {
        name: long_predictions(
            cell.method,
            {task: getattr(one, part) for task, one in combined.items()},
            replace(cohort.take(case_ids), tasks=tasks),
            cell.fold,
            cell.seed,
        )
        for name, (part, case_ids) in parts.items()
    }


def _inherited(records: Sequence[CellRecord]) -> dict[str, Any]:
    """What a row costs and is held by that is made of these: all they cost, and the weakest fence."""
    fits = [record.fit_seconds for record in records if record.fit_seconds is not None]
    sizes = [record.parameters for record in records if record.parameters is not None]
    fences = [record.sealed for record in records if record.sealed in FENCES]
    doubted = [record.contract for record in records if record.contract not in (None, "passed")]
    return {
        "fit_seconds": sum(fits) if len(fits) == len(records) else None,
        "parameters": sum(sizes) if len(sizes) == len(records) else None,
        "sealed": min(fences, key=FENCES.index) if len(fences) == len(records) else None,
        "isolation": next((record.isolation for record in records if record.isolation), None),
        "contract": next(iter(doubted), None),
    }
