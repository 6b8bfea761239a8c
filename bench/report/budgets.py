"""The column and the sentences of a board that has tuned rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.budgets import (
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
from bench.report.cells import NOTHING, TIME
from bench.report.table import Cell, Column, Table
from bench.scores import MethodResult, Results
from bench.search import OBJECTIVE

BUDGET = Column("budget", "Budget", "left", wide=True)
MEANING = (
    "Budget: trials, or time, that the hyperparameters of a row were searched with in each cell, on training "
    f"and validation cases alone; {DEFAULT}: the parameters that a tuned row tries first; {UNTUNED}: no "
    "tuned row stands beside it, as the method offers no search space or was run without a budget. Fit s "
    "holds the search."
)
OBJECTIVE_MEANING = (
    f"Tuned for `{OBJECTIVE}`: the mean over ranked tasks of 2 AUC - 1 and of 1 - MAE / MAE of the training "
    "median; tasks that the judged cases cannot score are left out."
)


def with_budgets(board: Table, results: Results) -> Table:
    """The board with the budget of each row beside its time; as it is where no row was tuned."""
    if not tuned_methods(results):
        return board
    budgets = {its.label: budget_of(its, results) for its in results.methods if its.records}
    at = board.columns.index(TIME) + 1
    said = [budgets.get(str(record["method"])) for record in board.records]
    gaps = gap_sentence(tuned_methods(results), results)
    return replace(
        board,
        columns=(*board.columns[:at], BUDGET, *board.columns[at:]),
        rows=tuple(
            {**row, "budget": Cell(its) if its else NOTHING}
            for row, its in zip(board.rows, said, strict=True)
        ),
        records=tuple({**record, "budget": its} for record, its in zip(board.records, said, strict=True)),
        csv_columns=(*board.csv_columns, "budget"),
        brief=(*board.brief, gaps),
        notes=(*board.notes, *budget_notes(results, budgets), gaps),
        column_notes={**board.column_notes, "budget": MEANING},
    )


def budget_notes(results: Results, budgets: Mapping[str, str]) -> list[str]:
    """What the budgets are, whether they differ, and which rows had none or one that no one can repeat."""
    tuned = tuned_methods(results)
    kinds = sorted({budgets[its.label] for its in tuned})
    notes = [MEANING, OBJECTIVE_MEANING]
    notes += [f"Budgets differ between tuned rows: {', '.join(kinds)}."] if len(kinds) > 1 else []
    for said, start in ((UNTUNED, "Untuned"), (UNKNOWN, "Made elsewhere, with a budget unknown here")):
        rows = [label for label, its in budgets.items() if its == said]
        notes += [f"{start}: {', '.join(rows)}."] if rows else []
    return notes + timed_note(tuned)


def timed_note(methods: Sequence[MethodResult]) -> list[str]:
    """Which rows had time as their budget; nothing where none had."""
    timed = [its.label for its in methods if (tuning := tuning_of(its)) and not tuning.reproducible]
    return [f"Not reproducible, as time set the number of trials: {', '.join(timed)}."] if timed else []


def gap_text(gap: Gap | None) -> str:
    """``0.213 inner, 0.180 outer, gap +0.033``."""
    if gap is None or math.isnan(gap.value):
        return "not known"
    return f"{gap.inner:z.3f} inner, {gap.outer:z.3f} outer, gap {gap.value:+z.3f}"


def gap_sentence(methods: Sequence[MethodResult], results: Results) -> str:
    """Over-tuning of tuned rows, beside the same of their defaults."""
    texts = [
        f"{its.label} {gap_text(tuned_gap(its, results))} (its defaults: "
        f"{gap_text(default_gap(its, results))})"
        for its in methods
    ]
    return (
        f"Over-tuning, `{OBJECTIVE}` of the judged (inner) and of the tested cases (outer), mean over cells: "
        f"{'; '.join(texts)}."
    )
