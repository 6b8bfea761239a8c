"""The file of a submission: a table of text in any dialect of CSV that can be read in one way only."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.errors import UsageError
from bench.files import reason

REQUIRED = ("case_id", "task", "prediction")
OPTIONAL = ("fold", "seed")


def read_predictions(path: Path) -> pd.DataFrame:
    """The file's rows: ``case_id``, ``task``, ``prediction``, ``seed`` and, where it has one, ``fold``.

    Separated by commas or, as spreadsheets of many countries write, by semicolons with decimal commas. The
    index is the line in the file. A column ``method`` is kept.
    """
    header, table = _read_rows(path)
    wanted = _columns(header, path)
    if table.empty:
        raise UsageError(f"{path} has no row under its header, expected one a tested case and task")
    for name in wanted:
        _require(table[name] != "", f"has no {name}; every row must have one", table[name], path)
    named = [*wanted, *(["method"] if header.count("method") == 1 else [])]
    kept = table[named].assign(prediction=_predictions(table["prediction"], path), seed=0)
    for name in set(OPTIONAL) & set(wanted):
        kept[name] = _whole(table[name], path)
    return kept


def cut_short(path: Path) -> str | None:
    """Why the end of a file that was read looks lost, or None.

    A file that is cut within its last number still reads well: the sign is a last line without an end whose
    prediction has fewer characters than any other.
    """
    if path.read_bytes()[-1:] in (b"\n", b"\r"):
        return None
    *others, last = _read_rows(path)[1]["prediction"].str.len()
    if not others or last >= min(others):
        return None
    return "the last line has no end and its prediction is shorter than all others: is the file cut short?"


def _read_rows(path: Path) -> tuple[list[str], pd.DataFrame]:
    """Header and cells as text without blanks round them; empty fields beyond the header are passed over."""
    text = _text(path)
    first = next(iter(text.splitlines()), "")
    semicolons = ";" in first and "," not in first
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if semicolons else ",")
    try:
        rows = [(reader.line_num, [its.strip() for its in cells]) for cells in reader if any(cells)]
    except csv.Error as error:
        raise UsageError(f"{path} cannot be read as CSV: line {reader.line_num}: {error}") from error
    if not rows:
        raise UsageError(f"{path} is empty, expected a CSV with the columns {', '.join(REQUIRED)}")
    header = _without_empty_end(rows[0][1], 0)
    lines = [(line, _without_empty_end(cells, len(header))) for line, cells in rows[1:]]
    for line, cells in lines:
        if len(cells) != len(header):
            raise UsageError(
                f"{path} line {line} has {len(cells)} fields, its header {len(header)}: quote a field with a "
                "comma in it, write decimals with a point, and see that no line is cut"
            )
    table = pd.DataFrame([cells for _, cells in lines], index=[line for line, _ in lines], dtype=str)
    table.columns = pd.Index(header) if len(table) else table.columns
    if semicolons and header.count("prediction") == 1 and len(table):
        table["prediction"] = table["prediction"].str.replace(",", ".")
    return header, table


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}; expected a CSV") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} cannot be read as CSV: it is not in UTF-8 (byte {error.start})") from error


def _without_empty_end(cells: list[str], least: int) -> list[str]:
    """The fields without empty ones at the end, down to ``least`` of them."""
    length = len(cells)
    while length > least and not cells[length - 1]:
        length -= 1
    return cells[:length]


def _columns(header: Sequence[str], path: Path) -> list[str]:
    """Names of the columns that are read; raises UsageError where one is missing or there twice."""
    wanted = [name for name in (*REQUIRED, *OPTIONAL) if name in header]
    if not set(REQUIRED) <= set(wanted):
        raise UsageError(f"{path} has the columns {', '.join(header)}, expected {', '.join(REQUIRED)} too")
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise UsageError(f"{path} has the column {twice[0]} twice, expected it once")
    return wanted


def _require(good: "pd.Series[bool]", what: str, column: "pd.Series[str]", path: Path) -> None:
    """Raise UsageError for the first line that is not good; ``what`` may hold its value as ``{}``."""
    if not good.all():
        line = good.index[int((~good).to_numpy().argmax())]
        raise UsageError(f"{path} line {line} {what.format(repr(column[line]))}")


def _predictions(column: "pd.Series[str]", path: Path) -> "pd.Series[float]":
    numbers = pd.to_numeric(column, errors="coerce")
    given = numbers.notna() | (column.str.lower() == "nan")
    _require(given, "has the prediction {}, expected a number such as 0.25", column, path)
    return numbers.astype(float)


def _whole(column: "pd.Series[str]", path: Path) -> "pd.Series[int]":
    """Seeds or folds; raises UsageError for one that is no whole number from 0 on."""
    good = column.str.fullmatch(r"[0-9]{1,9}(\.0+)?")
    _require(good, f"has the {column.name} {{}}, expected a whole number from 0 on", column, path)
    return column.astype(float).astype(int)
