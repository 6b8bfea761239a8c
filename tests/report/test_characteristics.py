"""Table 1: counts and quartiles, in all and by site."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.characteristics import characteristics
from bench.cohorts.cohort import Cohort
from bench.report.characteristics import characteristics_table
from bench.report.formats.latex import to_latex
from bench.report.formats.text import to_csv, to_markdown

CASES = pd.DataFrame(
    {
        "patient_id": ["p1", "p1", "p2", "p3", "p4"],
        "site": ["A", "A", "A", "B", "B"],
        "group": ["internal"] * 5,
        "er": ["positive", "positive", "negative", None, "positive"],
        "age": [40.0, 40.0, 50.0, 60.0, np.nan],
        "field strength": [1.5, 1.5, 3.0, 3.0, 3.0],
    },
    index=list("abcde"),
)


def cells(characteristic: str, by: str = "site") -> list[str]:
    """The cells of a row: all, the parts, missing."""
    table = characteristics_table(CASES, "made", False, by)
    row = next(row for row in table.rows if row["characteristic"].text == characteristic)
    return [row[column.name].text for column in table.columns[1:]]


def test_patients_are_counted_beside_cases() -> None:
    assert cells("patients / cases") == ["4 / 5", "2 / 3", "2 / 2", "-"]


def test_words_are_counted_among_the_cases_that_have_one() -> None:
    assert cells("er: positive") == ["3 (75.0 %)", "2 (66.7 %)", "1 (100.0 %)", "1"]
    assert cells("er: negative") == ["1 (25.0 %)", "1 (33.3 %)", "0 (0.0 %)", "1"]


def test_numbers_are_given_as_median_and_quartiles() -> None:
    ages = [40.0, 41.0, 42.0, 50.0, 62.0]
    table = characteristics_table(CASES.assign(age=ages), "made", False)
    (row,) = (row for row in table.rows if row["characteristic"].text == "age")
    q1, median, q3 = np.quantile(ages, (0.25, 0.5, 0.75))
    assert row["All"].text == f"{median:.3g} [{q1:.3g}, {q3:.3g}]"


def test_few_different_numbers_are_counted_one_by_one() -> None:
    assert cells("field strength: 1.5") == ["2 (40.0 %)", "2 (66.7 %)", "0 (0.0 %)", "-"]
    assert cells("field strength: 3") == ["3 (60.0 %)", "1 (33.3 %)", "2 (100.0 %)", "-"]


def test_one_part_alone_has_no_column_of_its_own() -> None:
    table = characteristics_table(CASES, "made", False, "group")
    assert [column.header for column in table.columns] == ["Characteristic", "All", "Missing"]


def test_where_nothing_is_known_stands_a_dash() -> None:
    table = characteristics_table(CASES.assign(age=np.nan, er=[None] * 4 + ["positive"]), "made", False)
    by_name = {row["characteristic"].text: row for row in table.rows}
    assert by_name["er: positive"]["A"].text == "-"
    assert all("age" not in name for name in by_name)


def test_content_of_cells_is_escaped() -> None:
    odd = CASES.assign(er=["=1+1", "a|b", "<b>", "x", "y"])
    table = characteristics_table(odd, "made", False)
    assert "a\\|b" in to_markdown(table)
    assert "'=1+1" in to_csv(table)


def test_the_numbers_are_those_of_the_cohort(tiny: Cohort) -> None:
    cases = characteristics(tiny, quiet=True)
    assert (cases["er"] == "positive").sum() == (tiny.labels("er") == 1).sum()
    volume = tiny.volume(tiny.case_ids[0])
    expected = volume.array("mask").sum() * np.prod(volume.spacing_mm) / 1000
    assert cases["lesion volume, ml"].iloc[0] == pytest.approx(expected)
    assert cases["slice distance, mm"].iloc[0] == pytest.approx(volume.spacing_mm[0])
    assert "lesion volume, ml" not in characteristics(tiny, images=False, quiet=True)


def test_the_command_writes_every_format(tmp_path: Path) -> None:
    words = ["cohort", "describe", "phantom-tiny", "--no-images", "--quiet"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0 and "SYNTHETIC" in shown.output and "patients / cases" in shown.output
    for ending in ("md", "tex", "csv", "json", "html"):
        done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / f"t.{ending}")])
        assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "t.json").read_text())["rows"]
    assert {row["part"] for row in rows} == {"All", "A", "B", "C", "D"}


def test_a_page_of_latex_has_the_sites_too() -> None:
    page = to_latex(characteristics_table(CASES, "made", False))
    assert "Characteristic & All & A & B & Missing" in page
    assert r"\caption{Characteristics of made.}" in page, "LaTeX numbers the table itself"


@pytest.mark.filterwarnings("ignore")
def test_counts_and_quartiles_are_those_of_tableone() -> None:
    tableone = pytest.importorskip("tableone", reason="needs `uv sync --group validators`")
    cases = CASES.assign(age=[40.0, 45.5, 52.0, 60.0, np.nan])
    names = {"columns": ["er", "age"], "categorical": ["er"], "nonnormal": ["age"], "groupby": "site"}
    made = tableone.TableOne(cases.reset_index(drop=True), **names, include_null=False, decimals=1)
    theirs = made.tableone["Grouped by site"]
    rows = {row["characteristic"].text: row for row in characteristics_table(cases, "made", False).rows}
    for own, their in {"All": "Overall", "A": "A", "B": "B"}.items():
        assert (
            rows["er: positive"][own].text.replace(" %", "") == theirs.loc[("er, n (%)", "positive"), their]
        )
        quartiles = re.findall(r"[\d.]+", rows["age"][own].text)
        expected = re.findall(r"[\d.]+", theirs.loc[("age, median [Q1,Q3]", ""), their])
        assert [float(one) for one in quartiles] == pytest.approx([float(one) for one in expected], abs=0.06)
