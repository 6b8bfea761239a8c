"""How rows stand on a page: under a heading a task, or in one grid; what is written under them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.report.table import Column, Table, TableCell

Row = Mapping[str, TableCell]

NAMING = ("task", "metric")


@dataclass(frozen=True)
class Section:
    """Rows that follow each other.

    Parameters
    ----------
    heading
        Task and metric with the better direction; empty where each row names its own.
    shared
        Header and text of what the rows have in common, in the order of the columns.
    rows
        Cells by the names of the columns.
    """

    heading: str
    shared: tuple[str, ...]
    rows: tuple[Row, ...]


def shown_columns(table: Table) -> list[Column]:
    """The columns in which some row has an entry, and those that were asked for."""
    return [
        column
        for column in table.columns
        if column.chosen or any(row[column.name].text != "-" for row in table.rows)
    ]


def stands_alone(table: Table, columns: Sequence[Column]) -> bool:
    """Whether the rows need no heading: each names its task and metric, and no two rows share a task.

    Where columns were chosen by name rows stand as chosen, several a task, if they name task and metric.
    """
    naming = [column for column in columns if column.name in NAMING]
    needed = [name for name in NAMING if any(name in row for row in table.rows)]
    if len(naming) < len(needed):
        return False
    return all(column.chosen for column in naming) or len(_by_task(table)) == len(table.rows)


def arranged(table: Table, columns: Sequence[Column]) -> tuple[list[Column], list[Section]]:
    """The columns of the grid, and its rows in sections.

    What the methods of a task have in common stands in a section's heading instead of a column.
    """
    if stands_alone(table, columns):
        return list(columns), [Section("", (), table.rows)]
    common = [column for column in columns if column.of_task and column.name not in NAMING]
    sections = [
        Section(heading(rows[0]), tuple(_in_common(rows, one) for one in common), rows)
        for rows in _by_task(table)
    ]
    return [column for column in columns if not column.of_task], sections


def heading(row: Row) -> str:
    """Task and metric: ``Ki-67, MAE ↓ (pp)``."""
    return ", ".join(row[name].text for name in NAMING if name in row)


def notes_shown(table: Table, notes: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """These notes without those that explain a column which is not shown."""
    shown = {column.name for column in columns}
    explained = {note for name, note in table.column_notes.items() if name in shown}
    dropped = set(table.column_notes.values()) - explained
    return [note for note in notes if note not in dropped]


def all_notes(table: Table, columns: Sequence[Column]) -> list[str]:
    """The notes under a table in a file: what it shows, what it lacks, what its columns mean."""
    first, *others = notes_shown(table, table.notes, columns) or [""]
    return [note for note in (first, *failures(table), *others) if note]


def failures(table: Table) -> list[str]:
    """A sentence a method and reason: which rows have no value, and why.

    The tasks are named where it is not all of them.
    """
    tasks: dict[tuple[str, str], list[str]] = {}
    for row in table.rows:
        for cell in row.values():
            if cell.tone == "status":
                tasks.setdefault((row["method"].text, cell.text), []).append(row["task"].text)
    every = len({row["task"].text for row in table.rows if "task" in row})
    return [
        f"No value of {method}{'' if len(names) == every else ' for ' + ', '.join(names)}: {reason}."
        for (method, reason), names in tasks.items()
    ]


def short_text(cell: TableCell) -> str:
    """The cell's text, of a status its first word: the reason is a note."""
    return re.split(r"[:(]", cell.text)[0].strip() if cell.tone == "status" else cell.text


def one_line(text: str) -> str:
    """The text without line breaks and control characters, which no format can show in a cell."""
    return re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", text)


def _by_task(table: Table) -> list[tuple[Row, ...]]:
    return [tuple(rows) for _, rows in groupby(table.rows, key=heading)]


def _in_common(rows: Sequence[Row], column: Column) -> str:
    text = next((row[column.name].text for row in rows if row[column.name].text != "-"), "-")
    return f"{column.header[0].lower()}{column.header[1:]} {text}"
