"""How every planned cell stands: ended and how, running and where, or not run; from the store alone."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bench.cells import Cell
from bench.claims import owner_of
from bench.names import unknown_name
from bench.plans import StoredPlan
from bench.store import BAD_ENDS, OK, PROGRESS, Record, Store

RUNNING, SKIPPED, NOT_RUN = "running", "skipped", "not-run"
STATUSES = (OK, *BAD_ENDS, RUNNING, SKIPPED, NOT_RUN)


@dataclass(frozen=True)
class CellStatus:
    """One planned cell.

    Parameters
    ----------
    status
        One of :data:`STATUSES`.
    detail
        Why it ended badly, or how far and where it runs.
    record
        Its record, where it has ended.
    """

    cell: Cell
    status: str
    detail: str
    record: Record | None = None


def statuses(text: str | None) -> tuple[str, ...]:
    """``failed,timeout`` as names of bad ends; raises UsageError for another name."""
    names = tuple(its.strip() for its in text.split(",")) if text else ()
    for name in names:
        if name not in BAD_ENDS:
            raise unknown_name("status to retry", name, BAD_ENDS)
    return names


def status_of_cells(store: Store, cells: Iterable[Cell]) -> list[CellStatus]:
    """The status of each cell, in order."""
    return [_status(store, cell) for cell in cells]


def status_rows(store: Store, plan: StoredPlan) -> list[dict[str, Any]]:
    """A row a method: how many of its cells stand how, and the first reason of a bad end.

    Statuses that no cell has are left out, but for ``ok`` and ``not-run``.
    """
    by_method: dict[str, list[CellStatus]] = {}
    for its in status_of_cells(store, plan.cells):
        by_method.setdefault(its.cell.method, []).append(its)
    seen = {its.status for found in by_method.values() for its in found}
    shown = [its for its in STATUSES if its in seen or its in (OK, NOT_RUN)]
    rows = [_row(method, found, shown) for method, found in by_method.items()]
    return rows + [
        {"method": method, "cells": 0, **dict.fromkeys(shown, 0), "detail": f"{SKIPPED}: {reason}"}
        for method, reason in plan.skipped.items()
    ]


def cell_rows(store: Store, plan: StoredPlan) -> list[dict[str, Any]]:
    """A row a cell with all that is known of it."""
    rows = []
    for its in status_of_cells(store, plan.cells):
        record = its.record or {}
        rows.append(
            {
                "method": its.cell.method,
                "split": its.cell.split,
                "seed": its.cell.seed,
                "fold": its.cell.fold,
                "status": its.status,
                "detail": its.detail,
                "signal": record.get("signal", ""),
                "peak_memory_mb": record.get("peak_memory_mb"),
                "last_log_lines": record.get("last_log_lines", []),
            }
        )
    return rows


def _status(store: Store, cell: Cell) -> CellStatus:
    owner = owner_of(store.claims, cell.id)
    record = store.record(cell)
    if owner is not None and (record is None or record["status"] != OK):
        return CellStatus(cell, RUNNING, f"{_progress(store, cell)}on {owner['host']}", record)
    if record is None:
        return CellStatus(cell, NOT_RUN, "")
    return CellStatus(cell, record["status"], record["reason"], record)


def _progress(store: Store, cell: Cell) -> str:
    try:
        found = json.loads((store.work_folder(cell) / PROGRESS).read_text())
        return f"step {found['step']} of {found['total']} "
    except (OSError, ValueError, KeyError):
        return ""


def _row(method: str, found: list[CellStatus], shown: list[str]) -> dict[str, Any]:
    counts = Counter(its.status for its in found)
    told = [its for its in found if its.detail]
    detail = f"fold {told[0].cell.fold}: {told[0].detail}" if told else ""
    return {"method": method, "cells": len(found), **{its: counts[its] for its in shown}, "detail": detail}
