"""Feature tables: what check refuses is what a run refuses, with the same words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.checking.check import check_folder
from bench.cohorts.folder import load_folder
from bench.errors import CohortError

HEADER = """name = "mini"
synthetic = true
features = "{features}"
[tasks.er]
kind = "binary"
"""
TABLE = "case_id,volume,shape\n" + "".join(f"00{at},{at}.25,{'ab'[at % 2]}\n" for at in range(6))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mini"
    folder.mkdir()
    lines = [f"00{at},p{at},a,internal,{at % 2}" for at in range(6)]
    (folder / "cases.csv").write_text("\n".join(["case_id,patient_id,site,group,er", *lines]))
    (folder / "cohort.toml").write_text(HEADER.format(features="features.csv"))
    (folder / "features.csv").write_text(TABLE)
    return folder


def named(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "cohort.toml").write_text(HEADER.format(features=name))


def table(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "features.csv").write_text(text)


def outside(folder: Path) -> None:
    (folder.parent / "features.csv").write_text(TABLE)
    named("../features.csv")(folder)


def absolute(folder: Path) -> None:
    named(str(folder / "features.csv"))(folder)


VIOLATIONS = {
    "doubled id": (
        table(TABLE + "003,9,a\n"),
        r"lines 5, 8: case_id '003' occurs more than once; keep one line",
    ),
    "absolute path": (absolute, r"the feature table 'features.csv' has an absolute path"),
    "path outside": (outside, r"the feature table '../features.csv' lies outside the cohort folder"),
    "empty file": (table(""), r"features.csv is empty"),
    "header alone": (table("case_id,volume\n"), r"has no line under its header"),
    "no such file": (named("none.csv"), r"none.csv, the feature table of cohort.toml, is missing"),
    "no id column": (table(TABLE.replace("case_id", "name")), r"expected a column case_id"),
    "a case without a line": (
        table(TABLE.replace("003", "300")),
        r"case '003' has no line in .*features.csv",
    ),
    "an id spelled otherwise": (table(TABLE.replace("003", "3")), r"it has '3': write one id"),
    "an empty id": (table(TABLE.replace("003", "")), r"line 5: case_id is empty"),
    "a word among numbers": (
        table(TABLE.replace("3.25", ">3")),
        r"line 5: feature 'volume' is '>3' there and a number",
    ),
    "infinity": (table(TABLE.replace("3.25", "inf")), r"line 5: feature 'volume' is 'inf'"),
    "a cut line": (table(TABLE[:-3]), r"line 7: 2 cells, expected the 3"),
    "a feature named as a task": (
        table(TABLE.replace("volume", "er")),
        r"the feature 'er' is named as a task",
    ),
}


@pytest.mark.parametrize("kind", VIOLATIONS)
def test_check_and_run_refuse_a_feature_table_for_the_same_reason(kind: str, folder: Path) -> None:
    VIOLATIONS[kind][0](folder)
    with pytest.raises(CohortError, match=VIOLATIONS[kind][1]) as refused:
        load_folder(folder).features()
    checked = check_folder(folder, quiet=True)
    assert not checked.would_run
    assert any(str(refused.value).startswith(violation.detail) for violation in checked.violations)


def test_features_are_numbers_or_words_by_case(folder: Path) -> None:
    features = load_folder(folder).take(["004", "001"]).features()
    assert list(features.index) == ["004", "001"] and list(features["shape"]) == ["a", "b"]
    np.testing.assert_array_equal(features["volume"], [4.25, 1.25])


def test_a_semicolon_table_with_decimal_commas_is_the_same(folder: Path) -> None:
    first = load_folder(folder).features()
    (folder / "features.csv").write_text(TABLE.replace(",", ";").replace(".", ","), encoding="utf-8-sig")
    assert load_folder(folder).features().equals(first)
