"""A table as a value: every format is written from the same one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

# How the sentence on what a table shows begins.
FINDING = "What it shows of "

Tone = Literal["", "good", "bad", "muted", "status"]


class TableCell(NamedTuple):
    """Text of a cell, and what a terminal's colour stands for."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name
        Key of its cells.
    header
        What readers see.
    align
        Numbers are ``right``.
    of_task
        Whether its cells are the same for all methods of a task.
    wide
        Whether a terminal leaves it out.
    spare
        Whether a page of LaTeX leaves it out, and a terminal that is too narrow for all columns.
    kept
        Whether a page of LaTeX has it although it is spare.
    keys
        Keys of the records behind its cells, its number first; its name where none are given.
    chosen
        Whether it was asked for by name, and is shown even without an entry.
    """

    name: str
    header: str
    align: Literal["left", "right"] = "right"
    of_task: bool = False
    wide: bool = False
    spare: bool = False
    kept: bool = False
    keys: tuple[str, ...] = ()
    chosen: bool = False


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of cells with what their use requires.

    Parameters
    ----------
    title
        One line.
    synthetic
        Whether no number in it is about real patients.
    columns, rows
        Each row maps the names of the columns to cells; rows of a task follow each other.
    brief, notes
        Notes under the table on a terminal, and in files.
    records
        The rows with their numbers instead of text, for programs.
    csv_columns
        Keys of the records that make the CSV file.
    facts
        What the records hold in common: cohort, split, statistics, versions.
    column_notes
        Those notes that explain a column, by its name: they stand where the column is shown.
    flags
        What must be read before the numbers, such as a value that is not possible without a leak.
    summary
        A table that is read first, such as the consensus over the tasks of a board.
    """

    title: str
    synthetic: bool
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, TableCell], ...]
    brief: tuple[str, ...]
    notes: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]
    csv_columns: tuple[str, ...]
    facts: Mapping[str, Any]
    column_notes: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    summary: "Table | None" = None
