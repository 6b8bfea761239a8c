"""Checks of tables of features: what was done to them with the test cases at hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.audit.copies import mixtures
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from tests.audit.audited import alarms, cut, verdicts

PATIENTS, COLUMNS = 160, 40
TOML = 'name = "made"\nsynthetic = true\nfeatures = "features.csv"\n[tasks.er]\nkind = "binary"\n'


def measured(seed: int = 0, columns: int = COLUMNS) -> pd.DataFrame:
    """Correlated features that differ by site and say something of ER, with the columns of cases.csv."""
    rng = np.random.default_rng(seed)
    site, er = rng.integers(0, 3, PATIENTS), (rng.random(PATIENTS) < 0.6).astype(int)
    values = rng.standard_normal((PATIENTS, columns)) + 0.5 * rng.standard_normal((PATIENTS, 1))
    values += 0.4 * site[:, None] * rng.random(columns) + 0.6 * er[:, None] * (np.arange(columns) < 5)
    table = pd.DataFrame(values, columns=[f"f{i}" for i in range(columns)])
    group = np.where(np.arange(PATIENTS) < 120, "internal", "external")
    return table.assign(er=er, site=[f"s{i}" for i in site], group=group)


def cohort_of(table: pd.DataFrame, folder: Path) -> Cohort:
    ids = pd.DataFrame({"case_id": [f"c{i:04}" for i in range(len(table))]})
    names = [name for name in table if name.startswith("f")]
    table = table.reset_index(drop=True)
    patients = pd.Series([f"p{i:04}" for i in range(len(table))], name="patient_id")
    pd.concat([ids, patients, table[["site", "group", "er"]]], axis=1).to_csv(
        folder / "cases.csv", index=False
    )
    pd.concat([ids, table[names]], axis=1).to_csv(folder / "features.csv", index=False)
    (folder / "cohort.toml").write_text(TOML)
    return load_folder(folder)


def found_in(table: pd.DataFrame, folder: Path) -> dict[str, list[str]]:
    cohort = cohort_of(table, folder)
    found = alarms(verdicts(cohort, cut(cohort)))
    return {code: found[code] for code in ("BA024", "BA025", "BA026") if code in found}


def features(table: pd.DataFrame) -> list[str]:
    return [name for name in table if name.startswith("f")]


@pytest.mark.parametrize("seed", range(5))
def test_measured_features_raise_no_alarm(seed: int, tmp_path: Path) -> None:
    assert found_in(measured(seed), tmp_path) == {}


def test_copied_rows_are_found(tmp_path: Path) -> None:
    table = measured()
    found = found_in(pd.concat([table, table[table["er"] == 0].head(5)]), tmp_path)
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
    table = measured(columns=400)
    names = features(table)
    best = table[names].corrwith(table["er"]).abs().nlargest(10).index
    found = found_in(table[[*best, "er", "site", "group"]], tmp_path)
    assert list(found) == ["BA025"]
    assert found["BA025"][0].startswith("each of the 10 features is associated with er")


@pytest.mark.parametrize("protected", [False, True])
def test_a_harmonisation_of_all_cases_is_found(protected: bool, tmp_path: Path) -> None:
    table = measured()
    names = features(table)
    kept = table[names].groupby(table["er"]).transform("mean") if protected else 0.0
    rest = table[names] - kept
    sites = rest.groupby(table["site"])
    table[names] = kept + (rest - sites.transform("mean")) / sites.transform("std")
    assert list(found_in(table, tmp_path)) == ["BA026"]
