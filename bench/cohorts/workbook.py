"""Cells of an Excel workbook as the text that Excel shows: zeros in front, percentages, dates."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from bench.cohorts.cell_text import clean
from bench.errors import CohortError

Rows = Iterator[tuple[int, tuple[str, ...]]]
NOT_AVAILABLE = "#N/A"


def sheet_names(path: Path) -> list[str]:
    """Names of the visible worksheets that hold anything."""
    with _opened(path) as book:
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        return [sheet.title for sheet in sheets if (sheet.max_row or 0) > 1]


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


def streamed_rows(path: Path) -> Iterator[tuple[Any, ...]]:
    """The values of the first worksheet row by row, for a workbook too long to be held."""
    with _opened(path) as book, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from book.worksheets[0].iter_rows(values_only=True)


def _rows(path: Path, sheet: str) -> Rows:
    with _opened(path) as book:
        rows = list(book[sheet].iter_rows())
    # What cells are merged, and which hold formulas, openpyxl tells of a sheet that it holds as a whole.
    with _opened(path, whole=True) as book:
        whole = book[sheet]
    _refuse_uncalculated(path, sheet, whole, rows)
    areas = [area for area in whole.merged_cells.ranges if area.max_row > area.min_row]
    held: dict[str, str] = {}
    for row, shown in enumerate(rows, 1):
        cells = [_text(cell) for cell in shown]
        for area in areas:
            if area.min_row <= row <= area.max_row and area.min_col <= len(cells):
                cells[area.min_col - 1] = held.setdefault(str(area), cells[area.min_col - 1])
        if any(cells):
            yield row, tuple(cells)


def _refuse_uncalculated(path: Path, sheet: str, whole: Any, rows: Sequence[Sequence[Any]]) -> None:
    """Raise CohortError where formulas have no values, as in files that no spreadsheet program has saved."""
    formulas = [cell for row in whole.iter_rows() for cell in row if cell.data_type == "f"]
    values = [
        rows[cell.row - 1][cell.column - 1].value
        for cell in formulas
        if cell.row <= len(rows) and cell.column <= len(rows[cell.row - 1])
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


@contextmanager
def _opened(path: Path, whole: bool = False) -> Iterator[Any]:
    """The workbook row by row with the values of its formulas, or as a whole with the formulas."""
    from openpyxl.reader.excel import load_workbook

    with ExitStack() as opened:
        try:
            # By content: openpyxl refuses a path whose name does not end as that of a workbook.
            file = opened.enter_context(path.open("rb"))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                book = load_workbook(file, read_only=not whole, data_only=not whole)
        except (BadZipFile, KeyError, ValueError, OSError, TypeError) as error:
            remedy = "save it as .xlsx"
            raise CohortError(f"{path} cannot be read as an Excel workbook ({error}); {remedy}") from None
        yield opened.enter_context(closing(book))


@dataclass(frozen=True)
class Top:
    """The first rows of a worksheet, and how many it has."""

    rows: tuple[tuple[str, ...], ...]
    length: int


def first_rows(path: Path, count: int) -> dict[str, Top]:
    """The first rows of each visible worksheet that holds anything."""
    tops: dict[str, Top] = {}
    with _opened(path) as book, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sheet_names(path):
            rows = book[name].iter_rows(max_row=count, values_only=True)
            texts = tuple(tuple("" if cell is None else clean(str(cell)) for cell in row) for row in rows)
            tops[name] = Top(texts, int(book[name].max_row or 0))
    return tops
