"""ComBat inside fit: as neuroCombat has it, deaf to test cases, and named on the row."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import CohortError
from bench.methods.method import Run
from bench_zoo.classical.harmonised import HarmonisedCarried
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


def fitted(cohort: Cohort, folder: Path) -> HarmonisedCarried:
    train, val = cohort.take(cohort.case_ids[:80]), cohort.take(cohort.case_ids[80:90])
    return HarmonisedCarried(family="lda").fit(train, val, Run(0, "cpu", 1, folder))


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
    assert before.combat is not None and after.combat is not None
    assert before.combat.as_json() == after.combat.as_json()


def test_a_site_of_no_training_case_is_left_as_it_is(cohort: Cohort, tmp_path: Path) -> None:
    method = fitted(cohort, tmp_path)
    sites = cohort.table.assign(site="elsewhere")
    moved = replace(cohort, table=sites).take(cohort.case_ids[90:]).blind()
    pd.testing.assert_frame_equal(method.measure(moved), method.raw(moved), check_names=False)
    assert method.unseen == "as_is"


def test_a_saved_model_predicts_the_same(cohort: Cohort, tmp_path: Path) -> None:
    method, test = fitted(cohort, tmp_path), cohort.take(cohort.case_ids[90:]).blind()
    method.save(tmp_path)
    np.testing.assert_array_equal(
        HarmonisedCarried.load(tmp_path).predict(test)["er"], method.predict(test)["er"]
    )
