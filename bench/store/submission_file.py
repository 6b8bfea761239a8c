"""The file of a submission: a table in any dialect that can be read in one way only."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.cohorts.checking.violation import refuse
from bench.cohorts.table import GZIP, ZIP, read_grid, table_of
from bench.errors import CohortError, UsageError

REQUIRED = ("case_id", "task", "prediction")
OPTIONAL = ("fold", "seed")


def read_predictions(path: Path) -> pd.DataFrame:
    """The file's rows: ``case_id``, ``task``, ``prediction``, ``seed`` and, where it has one, ``fold``.

    A table as those of cohorts may be (:func:`bench.cohorts.table.read_table`); separated by semicolons, as
    spreadsheets of many countries write, with decimal commas or points. The index is the line in the file. A
    column ``method`` is kept.
    """
    table = _read_rows(path)
    wanted = _columns(list(table.columns), path)
    if table.empty:
        raise UsageError(f"{path} has no row under its header, expected one a tested case and task")
    for name in wanted:
        _require(table[name] != "", f"has no {name}; every row must have one", table[name], path)
    named = [*wanted, *(["method"] if "method" in table else [])]
    kept = table[named].assign(prediction=_predictions(table["prediction"], path), seed=0)
    for name in set(OPTIONAL) & set(wanted):
        kept[name] = _whole(table[name], path)
    return kept


def cut_short(path: Path) -> str | None:
    """Why the end of a file that was read looks lost, or None.

    A file that is cut within its last number still reads well: the sign is a last line without an end whose
    prediction has fewer characters than any other.
    """
    content = path.read_bytes()
    if content[-1:] in (b"\n", b"\r") or content[:2] in (GZIP, ZIP[:2]):
        return None
    *others, last = _read_rows(path)["prediction"].str.len()
    if not others or last >= min(others):
        return None
    return "the last line has no end and its prediction is shorter than all others: is the file cut short?"


def _read_rows(path: Path) -> pd.DataFrame:
    """Every cell as text; predictions with decimal points, whatever the separator says of commas."""
    try:
        grid = read_grid(path)
        table = table_of(grid, refuse)
    except CohortError as error:
        raise UsageError(str(error)) from error
    if grid.separator == ";" and "prediction" in table:
        table["prediction"] = table["prediction"].str.replace(",", ".")
    return table


def _columns(header: Sequence[str], path: Path) -> list[str]:
    """Names of the columns that are read; raises UsageError where one is missing."""
    wanted = [name for name in (*REQUIRED, *OPTIONAL) if name in header]
    if not set(REQUIRED) <= set(wanted):
        raise UsageError(f"{path} has the columns {', '.join(header)}, expected {', '.join(REQUIRED)} too")
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
