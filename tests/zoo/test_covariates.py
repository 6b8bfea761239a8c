"""``acquisition``, ``clinical`` and the linear models under them."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.methods.method import Run
from bench.methods.registry import load_registry
from bench.methods.variant import choose
from bench.running.run_cell import unmet_need
from bench.task import Task
from bench.testing import check_method
from bench_zoo.tabular.covariates import CovariateModel, Encoding
from bench_zoo.tabular.linear import (
    Labelled,
    deal_patients,
    fit_linear,
    held_out_losses,
    least,
    ridge_path,
    solve_ridge,
)
from bench_zoo.targets import Target

PENALTIES = (1.0, 0.1, 0.01)


def exams(folder: Path, cases: int = 60, vendors: str = "xy") -> Cohort:
    """A cohort without images whose ER label is its vendor, but for the first case: more would be refused."""
    rng = np.random.default_rng(0)
    vendor = rng.integers(len(vendors), size=cases)
    rows = {
        "case_id": [f"c{number}" for number in range(cases)],
        "patient_id": [f"p{number}" for number in range(cases)],
        "site": "a",
        "group": "internal",
        "er": np.where(np.arange(cases) == 0, 1 - vendor, vendor),
        "ki67": rng.uniform(5, 60, size=cases).round(1),
        "vendor": [vendors[entry] for entry in vendor],
        "thickness": np.where(rng.random(cases) < 0.2, np.nan, 1.5),
        "age": rng.integers(30, 80, size=cases),
    }
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    (folder / "cohort.toml").write_text(
        'name = "exams"\nsynthetic = true\n[tasks.er]\nkind = "binary"\n[tasks.ki67]\nkind = "continuous"\n'
        'unit = "points"\nrange = [0, 100]\n'
        '[columns]\nacquisition = ["vendor", "thickness"]\nclinical = ["age"]\n'
    )
    return load_folder(folder)


def fitted(role: str, train: Cohort, folder: Path) -> CovariateModel:
    return CovariateModel(role=role).fit(train, train, Run(0, "cpu", 1, folder))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["acquisition", "clinical"])
def test_keeps_the_contract(name: str) -> None:
    check_method(name)


def test_a_label_that_follows_the_scanner_is_found_by_acquisition_alone(tmp_path: Path) -> None:
    cohort = exams(tmp_path)
    train, test = cohort.take(cohort.case_ids[:40]), cohort.take(cohort.case_ids[40:])
    found = fitted("acquisition", train, tmp_path).predict(test.blind())["er"]
    assert ((found > 0.5) == test.labels("er").astype(bool)).all()
    blindly = fitted("clinical", train, tmp_path).predict(test.blind())["er"]
    assert np.ptp(blindly) < 0.5


def test_a_cohort_that_declares_no_such_column_is_declined_with_the_reason(tmp_path: Path) -> None:
    cohort = exams(tmp_path)
    header = (tmp_path / "cohort.toml").read_text()
    (tmp_path / "cohort.toml").write_text(header.replace("acquisition = ", "ignore = "))
    variant = choose(load_registry().spec("acquisition"), {})
    assert unmet_need(variant, cohort) is None
    reason = unmet_need(variant, load_folder(tmp_path))
    assert reason == "needs acquisition, which cohort exams does not carry"


def test_a_level_unseen_in_training_counts_as_none(tmp_path: Path) -> None:
    encoding = Encoding.of(pd.Series(["GE", "Siemens", "GE"], name="vendor"))
    encoded = encoding.apply(pd.Series(["Siemens", "Philips", None], name="vendor"))
    np.testing.assert_array_equal(encoded, [[0, 1], [0, 0], [0, 0]])


def test_missing_numbers_become_the_training_median_and_are_marked() -> None:
    encoding = Encoding.of(pd.Series([40.0, 50.0, 90.0, np.nan], name="age"))
    encoded = encoding.apply(pd.Series([50.0, np.nan, np.inf], name="age"))
    np.testing.assert_allclose(encoded[1], [encoded[0, 0], 1])
    np.testing.assert_allclose(encoded[2], [encoded[0, 0], 0])


def test_a_covariate_without_any_value_or_variation_says_nothing() -> None:
    for values in ([np.nan, np.nan], [3.0, 3.0], [None, None]):
        column = pd.Series(values, name="age")
        assert (Encoding.of(column).apply(column)[:, 0] == 0).all()


@pytest.mark.parametrize("word", [">70", "unknown", "n/a", "70+"])
def test_a_few_words_among_numbers_leave_them_numbers_and_are_named(
    word: str, caplog: pytest.LogCaptureFixture
) -> None:
    ages = ["41", "52", word, "63", "74", word]
    column = pd.Series(ages, name="age", dtype=object)
    encoding = Encoding.of(column)
    assert encoding.levels == () and encoding.missing
    known = Encoding.of(pd.Series([41.0, 52.0, np.nan, 63.0, 74.0, np.nan], name="age"))
    assert known == encoding
    encoded = encoding.apply(column)
    assert (np.diff(encoded[[0, 1, 3, 4], 0]) > 0).all()
    np.testing.assert_array_equal(encoded[:, 1], [0, 0, 1, 0, 0, 1])
    assert f"covariate 'age': 2 of 6 training values are no numbers ('{word}')" in caplog.text


def test_a_word_that_no_training_case_has_becomes_the_median() -> None:
    encoding = Encoding.of(pd.Series(["41", "52", "63"], name="age", dtype=object))
    encoded = encoding.apply(pd.Series([">70", "52"], name="age", dtype=object))
    assert encoded.shape == (2, 1) and encoded[0, 0] == encoded[1, 0] == 0


def test_a_column_of_words_with_a_few_numbers_is_one_of_levels(caplog: pytest.LogCaptureFixture) -> None:
    encoding = Encoding.of(pd.Series(["Aera", "3", "Skyra", "Vida"], name="scanner"))
    assert encoding.levels == ("3", "Aera", "Skyra", "Vida")
    assert caplog.text == ""


def test_words_in_an_age_column_cost_clinical_no_more_than_the_values_they_stand_for(tmp_path: Path) -> None:
    cohort = exams(tmp_path, cases=120)
    age = cohort.table["age"].to_numpy(dtype=float)
    # ER follows age; a few ages are written as words.
    table = cohort.table.assign(er=(age > 55).astype(float))
    worded = table.assign(age=[f"{entry:.0f}" for entry in age])
    worded.loc[worded.index[::15], "age"] = ">70"
    ids = cohort.case_ids

    def auc(table: pd.DataFrame) -> float:
        given = dataclasses.replace(cohort, table=table)
        model = fitted("clinical", given.take(ids[:80]), tmp_path)
        test = given.take(ids[80:])
        found = model.predict(test.blind())["er"]
        return float(roc_auc_score(test.labels("er"), found))

    assert auc(table) > 0.99
    assert auc(worded) > 0.9


def test_booleans_count_as_numbers() -> None:
    encoding = Encoding.of(pd.Series([True, False, True], name="contrast"))
    encoded = encoding.apply(pd.Series([True, False], name="contrast"))
    assert encoded[0, 0] > 0 > encoded[1, 0]


def synthetic(seed: int, cases: int = 80, signal: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(cases, 3))
    return features, signal * features[:, 0] + rng.normal(size=cases)


def examples(seed: int, binary: bool, cases: int = 80, signal: float = 2.0) -> Labelled:
    features, values = synthetic(seed, cases, signal)
    labels = (values > np.median(values)).astype(float) if binary else values
    return Labelled(features, labels, np.arange(cases).astype(str))


def objective(
    weights: np.ndarray, binary: bool, features: np.ndarray, labels: np.ndarray, penalty: float
) -> float:
    outputs = features @ weights[:-1] + weights[-1]
    signs = 2 * labels - 1
    losses = np.log1p(np.exp(-signs * outputs)) if binary else np.abs(labels - outputs)
    return float(losses.mean() + penalty / 2 * (weights[:-1] ** 2).sum())


@pytest.mark.parametrize("penalty", [0.01, 1.0])
@pytest.mark.parametrize("binary", [True, False])
def test_a_model_minimises_what_it_says_it_minimises(binary: bool, penalty: float) -> None:
    features, values = synthetic(0)
    labels = (values > 0).astype(float) if binary else values
    weights = solve_ridge(binary, features, labels, penalty)
    arguments = (binary, features, labels, penalty)
    other = minimize(
        objective, np.zeros(4), arguments, method="Nelder-Mead", options={"maxiter": 8000, "xatol": 1e-7}
    )
    assert objective(weights, *arguments) <= objective(other.x, *arguments) + 1e-3


@pytest.mark.parametrize("binary", [True, False])
def test_the_same_cases_twice_give_the_same_model(binary: bool) -> None:
    features, values = synthetic(1)
    labels = (values > 0).astype(float) if binary else values
    once = solve_ridge(binary, features, labels, 0.1)
    twice = solve_ridge(binary, np.tile(features, (2, 1)), np.tile(labels, 2), 0.1)
    np.testing.assert_allclose(once, twice, atol=2e-3)


@pytest.mark.parametrize("binary", [True, False])
def test_noise_asks_for_a_stronger_penalty_than_signal(binary: bool) -> None:
    chosen = []
    for signal in (0.0, 5.0):
        train = examples(2, binary, signal=signal)
        chosen.append(least(held_out_losses(binary, train, ridge_path(binary, PENALTIES))))
    assert chosen[0] < chosen[1]  # the strongest comes first


@pytest.mark.parametrize("binary", [True, False])
def test_the_validation_cases_choose_the_penalty(binary: bool) -> None:
    train, path = examples(2, binary), ridge_path(binary, PENALTIES)
    target = Target.of(Task("er", "binary" if binary else "continuous"), train.labels)
    models = path(train.features, train.labels)
    like_training, opposite = examples(5, binary), examples(6, binary, signal=-5.0)
    kept = fit_linear(target, train, like_training, path)
    assert not np.array_equal(kept, models[0]) and any(np.array_equal(kept, model) for model in models)
    np.testing.assert_array_equal(fit_linear(target, train, opposite, path), models[0])


def test_of_models_alike_but_for_rounding_the_most_penalised_is_kept() -> None:
    assert least(np.array([0.7, 0.5 + 1e-9, 0.5, np.nan])) == 1
    assert least(np.array([np.nan, np.nan])) == 0


@pytest.mark.parametrize("binary", [True, False])
def test_few_validation_cases_leave_the_choice_to_the_training_patients(binary: bool) -> None:
    train, path = examples(2, binary), ridge_path(binary, PENALTIES)
    target = Target.of(Task("er", "binary" if binary else "continuous"), train.labels)
    nine_of_a_class = examples(6, binary, cases=18, signal=-5.0)
    nobody = nine_of_a_class.take(np.zeros(18, bool))
    np.testing.assert_array_equal(
        fit_linear(target, train, nine_of_a_class, path), fit_linear(target, train, nobody, path)
    )


def test_a_patients_cases_share_a_part_and_every_part_has_its_share_of_positives() -> None:
    patients = np.array([f"p{number // 2}" for number in range(60)])
    labels = np.repeat(np.random.default_rng(0).permutation([1.0] * 10 + [0.0] * 20), 2)
    parts = deal_patients(labels, patients, 5)
    assert (parts[::2] == parts[1::2]).all()
    assert [labels[parts == part].sum() for part in range(5)] == [4] * 5


def test_one_positive_patient_leaves_the_strongest_penalty() -> None:
    features, _ = synthetic(3, cases=10)
    train = Labelled(features, np.array([1.0] + [0.0] * 9), np.arange(10).astype(str))
    assert least(held_out_losses(True, train, ridge_path(True, PENALTIES))) == 0


def test_without_features_the_constant_is_predicted() -> None:
    labels = np.array([1.0, 0.0, 0.0, 0.0])
    target = Target.of(Task("er", "binary"), labels)
    train = Labelled(np.empty((4, 0)), labels, np.arange(4).astype(str))
    weights = fit_linear(target, train, train, ridge_path(True, PENALTIES))
    np.testing.assert_allclose(target.decode(weights), [0.25])
