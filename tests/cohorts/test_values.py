"""Numbers of a column, read at once and cell by cell."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from bench.cohorts import values
from bench.cohorts.values import binary_numbers, covariate, numbers

CELLS = [
    "1",
    "-2.5",
    "+.5",
    "3.",
    "1e3",
    "1E-400",
    "1e999",
    "007",
    "",
    "NA",
    "none",
    "1,5",
    "1,234",
    "x",
    ">7",
]
CELLS += ["1,234", "٣", "1_0", "inf", "true", "FALSE", "5\n6", "12345678901234567890", "1e", ".", "-"]


@pytest.mark.parametrize("size", [1, 2])
def test_columns_read_at_once_are_as_read_cell_by_cell(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [pd.Series(cells, dtype=object) for cells in itertools.product(CELLS, repeat=size)]
    read = (numbers, binary_numbers, lambda cells: covariate(cells)[0])
    at_once = [[_told(how(cells)) for how in read] for cells in columns]
    monkeypatch.setattr(values, "_all_match", _one_by_one)
    assert at_once == [[_told(how(cells)) for how in read] for cells in columns]


def test_no_cell_and_one_cell_of_numbers() -> None:
    assert len(numbers(pd.Series([], dtype=object)).values) == 0
    assert covariate(pd.Series(["1", "2"], dtype=object))[0].dtype == np.dtype(int)
    assert math.isnan(covariate(pd.Series(["1", ""], dtype=object))[0][1])


def _one_by_one(text: np.ndarray, lines: object) -> bool:
    """What the match of all stands for, in whole numbers; False sends numbers to the slow way."""
    return lines is values._WHOLES and all(values._WHOLE.fullmatch(cell) for cell in text)


def _told(found: object) -> str:
    parts = (found.values, found.odd) if isinstance(found, values.Numbers) else (found,)
    return repr([(str(part.dtype), list(part)) for part in parts])
