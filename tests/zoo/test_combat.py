"""ComBat inside fit: as neuroCombat has it, deaf to test cases, and named on the row."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import CohortError, UsageError
from bench.methods.method import Run
from bench.methods.parameters import build, parameters
from bench.methods.registry import load_registry
from bench.methods.through import Through
from bench_zoo.classical.combined import ClinicalTable
from bench_zoo.tabular.combat import ComBat

pytestmark = pytest.mark.slow

REFERENCE = Path(__file__).parents[1] / "reference" / "combat.json"
TOML = 'name = "made"\nsynthetic = true\nfeatures = "features.csv"\n[tasks.er]\nkind = "binary"\n'


@pytest.mark.parametrize(("key", "protects"), [("harmonised", False), ("protected", True)])
def test_values_are_those_of_neurocombat(key: str, protects: bool) -> None:
    stored = json.loads(REFERENCE.read_text())
    values, sites = np.array(stored["values"]), np.array(stored["site"], dtype=object)
    age = np.array(stored["age"])[:, None] if protects else None
    found = ComBat.fitted(values, sites, age).apply(values, sites, age)
    np.testing.assert_allclose(found, stored[key], atol=2e-5)


def test_other_sites_and_flat_features_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.standard_normal((40, 4)), np.ones(40)])
    sites = np.array(["a", "b"] * 19 + ["c", "c"], dtype=object)
    found = ComBat.fitted(values, sites).apply(values, sites)
    np.testing.assert_array_equal(found[-2:], values[-2:])
    np.testing.assert_array_equal(found[:, 4], values[:, 4])
    with pytest.raises(CohortError, match="no training site has 3 cases"):
        ComBat.fitted(values[:4], sites[:4])


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    rng = np.random.default_rng(0)
    site, er = np.arange(120) % 3, (rng.random(120) < 0.5).astype(int)
    values = rng.standard_normal((120, 12)) + 2 * site[:, None] + er[:, None] * (np.arange(12) < 4)
    ids = pd.DataFrame({"case_id": [f"c{i:03}" for i in range(120)]})
    who = {"patient_id": [f"p{i:03}" for i in range(120)], "site": [f"s{i}" for i in site]}
    cases = ids.assign(**who, group="internal", er=er)
    cases.to_csv(tmp_path / "cases.csv", index=False)
    names = [f"f{i}" for i in range(12)]
    ids.join(pd.DataFrame(values, columns=names)).to_csv(tmp_path / "features.csv", index=False)
    (tmp_path / "cohort.toml").write_text(TOML)
    return load_folder(tmp_path)


def fitted(cohort: Cohort, folder: Path, name: str = "features_lda+combat", **params: Any) -> Through:
    train, val = cohort.take(cohort.case_ids[:80]), cohort.take(cohort.case_ids[80:90])
    spec = load_registry().spec(name)
    found = build(spec, parameters(spec, params)).fit(train, val, Run(0, "cpu", 1, folder))
    assert isinstance(found, Through)
    return found


def test_test_cases_do_not_move_the_fit(cohort: Cohort, tmp_path: Path) -> None:
    test = cohort.take(cohort.case_ids[90:])
    before = fitted(cohort, tmp_path)
    alone = before.predict(test.take(test.case_ids[:1]).blind())["er"]
    together = before.predict(test.blind())["er"]
    assert alone[0] == pytest.approx(together[0], rel=1e-12)  # sums of one row and of many
    table = pd.read_csv(tmp_path / "features.csv")
    table.loc[90:, "f0"] = 1e3
    table.to_csv(tmp_path / "features.csv", index=False)
    after = fitted(load_folder(tmp_path), tmp_path)
    assert before.lens.as_json()["features"]["combat"]["sites"] == ["s0", "s1", "s2"]
    assert before.lens.as_json() == after.lens.as_json()


def test_a_site_of_no_training_case_is_left_as_it_is(cohort: Cohort, tmp_path: Path) -> None:
    method, test = fitted(cohort, tmp_path), cohort.take(cohort.case_ids[90:]).blind()
    moved = replace(test, table=test.table.assign(site="elsewhere"))
    pd.testing.assert_frame_equal(method.seen(moved).features(), moved.features())
    assert np.abs(method.seen(test).features() - test.features()).to_numpy().max() > 1


def test_gaps_and_words_stay_and_the_vendor_can_stand_for_the_site(cohort: Cohort, tmp_path: Path) -> None:
    table = pd.read_csv(tmp_path / "features.csv").assign(shape="round")
    table.loc[[3, 95], "f1"] = np.nan
    table.to_csv(tmp_path / "features.csv", index=False)
    other = load_folder(tmp_path)
    vendor = other.table.assign(vendor=other.table["site"].replace("s2", "s1"))
    other = replace(other, table=vendor, roles={"vendor": "acquisition"})
    found = fitted(other, tmp_path, by="vendor").seen(other).features()
    assert list(found.index[found["f1"].isna()]) == ["c003", "c095"] and set(found["shape"]) == {"round"}
    by_site = fitted(other, tmp_path).seen(other).features()
    assert np.abs(found["f0"] - by_site["f0"]).max() > 0.1
    with pytest.raises(UsageError, match="by='scanner': the cohort has no such acquisition covariate"):
        fitted(other, tmp_path, by="scanner")


def test_a_combined_model_keeps_its_clinical_covariates(cohort: Cohort, tmp_path: Path) -> None:
    age = np.linspace(30, 80, len(cohort))
    other = replace(cohort, table=cohort.table.assign(age=age), roles={"age": "clinical"})
    method = fitted(other, tmp_path, "features_clinical+combat")
    measured = ClinicalTable().measure(method.seen(other))
    np.testing.assert_array_equal(measured["clinical_age"], age)
    np.testing.assert_array_equal(measured["f0"], method.seen(other).features()["f0"])
    assert np.abs(measured["f0"] - other.features()["f0"]).max() > 1
    assert load_registry().spec("clinical_radiomics+combat").target.endswith(":ClinicalTable")


def test_a_saved_model_predicts_the_same(cohort: Cohort, tmp_path: Path) -> None:
    method, test = fitted(cohort, tmp_path), cohort.take(cohort.case_ids[90:]).blind()
    method.save(tmp_path)
    loaded = type(method).load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(test)["er"], method.predict(test)["er"])
    with pytest.raises(CohortError, match="these features were not read when the method was fitted"):
        loaded.seen(test).radiomics()
