"""The column and the sentences of a board that has tuned rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.methods.search_space import OBJECTIVE
from bench.predictions.results import MethodResult, Results
from bench.report.columns import NOTHING, TIME
from bench.report.table import Column, Table, TableCell
from bench.tuning.overtuning import (
    DEFAULT,
    UNKNOWN,
    UNTUNED,
    Gap,
    budget_of,
    default_gap,
    tuned_gap,
    tuned_methods,
    tuning_of,
)

TUNING = (
    Column("method", "Tuned row", "left"),
    Column("budget", "Budget", "left"),
    Column("cells", "Cells"),
    Column("inner", "Inner"),
    Column("outer", "Outer"),
    Column("gap", "Gap"),
    Column("default_inner", "Inner, defaults"),
    Column("default_outer", "Outer, defaults"),
)
BUDGET = Column("budget", "Budget", "left", wide=True)
MEANING = (
    "Budget: trials, or time, that the hyperparameters of a row were searched with in each cell, on training "
    f"and validation cases alone; {DEFAULT}: the parameters that a tuned row tries first; {UNTUNED}: no "
    "tuned row stands beside it, as the method offers no search space or was run without a budget. Fit s "
    "holds the search."
)
OBJECTIVE_MEANING = (
    f"Tuned for `{OBJECTIVE}`: the mean over ranked tasks of 2 AUC - 1 and of 1 - MAE / MAE of the training "
    "median; tasks that the inner-validation cases cannot score are left out."
)


def with_budgets(board: Table, results: Results) -> Table:
    """The board with the budget of each row beside its time; as it is where no row was tuned."""
    if not tuned_methods(results):
        return board
    budgets = {method.label: budget_of(method, results) for method in results.methods if method.records}
    at = board.columns.index(TIME) + 1
    said = [budgets.get(str(record["method"])) for record in board.records]
    gaps = gap_sentence(tuned_methods(results), results)
    return replace(
        board,
        columns=(*board.columns[:at], BUDGET, *board.columns[at:]),
        rows=tuple(
            {**row, "budget": TableCell(value) if value else NOTHING}
            for row, value in zip(board.rows, said, strict=True)
        ),
        records=tuple({**record, "budget": value} for record, value in zip(board.records, said, strict=True)),
        csv_columns=(*board.csv_columns, "budget"),
        brief=(*board.brief, gaps),
        notes=(*board.notes, *budget_notes(results, budgets), gaps),
        column_notes={**board.column_notes, "budget": MEANING},
    )


def tuning_table(results: Results) -> Table | None:
    """What tuning promised and kept, one row a tuned method; None where no row was tuned."""
    tuned = tuned_methods(results)
    if not tuned:
        return None
    records = tuple(_tuning_record(method, results) for method in tuned)
    how = (
        f"`{OBJECTIVE}` of the inner-validation cases (inner) and of the tested ones (outer), mean over "
        "cells, with the best parameters and with the defaults. Gap: inner minus outer; that of the "
        "defaults, which nothing was chosen for, is not due to tuning."
    )
    return Table(
        title=f"Tuning: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=TUNING,
        rows=tuple(
            {column.name: _tuning_cell(record[column.name]) for column in TUNING} for record in records
        ),
        brief=(how,),
        notes=(how, OBJECTIVE_MEANING, *timed_note(tuned)),
        records=records,
        csv_columns=tuple(column.name for column in TUNING),
        facts={},
    )


def _tuning_record(method: MethodResult, results: Results) -> dict[str, Any]:
    gap, default = tuned_gap(method, results), default_gap(method, results)
    numbers = {
        "inner": gap.inner,
        "outer": gap.outer,
        "gap": gap.value,
        "default_inner": math.nan if default is None else default.inner,
        "default_outer": math.nan if default is None else default.outer,
    }
    known = {name: None if math.isnan(value) else round(value, 6) for name, value in numbers.items()}
    return {"method": method.label, "budget": budget_of(method, results), "cells": gap.cells} | known


def _tuning_cell(value: Any) -> TableCell:
    if value is None:
        return NOTHING
    return TableCell(f"{value:z.3f}" if isinstance(value, float) else str(value))


def budget_notes(results: Results, budgets: Mapping[str, str]) -> list[str]:
    """What the budgets are, whether they differ, and which rows had none or one that no one can repeat."""
    tuned = tuned_methods(results)
    kinds = sorted({budgets[method.label] for method in tuned})
    notes = [MEANING, OBJECTIVE_MEANING]
    notes += [f"Budgets differ between tuned rows: {', '.join(kinds)}."] if len(kinds) > 1 else []
    for said, start in ((UNTUNED, "Untuned"), (UNKNOWN, "Made elsewhere, with a budget unknown here")):
        rows = [label for label, budget in budgets.items() if budget == said]
        notes += [f"{start}: {', '.join(rows)}."] if rows else []
    return notes + timed_note(tuned)


def timed_note(methods: Sequence[MethodResult]) -> list[str]:
    """Which rows had time as their budget; nothing where none had."""
    timed = [method.label for method in methods if (tuning := tuning_of(method)) and not tuning.reproducible]
    return [f"Not reproducible, as time set the number of trials: {', '.join(timed)}."] if timed else []


def gap_text(gap: Gap | None) -> str:
    """``0.213 inner, 0.180 outer, gap +0.033``."""
    if gap is None or math.isnan(gap.value):
        return "not known"
    return f"{gap.inner:z.3f} inner, {gap.outer:z.3f} outer, gap {gap.value:+z.3f}"


def gap_sentence(methods: Sequence[MethodResult], results: Results) -> str:
    """Over-tuning of tuned rows, beside the same of their defaults."""
    texts = [
        f"{method.label} {gap_text(tuned_gap(method, results))} (its defaults: "
        f"{gap_text(default_gap(method, results))})"
        for method in methods
    ]
    return (
        f"Over-tuning, `{OBJECTIVE}` of the inner-validation cases (inner) and of the tested ones (outer), "
        f"mean over cells: {'; '.join(texts)}."
    )
