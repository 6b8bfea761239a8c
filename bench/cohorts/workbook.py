"""Cells of an Excel workbook as the text that Excel shows: zeros in front, percentages, dates."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from bench.cohorts.table import clean
from bench.errors import CohortError

Rows = Iterator[tuple[int, tuple[str, ...]]]
NOT_AVAILABLE = "#N/A"


def sheet_names(path: Path) -> list[str]:
    """Names of the visible worksheets that hold anything."""
    sheets = _open(path).worksheets
    return [its.title for its in sheets if its.sheet_state == "visible" and (its.max_row or 0) > 1]


def workbook_rows(path: Path, sheet: str = "") -> tuple[str, Rows]:
    """The worksheet read and its rows, each with its number; the first sheet where none is named.

    Cells that are merged over several rows give their value to each of these rows.

    Raises
    ------
    CohortError
        The file is no workbook or has no such sheet, or a formula in it was never calculated.
    """
    names = sheet_names(path)
    if not names:
        raise CohortError(f"{path} has no worksheet with a table")
    chosen = sheet or names[0]
    if chosen not in names:
        raise CohortError(
            f"{path} has no sheet {chosen!r} with a table; it has {', '.join(map(repr, names))}"
        )
    with warnings.catch_warnings():
        # openpyxl warns of parts that it does not keep, such as rules for colours.
        warnings.simplefilter("ignore")
        return chosen, iter(list(_rows(path, chosen)))


def _rows(path: Path, sheet: str) -> Rows:
    rows = list(_open(path)[sheet].iter_rows())
    # What cells are merged, and which hold formulas, openpyxl tells of a sheet that it holds as a whole.
    whole = _open(path, whole=True)[sheet]
    _refuse_uncalculated(path, sheet, whole, rows)
    areas = [its for its in whole.merged_cells.ranges if its.max_row > its.min_row]
    held: dict[str, str] = {}
    for row, shown in enumerate(rows, 1):
        cells = [_text(its) for its in shown]
        for area in areas:
            if area.min_row <= row <= area.max_row and area.min_col <= len(cells):
                cells[area.min_col - 1] = held.setdefault(str(area), cells[area.min_col - 1])
        if any(cells):
            yield row, tuple(cells)


def _refuse_uncalculated(path: Path, sheet: str, whole: Any, rows: Sequence[Sequence[Any]]) -> None:
    """Raise CohortError where formulas have no values, as in files that no spreadsheet program has saved."""
    formulas = [its for row in whole.iter_rows() for its in row if its.data_type == "f"]
    values = [
        rows[its.row - 1][its.column - 1].value
        for its in formulas
        if its.row <= len(rows) and its.column <= len(rows[its.row - 1])
    ]
    if formulas and all(value is None for value in values):
        raise CohortError(
            f"{path}, sheet {sheet!r}, cell {formulas[0].coordinate}: the formula was never calculated; "
            "open the file in Excel or LibreOffice and save it"
        )


def _text(cell: Any) -> str:
    """The text of one cell; an error that a formula ended in is text too, unless it says not available."""
    if cell.value is None or cell.value == NOT_AVAILABLE:
        return ""
    return clean(_shown(cell.value, str(cell.number_format or "")))


def _shown(value: Any, number_format: str) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if not isinstance(value, int | float):
        return str(value)
    if re.fullmatch(r"0+", number_format) and float(value).is_integer():
        return f"{int(value):0{len(number_format)}d}"
    if re.fullmatch(r"0(\.0+)?%", number_format):
        return f"{100 * value:.12g}%"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _open(path: Path, whole: bool = False) -> Any:
    """The workbook row by row with the values of its formulas, or as a whole with the formulas."""
    from openpyxl.reader.excel import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load_workbook(path, read_only=not whole, data_only=not whole)
    except (BadZipFile, KeyError, ValueError, OSError, TypeError) as error:
        raise CohortError(f"{path} cannot be read as an Excel workbook ({error}); save it as .xlsx") from None


@dataclass(frozen=True)
class Top:
    """The first rows of a worksheet, and how many it has."""

    rows: tuple[tuple[str, ...], ...]
    length: int


def first_rows(path: Path, count: int) -> dict[str, Top]:
    """The first rows of each visible worksheet that holds anything."""
    book = _open(path)
    tops: dict[str, Top] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sheet_names(path):
            rows = book[name].iter_rows(max_row=count, values_only=True)
            texts = tuple(tuple("" if its is None else clean(str(its)) for its in row) for row in rows)
            tops[name] = Top(texts, int(book[name].max_row or 0))
    return tops
