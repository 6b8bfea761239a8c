"""cohort.toml as the checker reads it: what is wrong in a header is named."""

from pathlib import Path

import pytest

from bench.cohorts.folder import load_folder
from tests.cohorts.checked_folders import CASES, found, header, put


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('[columns]\nacquisition = ["vendor"]', "", "column 'vendor' has no role"),
        ('[tasks.er]\nkind = "binary"\n', "[tasks]\n", "column 'er' has no role"),
        ('kind = "binary"', 'kind = "binary"\nranked = "no"', "ranked must be true or false, got 'no'"),
        ('kind = "binary"', 'kind = "binary"\ntitle = 3', "title must be text in quotes, got 3"),
        ('["vendor"]', '["vendor", "site"]', "'site' is one of the columns with fixed names"),
        ('["vendor"]', '["vendor"]\nignore = ["vendor"]', "'vendor' is listed as acquisition and cannot"),
    ],
)
def test_a_header_that_is_not_as_the_format_asks_is_named(
    folder: Path, old: str, new: str, message: str
) -> None:
    header(old, new)(folder)
    assert any(message in violation.detail for violation in found(folder)), found(folder)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("[tasks]", "declares no task"),
        ('columns = ["vendor"]\n[tasks.er]\nkind = "binary"', "must hold lists of column names by role"),
    ],
)
def test_a_header_with_a_part_of_another_kind_is_refused(folder: Path, rest: str, message: str) -> None:
    (folder / "cohort.toml").write_text(f'name = "mini"\nsynthetic = true\n{rest}\n')
    assert any(message in violation.detail for violation in found(folder))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("image", "/data/c1.nii.gz", "has an absolute path"),
        ("image", "scans\\c1.nii.gz", "write / for \\"),
        ("mask", ".", "(it is a folder)"),
        ("ki67", "12,5", "write decimals with a point"),
    ],
)
def test_a_common_slip_has_its_hint(folder: Path, column: str, value: str, words: str) -> None:
    put(1, column, value)(folder)
    assert any(words in violation.detail for violation in found(folder) if violation.case_id == "c1")


def test_empty_lines_and_blanks_round_names_are_passed_over(folder: Path) -> None:
    put(1, "patient_id", " p1 ")(folder)
    put(1, "image", " c1.nii.gz")(folder)
    put(1, "site", "NA")(folder)
    with (folder / "cases.csv").open("a") as lines:
        lines.write(",,,,,,,,\n" * 3)
    assert found(folder) == []
    cohort = load_folder(folder)
    assert len(cohort) == CASES and "NA" in set(cohort.sites) and cohort.table.loc["c1", "patient_id"] == "p1"
