"""How every planned cell stands: ended and how, running and where, or not run; from the store alone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bench.errors import unknown_name
from bench.running.cell_output import last_report
from bench.running.stored_plan import StoredPlan
from bench.store.cell import Cell
from bench.store.claims import owner_of
from bench.store.record import CellRecord
from bench.store.store import FAILURES, OK, PROGRESS, Store

RUNNING, SKIPPED, NOT_RUN = "running", "skipped", "not-run"
STATUSES = (OK, *FAILURES, RUNNING, SKIPPED, NOT_RUN)


@dataclass(frozen=True)
class CellStatus:
    """One planned cell.

    Parameters
    ----------
    status
        One of :data:`STATUSES`.
    detail
        Why it failed, or how far and where it runs.
    record
        Its record, where it has ended.
    """

    cell: Cell
    status: str
    detail: str
    record: CellRecord | None = None


def statuses(text: str | None) -> tuple[str, ...]:
    """``failed,timeout`` as statuses of failed cells; raises UsageError for another name."""
    names = tuple(part.strip() for part in text.split(",")) if text else ()
    for name in names:
        if name not in FAILURES:
            raise unknown_name("status to retry", name, FAILURES)
    return names


def status_of_cells(store: Store, cells: Iterable[Cell]) -> list[CellStatus]:
    """The status of each cell, in order."""
    return [_status(store, cell) for cell in cells]


def status_rows(store: Store, plan: StoredPlan) -> list[dict[str, Any]]:
    """A row a method: how many of its cells stand how, and the first reason of a failure.

    Statuses that no cell has are left out, but for ``ok`` and ``not-run``.
    """
    by_method: dict[str, list[CellStatus]] = {}
    for cell in status_of_cells(store, plan.cells):
        by_method.setdefault(cell.cell.method, []).append(cell)
    seen = {cell.status for found in by_method.values() for cell in found}
    shown = [status for status in STATUSES if status in seen or status in (OK, NOT_RUN)]
    rows = [_row(method, found, shown) for method, found in by_method.items()]
    return rows + [
        {"method": method, "cells": 0, **dict.fromkeys(shown, 0), "detail": f"{SKIPPED}: {reason}"}
        for method, reason in plan.skipped.items()
    ]


def cell_rows(store: Store, plan: StoredPlan) -> list[dict[str, Any]]:
    """A row a cell with all that is known of it."""
    rows = []
    for cell in status_of_cells(store, plan.cells):
        record = cell.record
        rows.append(
            {
                "method": cell.cell.method,
                "split": cell.cell.split,
                "seed": cell.cell.seed,
                "fold": cell.cell.fold,
                "status": cell.status,
                "detail": cell.detail,
                "signal": (record and record.signal) or "",
                "peak_memory_mb": record.peak_memory_mb if record else None,
                "last_log_lines": (record and record.last_log_lines) or [],
            }
        )
    return rows


def _status(store: Store, cell: Cell) -> CellStatus:
    owner = owner_of(store.claims, cell.id)
    record = store.record(cell)
    if owner is not None and (record is None or record.status != OK):
        return CellStatus(cell, RUNNING, f"{_progress(store, cell)}on {owner['host']}", record)
    if record is None:
        return CellStatus(cell, NOT_RUN, "")
    return CellStatus(cell, record.status, record.reason, record)


def _progress(store: Store, cell: Cell) -> str:
    reported = last_report(store.work_folder(cell) / PROGRESS)
    return f"step {reported[0]} of {reported[1]} " if reported else ""


def _row(method: str, found: list[CellStatus], shown: list[str]) -> dict[str, Any]:
    counts = Counter(cell.status for cell in found)
    explained = [cell for cell in found if cell.detail]
    detail = f"fold {explained[0].cell.fold}: {explained[0].detail}" if explained else ""
    return {
        "method": method,
        "cells": len(found),
        **{status: counts[status] for status in shown},
        "detail": detail,
    }
