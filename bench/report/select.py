"""Columns chosen by name, for every format."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.errors import UsageError, unknown_name
from bench.report.columns import COLUMNS
from bench.report.table import Column, Table, TableCell

COLUMN_NAMES = tuple(column.name for column in COLUMNS)
RECORD_NAMES = tuple(key for column in COLUMNS for key in column.keys if key not in COLUMN_NAMES)

# Names of columns and keys that were given up, and what took their place.
RENAMED = {
    "share": "oracle_skill",
    "recoverable_share": "oracle_skill",
    "share_low": "oracle_skill_low",
    "share_high": "oracle_skill_high",
}

COLUMNS_HELP = (
    f"Columns by name, in this order, for every format: {', '.join(COLUMN_NAMES)}; or a number of the JSON "
    f"rows: {', '.join(RECORD_NAMES)}."
)


def select_columns(table: Table, names: Sequence[str]) -> Table:
    """The table with these columns in this order, each once.

    A name is that of a column or a key of the records. One name is one column in every format: in text the
    column that holds the record's number with its interval, where there is one; in CSV and JSON the number
    alone (the interval of ``oracle_skill`` is ``oracle_skill_low`` and ``oracle_skill_high``).

    Raises
    ------
    UsageError
        For a name that the table has not, with the new name of one that was renamed or else the nearest.
    """
    wanted = list(dict.fromkeys(names))
    keys = [_key(table, name) for name in wanted]
    columns = [_column(table, name) for name in wanted]
    extra = [column.name for column in columns if any(column.name not in row for row in table.rows)]
    return replace(
        table,
        columns=tuple(dict.fromkeys(columns)),
        rows=tuple(
            {**row, **{name: TableCell(_text(record[name])) for name in extra}}
            for row, record in zip(table.rows, table.records, strict=True)
        ),
        records=tuple({key: record[key] for key in keys} for record in table.records),
        csv_columns=tuple(dict.fromkeys(keys)),
    )


def _record_keys(table: Table) -> list[str]:
    return list(dict.fromkeys(key for record in table.records for key in record))


def _key(table: Table, name: str) -> str:
    """The key of the records that a name stands for."""
    keys = _record_keys(table)
    if name in keys:
        return name
    column = next((column for column in table.columns if column.name == name), None)
    if column is None and RENAMED.get(name) in keys:
        raise UsageError(f"the column {name!r} is called {RENAMED[name]!r} now")
    if column is None:
        raise unknown_name("column", name, {*(column.name for column in table.columns), *keys})
    return column.keys[0] if column.keys else name


def _column(table: Table, name: str) -> Column:
    """The column of that name, or the one whose number it is; else a new one of the records' values."""
    for column in table.columns:
        if name in (column.name, *column.keys[:1]):
            return replace(column, of_task=False, wide=False, spare=False, chosen=True)
    words = any(isinstance(record[name], str) for record in table.records)
    return Column(name, name.replace("_", " "), "left" if words else "right", chosen=True)


def _text(value: Any) -> str:
    """A value of a record for readers, numbers to three decimals."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "<0.001" if 0 < value < 0.0005 else f"{value:z.3f}"
    return "-" if value in (None, "") else str(value)
