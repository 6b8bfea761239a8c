"""Checks of tables of features: what was done to them with the test cases at hand."""

from pathlib import Path

import pandas as pd
import pytest

from bench.audit.copies import mixtures
from tests.audit.audited import alarms, cut, verdicts
from tests.audit.feature_tables import cohort_of, features, harmonised, measured, selected, with_copies


def found_in(table: pd.DataFrame, folder: Path) -> dict[str, list[str]]:
    cohort = cohort_of(table, folder)
    found = alarms(verdicts(cohort, cut(cohort)))
    return {code: found[code] for code in ("BA024", "BA025", "BA026") if code in found}


@pytest.mark.parametrize("seed", range(5))
def test_measured_features_raise_no_alarm(seed: int, tmp_path: Path) -> None:
    assert found_in(measured(seed), tmp_path) == {}


def test_copied_rows_are_found(tmp_path: Path) -> None:
    found = found_in(with_copies(), tmp_path)
    assert list(found) == ["BA024"]
    assert len(found["BA024"]) == 5


def test_rows_of_smote_are_found(tmp_path: Path) -> None:
    table = measured()
    names, own = features(table), table[table["er"] == 0]
    near = ((own[names] - own[names].iloc[0]) ** 2).sum(axis=1).argsort().iloc[1]
    between = own.iloc[[0]].copy()
    between[names] = 0.7 * own[names].iloc[[0]].to_numpy() + 0.3 * own[names].iloc[[near]].to_numpy()
    (text,) = found_in(pd.concat([table, between]), tmp_path)["BA024"]
    assert text.startswith("features of 'c0160' lie on the line between")


def test_whole_numbers_may_lie_on_a_line() -> None:
    counts = pd.DataFrame({f"f{i}": range(20) for i in range(6)}, index=[f"c{i}" for i in range(20)])
    assert mixtures(counts) == []


def test_a_selection_by_all_labels_is_found(tmp_path: Path) -> None:
    found = found_in(selected(), tmp_path)
    assert list(found) == ["BA025"]
    assert found["BA025"][0].startswith("each of the 10 features is associated with er")


@pytest.mark.parametrize("protected", [False, True])
def test_a_harmonisation_of_all_cases_is_found(protected: bool, tmp_path: Path) -> None:
    assert list(found_in(harmonised(protected), tmp_path)) == ["BA026"]
