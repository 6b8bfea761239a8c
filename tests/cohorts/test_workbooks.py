"""Excel workbooks: read as Excel shows them, or refused."""

import gc
from pathlib import Path

import openpyxl
import psutil
import pytest

from bench.cohorts.table import read_table
from bench.cohorts.workbook import first_rows
from bench.errors import CohortError


def save_workbook(path: Path, cells: list[list[object]], **formats: str) -> Path:
    book = openpyxl.Workbook()
    for line in cells:
        book.active.append(line)
    for place, shown in formats.items():
        book.active[place].number_format = shown
    book.save(path)
    return path


def told(path: Path) -> list[list[str]]:
    def refuse(violation: object) -> None:
        raise AssertionError(violation)

    table = read_table(path, refuse)
    return [list(map(str, table.columns)), *table.to_numpy().tolist()]


def test_a_workbook_is_known_by_its_content_not_by_its_name(tmp_path: Path) -> None:
    named = save_workbook(tmp_path / "a.xlsx", [["id", "er"], ["p1", 1]]).rename(tmp_path / "cases.csv")
    assert told(named) == [["id", "er"], ["p1", "1"]]


def test_a_workbook_gives_what_excel_shows(tmp_path: Path) -> None:
    cells = [["id", "share", "when", "er", "n"], [7, 0.14, None, True, 12.0], ["008", 0.5, "x", False, 0.1]]
    path = save_workbook(tmp_path / "t.xlsx", cells, A2="000", B2="0%", B3="0.0%")
    assert told(path)[1:] == [["007", "14%", "", "TRUE", "12"], ["008", "50%", "x", "FALSE", "0.1"]]


def test_a_number_that_excel_took_for_a_date_is_a_date(tmp_path: Path) -> None:
    import datetime

    path = save_workbook(tmp_path / "t.xlsx", [["id", "ki67"], ["a", datetime.datetime(2024, 10, 15)]])
    assert told(path)[1] == ["a", "2024-10-15"]


def test_merged_cells_give_their_value_to_every_row(tmp_path: Path) -> None:
    path = save_workbook(tmp_path / "t.xlsx", [["id", "lesion"], ["a", 1], [None, 2], ["b", 1]])
    book = openpyxl.load_workbook(path)
    book.active.merge_cells("A2:A3")
    book.save(path)
    assert [line[0] for line in told(path)[1:]] == ["a", "a", "b"]


def test_a_formula_without_a_value_is_refused(tmp_path: Path) -> None:
    path = save_workbook(tmp_path / "t.xlsx", [["id", "er"], ["a", "=1+0"]])
    with pytest.raises(
        CohortError, match=r"cell B2: the formula was never calculated; open the file in Excel"
    ):
        told(path)


def test_a_broken_workbook_is_refused_in_one_line(tmp_path: Path) -> None:
    path = save_workbook(tmp_path / "t.xlsx", [["id", "er"], ["a", 1]])
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(CohortError, match=r"cannot be read as an Excel workbook"):
        told(path)


@pytest.mark.parametrize("read", [told, lambda path: first_rows(path, 3)], ids=["table", "first rows"])
def test_a_workbook_that_was_read_is_closed(read, tmp_path: Path) -> None:
    path = save_workbook(tmp_path / "t.xlsx", [["id", "er"], ["a", 1]])
    gc.disable()
    try:
        read(path)
        assert str(path) not in {file.path for file in psutil.Process().open_files()}
    finally:
        gc.enable()
