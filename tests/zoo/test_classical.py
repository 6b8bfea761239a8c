"""Classical families on tables of features."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.methods.method import Run
from bench.methods.registry import load_registry
from bench.task import Task
from bench.testing import check_method
from bench_zoo.classical.families import FAMILIES
from bench_zoo.classical.fitting import Choice, calibrated, fit_task, held_out_scores
from bench_zoo.classical.sources import (
    CarriedTable,
    MaskShape,
    covariate_features,
)
from bench_zoo.tabular.linear import Labelled
from bench_zoo.targets import Target

FEW_TREES = {"trees": 5}


def parts(cohort: Cohort) -> tuple[Cohort, Cohort, Cohort]:
    train, val, test = (cohort.take(cohort.case_ids[a:b]) for a, b in ((0, 200), (200, 210), (210, 300)))
    return train, val, test


def examples(signal: float, binary: bool = True, cases: int = 150) -> Labelled:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(cases, 20))
    values = signal * features[:, 2] + rng.normal(size=cases)
    return Labelled(features, (values > 0).astype(float) if binary else values, np.arange(cases).astype(str))


def target_of(train: Labelled, binary: bool = True) -> Target:
    return Target.of(Task("er", "binary" if binary else "continuous"), train.labels)


def choice_of(family: str = "ridge", seed: int = 0) -> Choice:
    return Choice(FAMILIES[family], (2, 8), 10, seed)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_finds_the_feature_that_decides_and_predicts_alike_when_loaded(
    family: str, carried: Cohort, tmp_path: Path
) -> None:
    train, val, test = parts(carried)
    fitted = CarriedTable(family, trees=30).fit(train, val, Run(0, "cpu", 1, tmp_path))
    predicted = fitted.predict(test.blind())
    known = ~np.isnan(test.labels("er"))
    assert roc_auc_score(test.labels("er")[known], predicted["er"][known]) > 0.75
    error = np.abs(predicted["ki67"] - test.labels("ki67")).mean()
    assert error < 0.8 * np.abs(np.median(train.labels("ki67")) - test.labels("ki67")).mean()
    fitted.save(tmp_path)
    again = CarriedTable.load(tmp_path)
    assert [type(task.estimator) for task in again.tasks] == [type(task.estimator) for task in fitted.tasks]
    for task, values in again.predict(test.blind()).items():
        np.testing.assert_array_equal(values, predicted[task])


def outputs_of(family: str, seed: int) -> np.ndarray:
    train = examples(1.0)
    return fit_task(target_of(train), train, choice_of(family, seed)).outputs(train.features)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_model(family: str) -> None:
    np.testing.assert_array_equal(outputs_of(family, 0), outputs_of(family, 0))


@pytest.mark.parametrize("family", ["forest", "boosting"])
def test_another_seed_draws_other_cases(family: str) -> None:
    assert not np.array_equal(outputs_of(family, 0), outputs_of(family, 1))


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"tree"}))
def test_labels_of_noise_are_not_ranked_by_features_chosen_outside_the_fold(family: str) -> None:
    rng = np.random.default_rng(4)
    aucs = []
    for _ in range(6):
        labels = (rng.random(100) < 0.5).astype(float)
        noise = Labelled(rng.normal(size=(100, 300)), labels, np.arange(100).astype(str))
        scores = held_out_scores(True, noise, Choice(FAMILIES[family], (8,), 5, 0))
        assert scores is not None
        aucs.append(roc_auc_score(labels, scores[0]))
    assert np.mean(aucs) < 0.6  # features selected on all cases give .62 to .80


def test_a_patients_cases_are_held_out_together() -> None:
    train = examples(0.0)
    labels = np.repeat(train.labels[:75], 2)
    twins = Labelled(
        np.repeat(train.features[:75], 2, axis=0), labels, np.repeat(np.arange(75).astype(str), 2)
    )
    apart = Labelled(twins.features, labels, np.arange(150).astype(str))
    nearest = Choice(lambda sample: [type(FAMILIES["knn"](sample)[0])(n_neighbors=1)], (8,), 5, 0)
    found, leaking = (held_out_scores(True, cases, nearest) for cases in (twins, apart))
    assert found is not None and leaking is not None
    assert roc_auc_score(labels, leaking[0]) > 0.8 > roc_auc_score(labels, found[0]) + 0.1


def test_calibration_finds_the_log_odds_and_gives_nothing_to_a_score_of_the_wrong_sign() -> None:
    rng = np.random.default_rng(3)
    log_odds = rng.normal(size=4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-log_odds))).astype(float)
    slope, shift = calibrated(True, 5 * log_odds + 3, labels)
    np.testing.assert_allclose(slope * (5 * log_odds + 3) + shift, log_odds, atol=0.3)
    assert calibrated(True, -log_odds, labels)[0] == 0


def test_a_continuous_task_is_moved_by_the_median_residual() -> None:
    assert calibrated(False, np.zeros(5), np.array([1.0, 2.0, 3.0, 4.0, 90.0])) == (1.0, 3.0)


def test_one_positive_patient_leaves_the_prevalence() -> None:
    train = examples(1.0, cases=40)
    train = Labelled(train.features, (np.arange(40) == 7).astype(float), train.patients)
    target = target_of(train)
    found = fit_task(target, train, choice_of())
    np.testing.assert_allclose(target.decode(found.outputs(train.features)), 1 / 40)


@pytest.mark.parametrize("binary", [True, False])
def test_the_candidates_of_a_family_are_as_many_for_every_sample(binary: bool) -> None:
    for name in FAMILIES:
        choice = choice_of(name)
        assert len(choice.estimators(binary, 5)) == len(choice.estimators(binary, 500)) > 0


def test_an_unknown_family_and_no_number_of_features_are_refused() -> None:
    with pytest.raises(UsageError, match=r"forrest.*did you mean forest"):
        CarriedTable("forrest").choice()
    with pytest.raises(UsageError, match=re.escape("counts: expected numbers of features, each at least 1")):
        CarriedTable(counts=(0, 8)).choice()


def test_covariates_of_words_become_columns_and_a_missing_value_stays_missing(tiny: Cohort) -> None:
    table = tiny.table.iloc[:3].assign(age=["41", None, ">70"], menopause=["pre", "post", None])
    roles = {"age": "clinical", "menopause": "clinical"}
    found = covariate_features(replace(tiny, table=table, roles=roles))
    np.testing.assert_array_equal(found["clinical_age"], [41, np.nan, np.nan])
    np.testing.assert_array_equal(found["clinical_age=>70"], [0, 0, 1])
    np.testing.assert_array_equal(found["clinical_menopause=post"], [0, 1, 0])
    assert found["clinical_menopause"].isna().all()


def test_mask_only_has_shape_features_and_nothing_else(tiny: Cohort) -> None:
    pytest.importorskip("radiomics", reason="pyradiomics is not installed", exc_type=ImportError)
    found = MaskShape(spacing_mm=2.0).measure(tiny.take(tiny.case_ids[:3]))
    assert found.shape == (3, 14) and all("_shape_" in str(name) for name in found)
    assert np.isfinite(found.to_numpy()).all()


def test_each_family_is_offered_on_radiomics_and_on_feature_tables() -> None:
    specs = load_registry().specs
    for family in set(FAMILIES) - {"ridge"}:
        for source, need in (("radiomics", "volumes"), ("features", "features")):
            spec = specs[f"{source}_{family}"]
            assert spec.params == {"family": family} and spec.needs == (need,)


@pytest.mark.slow
def test_a_family_keeps_the_contract() -> None:
    check_method("features_boosting", FEW_TREES)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"ridge", "boosting"}))
def test_families_keep_the_quick_clauses(family: str) -> None:
    # A single tree finds nothing in twelve cases, and then predicts the constant.
    check_method(f"features_{family}", FEW_TREES, cases=180 if family == "tree" else 36, quick=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["radiomics_lda", "mask_only", "clinical_radiomics"])
def test_methods_of_images_keep_the_quick_clauses(name: str) -> None:
    pytest.importorskip("radiomics", reason="pyradiomics is not installed", exc_type=ImportError)
    check_method(name, {"spacing_mm": 2.0}, quick=True)
