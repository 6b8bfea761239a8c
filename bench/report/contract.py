"""The column of a board that says which methods from outside passed the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.predictions.results import Results
from bench.report.columns import METHOD, NOTHING
from bench.report.table import Column, Table, TableCell

CONTRACT = Column("contract", "Contract", "left", wide=True)
PASSED = "passed"
MEANING = (
    "Contract: whether a method from outside passed the quick clauses of the contract before it ran, or the "
    "first clause that it broke, which `bench check --explain` explains. `bench check` has more clauses."
)


def with_contracts(board: Table, results: Results) -> Table:
    """The board with a column for the contract; as it is where all methods come with the benchmark."""
    found = {method.label: _verdict(method.records) for method in results.methods}
    if not any(found.values()):
        return board
    said = [found.get(str(record["method"])) for record in board.records]
    at = board.columns.index(METHOD) + 1
    return replace(
        board,
        columns=(*board.columns[:at], CONTRACT, *board.columns[at:]),
        rows=tuple(
            {**row, "contract": TableCell(value) if value else NOTHING}
            for row, value in zip(board.rows, said, strict=True)
        ),
        records=tuple(
            {**record, "contract": value} for record, value in zip(board.records, said, strict=True)
        ),
        csv_columns=(*board.csv_columns, "contract"),
        notes=(*board.notes, MEANING),
        column_notes={**board.column_notes, "contract": MEANING},
    )


def _verdict(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The worst of what the cells of a method say: a clause that failed, then that none was checked."""
    said = sorted({str(record["contract"]) for record in records if "contract" in record})
    return min(said, key=lambda verdict: verdict == PASSED, default=None)
