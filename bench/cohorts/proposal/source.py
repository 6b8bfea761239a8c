"""The user's table: which sheet, which row names the columns, which rows only explain them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from bench.cohorts.checking.violation import Violation
from bench.cohorts.proposal import synonyms
from bench.cohorts.table import Grid, is_workbook, lines_named, read_grid, table_of
from bench.errors import CohortError, UsageError

# Rows at the top of a table among which the names of the columns are looked for.
TOP_ROWS = 10
SHOWN = 60


@dataclass(frozen=True, eq=False)
class Source:
    """A user's table as text, indexed by line, and what a row under its header explains of each column."""

    table: pd.DataFrame = field(repr=False)
    legend: dict[str, str]


def read_source(path: Path, sheet: str, notes: list[str]) -> Source:
    """Read a user's table; what was chosen on the way is noted.

    Raises
    ------
    UsageError
        The file cannot be read as a table, has no line, or has a line that two readings fit.
    """
    try:
        table = _table_under_its_header(_chosen_grid(path, sheet, notes), notes)
    except CohortError as error:
        raise UsageError(str(error)) from None
    legend = _legend(table)
    for line, text in legend.items():
        told = [f"{name}: {meaning[:SHOWN]}" for name, meaning in text.items() if _is_task(name)]
        notes.append(f"line {line} has no id and explains the columns{': ' if told else ''}{'; '.join(told)}")
    table = table.drop(index=list(legend))
    if table.empty:
        raise UsageError(f"{path} has no line under its header; expected a line a case")
    return Source(table, {name: text for row in legend.values() for name, text in row.items()})


def _table_under_its_header(grid: Grid, notes: list[str]) -> pd.DataFrame:
    if not grid.rows:
        raise UsageError(f"{grid.path} is empty; expected a line of column names and a line a case under it")
    header = _header_row(grid)
    if header:
        above = lines_named([line for line, _ in grid.rows[:header]])
        named = grid.rows[header][0]
        notes.append(f"the columns are named in line {named}; {above} above it is passed over")
    return table_of(_named(grid, header), _refuse, header)


def _refuse(violation: Violation) -> None:
    raise UsageError(violation.detail)


def _chosen_grid(path: Path, sheet: str, notes: list[str]) -> Grid:
    """The sheet asked for, else the one whose columns are known best, the longest of several."""
    if sheet or not is_workbook(path):
        return read_grid(path, sheet)
    from bench.cohorts.workbook import first_rows

    tops = first_rows(path, TOP_ROWS)
    if not tops:
        return read_grid(path)
    best = max(tops, key=lambda name: (max(map(_known_names, tops[name].rows), default=0), tops[name].length))
    if len(tops) > 1:
        others = ", ".join(repr(name) for name in tops if name != best)
        notes.append(f"the sheet {best!r} is read; others are {others}: name one to read it instead")
    return read_grid(path, best)


def _header_row(grid: Grid) -> int:
    """Place of the row that names most columns with known words; the first where none does."""
    known = [_known_names(cells) for _, cells in grid.rows[:TOP_ROWS]]
    return known.index(max(known))


def _known_names(cells: Sequence[str]) -> int:
    box = [name for names in synonyms.box_columns(cells).values() for name in names]
    return len(box) + sum(bool(cell) and (_is_known(cell)) for cell in cells)


def _is_known(name: str) -> bool:
    return _is_id(name) or _is_task(name) or synonyms.role_word(name) is not None


def _is_id(name: str) -> bool:
    return synonyms.word_for(name, synonyms.IDENTITY_WORDS) is not None


def _is_task(name: str) -> bool:
    return synonyms.word_for(synonyms.without_unit(name), synonyms.TASK_WORDS) is not None


def _named(grid: Grid, header: int) -> Grid:
    """The grid with a name for every column that holds values, and no name twice."""
    line, names = grid.rows[header]
    below = grid.rows[header + 1][1] if len(grid.rows) > header + 1 else ()
    filled = max((len(cells) for _, cells in grid.rows[header + 1 :] if any(cells)), default=0)
    used: dict[str, int] = {}
    found = []
    for at in range(len(names)):
        name = names[at]
        holds = at < filled and any(len(cells) > at and cells[at] for _, cells in grid.rows[header + 1 :])
        if not name and holds:
            unnamed = below[at] if at < len(below) and not below[0] else ""
            name = unnamed or f"column {at + 1}"
        key = name.casefold()
        used[key] = used.get(key, 0) + bool(name)
        found.append(f"{name} ({used[key]})" if used[key] > 1 else name)
    rows = list(grid.rows)
    rows[header] = (line, tuple(found))
    return replace(grid, rows=tuple(rows))


def _legend(table: pd.DataFrame) -> dict[int, dict[str, str]]:
    """Lines right under the header without an id that say what codes mean: their texts by column."""
    ids = [
        name
        for name in map(str, table)
        if synonyms.word_for(name, synonyms.IDENTITY_WORDS) in ("case_id", "patient_id")
    ]
    legend: dict[int, dict[str, str]] = {}
    for line, row in table.iterrows():
        if not ids or any(row[name] for name in ids) or not any("=" in cell for cell in row):
            break
        legend[int(str(line))] = {str(name): cell for name, cell in row.items() if cell}
    return legend


def require_ids(table: pd.DataFrame, column: str, use: str) -> None:
    """Raise UsageError for lines without an id."""
    empty = [int(str(line)) for line in table.index[table[column].str.strip() == ""]]
    if empty:
        raise UsageError(
            f"{lines_named(empty)}: column {column!r} is empty there and names the "
            f"{use.replace('_', ' ')}; fill it in, or remove the line"
        )
