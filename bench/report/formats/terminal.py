"""A table on a terminal."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import rich.table
from rich import box
from rich.console import Group, RenderableType
from rich.text import Text

from bench.report.layout import NAMING, notes_shown, shown_columns, stands_alone
from bench.report.table import Column, Table, TableCell

STYLES = {"": "", "good": "green", "bad": "red", "muted": "dim", "status": "red"}
GAP = 2
MIN_NAME_WIDTH = 12

Row = Mapping[str, TableCell]


def to_rich(table: Table, width: int) -> RenderableType:
    """The table for a terminal of that many columns, a banner where it is synthetic, the brief notes below.

    With several methods, or on a narrow terminal, what the methods have in common on a task stands in a line
    of its own above them.
    """
    columns = _fitting([column for column in shown_columns(table) if not column.wide], table, width)
    fits = sum(_widths(columns, table, width)) - GAP <= width
    flat = fits and stands_alone(table, columns) and not any(_failed(row) for row in table.rows)
    of_tasks = all("task" in row for row in table.rows)
    shown = _grid(columns, table, width) if flat or not of_tasks else _grouped(columns, table, width)
    title = Text(table.title, style="bold")
    if table.synthetic:
        title.append("  SYNTHETIC", style="bold yellow")
    notes = notes_shown(table, table.brief, columns)
    flags = [Text(f"! {flag}", style="bold red") for flag in table.flags]
    return Group(title, *flags, Text(), shown, Text(), *(Text(note, style="dim") for note in notes))


def _fitting(columns: Sequence[Column], table: Table, width: int) -> list[Column]:
    """The columns that have room beside names that break: spare ones give way, the last first."""
    kept = list(columns)
    spare = [column for column in columns if column.spare and not column.chosen]
    while spare and sum(_widths([one for one in kept if not one.of_task], table, width)) - GAP > width:
        kept.remove(spare.pop())
    return kept


def _grouped(columns: Sequence[Column], table: Table, width: int) -> RenderableType:
    """One header, then a section a task under a line with its name and what the methods share."""
    sections = [list(rows) for _, rows in groupby(table.rows, key=lambda row: row["task"].text)]
    kept = [column for column in columns if not column.of_task and column.name not in NAMING]
    shared = [column for column in columns if column.of_task and column.name not in NAMING]
    parts: list[RenderableType] = [_grid(kept, table, width, ())]
    for rows in sections:
        head = Text(f"{rows[0]['task'].text}  {rows[0]['metric'].text}", style="bold")
        for column in shared:
            text = next((row[column.name].text for row in rows if row[column.name].text != "-"), "-")
            head.append(f"   {column.header.lower()} {text}", style="dim")
        scored = [row for row in rows if not _failed(row)]
        parts += [head, _grid(kept, table, width, scored, header=False)] if scored else [head]
        parts += [*(_failure(row) for row in rows if _failed(row)), Text()]
    return Group(*parts[:-1])


def _failed(row: Row) -> bool:
    return any(cell.tone == "status" for cell in row.values())


def _failure(row: Row) -> Text:
    """A method without a value, with the reason in full."""
    reason = next(cell.text for cell in row.values() if cell.tone == "status")
    return Text(f"{row['method'].text}{' ' * GAP}").append(reason, style=STYLES["status"])


def _grid(
    columns: Sequence[Column],
    table: Table,
    width: int,
    rows: Sequence[Row] | None = None,
    header: bool = True,
) -> rich.table.Table:
    """Rows, all of the table where none are named, in columns as wide as the whole table needs."""
    shown = rich.table.Table(
        box=box.SIMPLE_HEAD if header else None,
        padding=(0, GAP - 1 if header else GAP, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_header=header,
        header_style="bold",
    )
    for column, cells in zip(columns, _widths(columns, table, width), strict=True):
        shown.add_column(column.header, justify=column.align, overflow="fold", width=cells - GAP)
    for row in table.rows if rows is None else rows:
        shown.add_row(*(_text(row[column.name]) for column in columns))
    return shown


def _widths(columns: Sequence[Column], table: Table, width: int) -> list[int]:
    """Characters of each column with the gap after it; names of methods give way where the line is full.

    The gap after the last column is off the line.
    """
    wanted = [
        GAP
        + max(
            [
                *map(len, column.header.split()),
                *(len(row[column.name].text) for row in table.rows if row[column.name].tone != "status"),
            ]
        )
        for column in columns
    ]
    for index, column in enumerate(columns):
        if column.name == "method":
            wanted[index] = max(MIN_NAME_WIDTH, min(wanted[index], width + GAP - sum(wanted) + wanted[index]))
    return wanted


def _text(cell: TableCell) -> Text:
    """The cell's text; an interval is dimmer than its estimate."""
    estimate, bracket, interval = cell.text.partition(" [")
    text = Text(estimate, style=STYLES[cell.tone])
    if bracket:
        text.append(f" [{interval}", style="dim")
    return text
