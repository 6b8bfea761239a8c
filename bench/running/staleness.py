"""Why cells of a plan have no result: what differs from those that the store has of the same method."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from bench.errors import unknown_name
from bench.running.plan import Plan
from bench.store.cell import Cell
from bench.store.record import CellRecord

WORDS = {
    "code": "code that the method's class reaches",
    "distributions": "version of a library",
    "files": "content of a declared file",
    "members": "member of the ensemble",
    "environment": "environment of the method",
    "packages": "package of the environment",
    "container": "image of the container",
    "params": "hyperparameter",
    "cohort": "fingerprint of the cohort",
    "split": "fingerprint of the split",
    "preprocessing": "version of the crops",
    "tuning": "budget of the search",
}
LONGEST = 40


def why_rows(planned: Plan, method: str) -> list[dict[str, Any]]:
    """A row for each difference between what a run would make now and what the store has.

    Parameters
    ----------
    planned
        The plan as cohort, plugins and program are now.
    method
        Name of its row.

    Returns
    -------
    list of dict
        ``what`` differs, what it ``was`` and what it ``is``, and the number of ``cells``; empty where every
        cell is current.

    Raises
    ------
    UsageError
        The plan has no such row.
    """
    labels = {cell.method for cell in planned.cells}
    if method not in labels:
        raise unknown_name("method of the plan", method, labels)
    records = [record for _, record in planned.store.records(planned.cohort.name)]
    counts = Counter(
        difference
        for cell in planned.cells
        if cell.method == method
        for difference in _differences(planned, cell, records)
    )
    return [
        {"what": what, "was": was, "is": now, "cells": number} for (what, was, now), number in counts.items()
    ]


def _differences(planned: Plan, cell: Cell, records: list[CellRecord]) -> Iterator[tuple[str, str, str]]:
    """What differs in the identity where the cell has no result."""
    if planned.store.record(cell) is not None:
        return
    last = _last(cell, records)
    if last is None:
        yield "never run", "", ""
        return
    if "packages" in last.identity and "packages" not in cell.identity:
        yield "environment of the method, which is not built here: the next run does it", "", ""
        return
    for key in sorted({*last.identity, *cell.identity}):
        yield from _changed(WORDS.get(key, key), last.identity.get(key), cell.identity.get(key))


def _last(cell: Cell, records: list[CellRecord]) -> CellRecord | None:
    """The record that was made last in the place of a cell."""
    place = (cell.split, cell.method, cell.seed, cell.fold)
    same = [one for one in records if (one.split, one.method, one.seed, one.fold) == place]
    return max(same, key=lambda record: record.ended or "", default=None)


def _changed(words: str, was: Any, now: Any) -> Iterator[tuple[str, str, str]]:
    """What differs in a part of the identity, down to single values where both are objects."""
    if was == now:
        return
    if not (isinstance(was or {}, Mapping) and isinstance(now or {}, Mapping)):
        yield words, _short(was), _short(now)
        return
    before, after = was or {}, now or {}
    for name in sorted({*before, *after}):
        yield from _changed(f"{words}: {name}", before.get(name), after.get(name))


def _short(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= LONGEST else f"{text[:12]}..."
