"""Why cells of a plan have no result: what differs from those that the store has of the same method."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from bench.errors import unknown_name
from bench.methods.environments.building import packages_of
from bench.running.plan import Plan
from bench.store.cell import Cell
from bench.store.record import CellRecord

WORDS = {
    "code": "code that the method's class reaches",
    "distributions": "version of a library",
    "files": "content of a declared file",
    "members": "member of the ensemble",
    "environment": "environment of the method",
    "container": "image of the container",
    "params": "hyperparameter",
    "cohort": "fingerprint of the cohort",
    "split": "fingerprint of the split",
    "preprocessing": "version of the crops",
    "tuning": "budget of the search",
}
# The requirements name an environment, not what uv found for them: cells of both are of one method.
PACKAGES = "package of the environment, for which no cell runs again"
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
        cell is current. Cells whose environment has other packages now have rows too, though they are
        current: uv built it anew, and requirements had left versions open.

    Raises
    ------
    UsageError
        The plan has no such row.
    """
    labels = {cell.method for cell in planned.cells}
    if method not in labels:
        raise unknown_name("method of the plan", method, labels)
    records = [record for _, record in planned.store.records(planned.cohort.name)]
    packages = packages_of(planned.variants[method].spec)
    counts = Counter(
        difference
        for cell in planned.cells
        if cell.method == method
        for difference in _all_differences(planned, cell, records, packages)
    )
    return [
        {"what": what, "was": was, "is": now, "cells": number} for (what, was, now), number in counts.items()
    ]


def _all_differences(
    planned: Plan, cell: Cell, records: list[CellRecord], packages: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str, str]]:
    """What differs in the identity where the cell has no result, and in its environment."""
    last = planned.store.record(cell)
    if last is None:
        last = _last(cell, records)
        if last is None:
            yield "never run", "", ""
            return
        yield from _changed(last.identity, cell.identity)
    for name, now in packages.items():
        was = (last.packages or {}).get(name, now)
        pairs = ((one, was.get(one, ""), now.get(one, "")) for one in sorted({*was, *now}))
        yield from ((f"{PACKAGES}: {one}", before, after) for one, before, after in pairs if before != after)


def _last(cell: Cell, records: list[CellRecord]) -> CellRecord | None:
    """The record that was made last in the place of a cell."""
    place = (cell.split, cell.method, cell.seed, cell.fold)
    same = [one for one in records if (one.split, one.method, one.seed, one.fold) == place]
    return max(same, key=lambda record: record.ended or "", default=None)


def _changed(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key in sorted({*was, *now}):
        before, after = was.get(key), now.get(key)
        if before == after:
            continue
        words = WORDS.get(key, key)
        if isinstance(before or {}, Mapping) and isinstance(after or {}, Mapping):
            inner = sorted({*(before or {}), *(after or {})})
            pairs = ((name, (before or {}).get(name), (after or {}).get(name)) for name in inner)
            yield from ((f"{words}: {name}", _short(a), _short(b)) for name, a, b in pairs if a != b)
        else:
            yield words, _short(before), _short(after)


def _short(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= LONGEST else f"{text[:12]}..."
