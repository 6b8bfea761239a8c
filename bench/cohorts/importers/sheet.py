"""Tables of sources as text, with a limit on what a packed file may unpack to."""

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import pandas as pd

from bench.cohorts.table import GZIP, ZIP, read_grid
from bench.cohorts.values import is_missing
from bench.cohorts.workbook import streamed_rows
from bench.errors import CohortError, UsageError

# A table of 100,000 lines and 500 numbers has about this size.
MAX_BYTES = 1 << 30
MAX_RATIO = 200
PIECE = 1 << 20
PARQUET = b"PAR1"


def read_sheet(path: Path, sheet: str = "", header: int = 0, below: int = 0) -> pd.DataFrame:
    """Every cell of a table as text, empty where a value is missing; columns of one name are numbered.

    Parameters
    ----------
    path
        Text, gzip or not, Excel or Parquet.
    sheet
        Worksheet of a workbook; the first where empty.
    header, below
        How many rows stand above the row of names, and how many that only explain stand under it.

    Raises
    ------
    UsageError
        There is no such file.
    CohortError
        The file is no table, or unpacks to more than 1 GiB.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}; correct its name")
    return _read(path, sheet, header, below).copy()


@lru_cache(maxsize=4)
def _read(path: Path, sheet: str, header: int, below: int) -> pd.DataFrame:
    with path.open("rb") as file:
        start = file.read(4)
    refuse_bomb(path, start)
    if start == PARQUET:
        return _parquet(path)
    grid = read_grid(path, sheet)
    if len(grid.rows) <= header + 1 + below:
        raise CohortError(f"{path} has no line under its header; expected a line a case")
    names = numbered(grid.rows[header][1])
    rows = grid.rows[header + 1 + below :]
    odd = next((line for line, cells in rows if len(cells) > len(names) and any(cells[len(names) :])), None)
    short = next((line for line, cells in rows if grid.separator and len(cells) < len(names)), None)
    if odd or short:
        raise CohortError(
            f"{path}, line {odd or short}: {'more' if odd else 'fewer'} cells than the {len(names)} of the "
            "header; correct that line"
        )
    filled = [(cells + ("",) * len(names))[: len(names)] for _, cells in rows]
    table = pd.DataFrame(filled, columns=names, index=[line for line, _ in rows], dtype=object)
    return table.map(lambda cell: "" if is_missing(cell) else cell)


def streamed(path: Path, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The cells of some columns, row by row, of a table too long to be held: text, gzip or not, or Excel.

    Raises
    ------
    UsageError
        There is no such file or column.
    CohortError
        The file is damaged, or unpacks to more than 1 GiB.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}; correct its name")
    with path.open("rb") as file:
        start = file.read(4)
    refuse_bomb(path, start)
    rows = streamed_rows(path) if start == ZIP else _text_rows(path, start)
    header = [str(name).strip() for name in next(rows, ())]
    require_columns(path, pd.DataFrame(columns=header), names)
    places = [header.index(name) for name in names]
    for row in rows:
        if len(row) > max(places):
            yield tuple("" if row[at] is None else str(row[at]).strip() for at in places)


def _text_rows(path: Path, start: bytes) -> Iterator[Sequence[Any]]:
    opened = gzip.open if start.startswith(GZIP) else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        yield from csv.reader(file)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise CohortError(f"{path} cannot be read as Parquet ({error}); write it again") from None
    text = table.map(lambda cell: "" if pd.isna(cell) or is_missing(str(cell)) else str(cell))
    text.columns = pd.Index(numbered([str(name) for name in table.columns]))
    return text.set_axis(range(1, len(text) + 1))


def numbered(names: Sequence[str]) -> list[str]:
    """Names in which the second of a kind is followed by ``(2)``, and an empty one is its column's number."""
    seen: dict[str, int] = {}
    found = []
    for at, name in enumerate(names, 1):
        plain = " ".join(name.split()) or f"column {at}"
        seen[plain] = seen.get(plain, 0) + 1
        found.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return found


def labels_of(row: Mapping[str, str], names: Iterable[str]) -> dict[str, float | None]:
    """Labels of a row of decoded cells, None where a cell is empty."""
    return {name: float(row[name]) if row[name] else None for name in names}


def refuse_bomb(path: Path, start: bytes) -> None:
    """Raise CohortError for a packed file that would unpack to far more than a table has."""
    if start.startswith(GZIP):
        _refuse_large(path, _unpacked_gzip(path))
    elif start.startswith(ZIP):
        try:
            with ZipFile(path) as parts:
                unpacked = sum(part.file_size for part in parts.infolist())
        except BadZipFile as error:
            raise CohortError(f"{path} is a damaged workbook ({error}); copy it again") from None
        _refuse_large(path, unpacked)


def _unpacked_gzip(path: Path) -> int:
    """Length of the unpacked file, as far as the limit."""
    size = 0
    try:
        with gzip.open(path) as file:
            while size <= MAX_BYTES and (piece := file.read(PIECE)):
                size += len(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise CohortError(f"{path} cannot be unpacked ({error}); copy it again") from None
    return size


def _refuse_large(path: Path, unpacked: int) -> None:
    packed = max(path.stat().st_size, 1)
    if unpacked > MAX_BYTES or (unpacked > PIECE * 64 and unpacked > MAX_RATIO * packed):
        raise CohortError(
            f"{path} of {packed} bytes unpacks to {unpacked} or more, which no table does; it is not read"
        )


def require_columns(path: Path, table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise UsageError where the table lacks one of the columns."""
    missing = [name for name in names if name not in table]
    if missing:
        near = ", ".join(map(str, list(table)[:30]))
        raise UsageError(f"{path} has no column {missing[0]!r}; it has {near}")


def decode(path: Path, table: pd.DataFrame, column: str, meaning: dict[str, str]) -> pd.Series:
    """A coded column in words; raises CohortError for a code that the legend does not have."""
    cells = table[column].str.strip()
    odd = cells[~cells.isin(list(meaning))]
    if len(odd):
        raise CohortError(
            f"{path}, line {odd.index[0]}: {column} is {odd.iloc[0]!r}, expected one of "
            f"{', '.join(repr(code) for code in meaning)}"
        )
    return cells.map(meaning)
