"""What a run would do and how long it would take; nothing is made, fitted or stored."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from bench.methods.named_cohort import cohort_listed
from bench.running.estimate import Estimate, estimate_cell
from bench.running.experiment import Experiment
from bench.running.plan import Plan, make_plan
from bench.store.cell import Cell

Row = dict[str, Any]


def dry_run_rows(experiment: Experiment, quiet: bool, retry: Collection[str] = ()) -> list[Row]:
    """The plan, a method a row, with the time it will take; the last row is the sum of what is known.

    Times are those of cells one after another: ``jobs`` divides them. Failed cells count as done,
    unless ``retry`` names how they ended.
    """
    planned = make_plan(experiment, quiet, cohort_listed, builds=False)
    missing, _ = planned.to_run(retry)
    rows = [_row(planned, label, missing) for label in planned.variants]
    known = [row["seconds"] for row in rows if row["seconds"] is not None]
    unknown = len(rows) - len(known)
    left_out = (
        f"{unknown} method{'s' if unknown > 1 else ''} without an estimate {'are' if unknown > 1 else 'is'}"
    )
    every = {
        "method": "all",
        "cells": len(planned.every_cell),
        "done": len(planned.every_cell) - len(missing),
        "seconds": sum(known),
        "estimated_from": f"{left_out} left out" if unknown else "",
    }
    return [*rows, every]


def _row(planned: Plan, label: str, missing: Sequence[Cell]) -> Row:
    cells = [cell for cell in planned.every_cell if cell.method == label]
    todo = [cell for cell in missing if cell.method == label]
    row: Row = {"method": label, "cells": len(cells), "done": len(cells) - len(todo), "seconds": 0}
    if label in planned.skipped:
        return row | {"estimated_from": f"skipped: {planned.skipped[label]}"}
    if not todo:
        return row | {"estimated_from": ""}
    estimate = _estimate(planned, label, todo)
    seconds = None if estimate.seconds is None else math.ceil(estimate.seconds * len(todo))
    return row | {"seconds": seconds, "estimated_from": estimate.source}


def _estimate(planned: Plan, label: str, todo: Sequence[Cell]) -> Estimate:
    variant, split = planned.variants[label], planned.split_of(todo[0])
    return estimate_cell(variant, todo, planned.cohort, split, planned.store, planned.compute)
