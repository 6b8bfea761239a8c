"""What the text of a table's cells says: numbers, labels, covariates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

MISSING_WORDS = (
    "",
    *("na", "n/a", "<na>", "#n/a", "#na", "#n/a n/a", "nan", "-nan", "null", "none"),
    *("1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
)
"""What stands for a value that is not known, in any case."""
BOOLEAN = {"true": "1", "false": "0"}
# From this share of numbers on, a column is taken to hold numbers, and its other words are mistakes.
NUMERIC_SHARE = 0.5
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d{1,15}")
# Lines that are all numbers or empty, and all whole numbers; nothing is tried twice.
_NUMBERS = re.compile(r"(?:(?:[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?+)?+\n)*+")
_WHOLES = re.compile(r"(?:[+-]?\d{1,15}+\n)*+")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*|\d{1,2}-[A-Za-z]{3}|[A-Za-z]{3}-\d{1,2}")
HINTS = {
    "date": "; spreadsheets turn ranges such as 10-15 into dates: write the number as text",
    "comma": "; write decimals with a point",
    "percent": "; leave out the % sign",
    "bound": "; write a number, or empty the cell",
    "word": "; write 1 or 0, or let `bench cohort init` read the words",
}


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers of a column: ``values`` (float, NaN where none); ``odd``, True where text is no number."""

    values: np.ndarray
    odd: np.ndarray


def is_missing(cell: str) -> bool:
    """Whether a cell says that its value is not known."""
    return cell.lower() in MISSING_WORDS


def numbers(cells: "pd.Series[str]") -> Numbers:
    """The numbers of a column; decimal commas are read where the whole column can mean nothing else.

    That is where no cell of it has a decimal point, and the commas are not all followed by three digits, as
    those of thousands are.
    """
    text = cells.to_numpy(dtype=object)
    if _all_match(text, _NUMBERS):
        return _plain_numbers(text)
    with_comma = [cell for cell in text if _DECIMAL_COMMA.fullmatch(cell)]
    clear = not any("." in cell and _NUMBER.fullmatch(cell) for cell in text)
    if with_comma and clear and not all(_THOUSANDS.fullmatch(cell) for cell in with_comma):
        text = np.array([cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell for cell in text])
    plain = np.array([_NUMBER.fullmatch(cell) is not None for cell in text], dtype=bool)
    values = np.array([float(cell) if good else np.nan for cell, good in zip(text, plain, strict=True)])
    missing = np.array([is_missing(cell) for cell in text], dtype=bool)
    values[~np.isfinite(values)] = np.nan
    return Numbers(values, ~missing & np.isnan(values))


def _all_match(text: np.ndarray, lines: re.Pattern[str]) -> bool:
    """Whether every cell is such a line: one match of all takes a fraction of the time of one each."""
    joined = "\n".join([*text, ""])
    return joined.count("\n") == len(text) and lines.fullmatch(joined) is not None


def _plain_numbers(text: np.ndarray) -> Numbers:
    """Cells that are all numbers with a point, or empty."""
    empty = (text == "").astype(bool)
    values = np.where(empty, "nan", text).astype(float)
    values[~np.isfinite(values)] = np.nan
    return Numbers(values, ~empty & np.isnan(values))


def binary_numbers(cells: "pd.Series[str]") -> Numbers:
    """0 and 1 of a binary column, where true and false mean 1 and 0; any other number is odd too."""
    found = numbers(cells)
    if found.odd.any():
        found = numbers(cells.map(lambda cell: BOOLEAN.get(cell.lower(), cell)))
    wrong = ~np.isnan(found.values) & ~np.isin(found.values, (0.0, 1.0))
    return Numbers(found.values, found.odd | wrong)


def covariate(cells: "pd.Series[str]", categorical: bool = False) -> "tuple[pd.Series, np.ndarray]":
    """A covariate as numbers where its cells are, else as words; and True where a cell is neither.

    A column of which at least half of the known cells are numbers holds numbers, and what else stands there
    (``>70``, ``unknown``) is odd, unless the column is declared to be ``categorical``. Unknown is NaN.
    """
    none = np.zeros(len(cells), dtype=bool)
    if not categorical:
        found = numbers(cells)
        if not found.odd.any():
            return _whole_where_it_is(found.values, cells), none
        flags = binary_numbers(cells)
        if not flags.odd.any():
            return pd.Series(flags.values, index=cells.index), none
        known = ~cells.map(is_missing).to_numpy(dtype=bool)
        if (known & ~found.odd).sum() >= NUMERIC_SHARE * known.sum():
            return pd.Series(found.values, index=cells.index), found.odd
    # Among words, "None" is one: no family history is not an unknown one.
    lower = cells.str.lower()
    known = ~lower.isin([word for word in MISSING_WORDS if word != "none"]).to_numpy(dtype=bool)
    words = [cell if keep else np.nan for cell, keep in zip(cells, known, strict=True)]
    return pd.Series(words, index=cells.index, dtype=object), none


def _whole_where_it_is(values: np.ndarray, cells: "pd.Series[str]") -> "pd.Series":
    """The numbers of a column: whole ones where all are known and written so, as 1 and not 1.0."""
    whole = _all_match(cells.to_numpy(dtype=object), _WHOLES)
    return pd.Series(values.astype(int) if whole and len(values) else values, index=cells.index)


def hint(cell: str, binary: bool = False) -> str:
    """What to do about a cell that is no number, as the end of a sentence; empty where that is not known."""
    if _DATE.fullmatch(cell):
        return HINTS["date"]
    if re.fullmatch(r"[+-]?[\d.]+,[\d,]*", cell):
        return HINTS["comma"]
    if cell.endswith("%"):
        return HINTS["percent"]
    if re.match(r"[<>≤≥~]", cell):
        return HINTS["bound"]
    return HINTS["word"] if binary and re.search(r"[A-Za-z+-]", cell) else ""


def odd_cells(cells: "pd.Series[str]", odd: np.ndarray) -> Iterator[tuple[int, int, str]]:
    """Place, line and text of each odd cell."""
    for place in np.flatnonzero(odd):
        yield int(place), int(cells.index[int(place)]), str(cells.iloc[place])
