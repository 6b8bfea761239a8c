"""Subtype metrics against scikit-learn, resamples against repetition."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score, confusion_matrix, f1_score, roc_auc_score

from bench.inference import (
    MIN_PATIENTS,
    auc_interval,
    delong,
    draw_patients,
    effective_patients,
    patients_of,
    wilson_interval,
)
from bench.metrics import resampled_auc
from bench.scoring.subtypes.metrics import confusion_matrix as resampled_confusion
from bench.scoring.subtypes.metrics import kappa, macro_auc, macro_auc_interval, macro_f1
from bench.scoring.subtypes.rules import OUTSIDE
from tests.scoring.subtype_results import codes, soft


def test_f1_kappa_and_confusion_agree_with_scikit_learn():
    truth, predicted = codes()
    counts = resampled_confusion(truth, predicted, 4, np.ones((150, 1)))[0]
    assert (predicted == OUTSIDE).any()
    np.testing.assert_array_equal(
        counts, confusion_matrix(truth, np.where(predicted < 0, 4, predicted), labels=range(5))[:4]
    )
    assert macro_f1(counts) == pytest.approx(f1_score(truth, predicted, labels=range(4), average="macro"))
    assert kappa(counts) == pytest.approx(cohen_kappa_score(truth, predicted))


def test_a_class_without_a_case_does_not_enter_macro_f1():
    truth, predicted = codes()
    present = truth != 2
    counts = resampled_confusion(truth[present], predicted[present], 4, np.ones((present.sum(), 1)))[0]
    expected = f1_score(truth[present], predicted[present], labels=[0, 1, 3], average="macro")
    assert macro_f1(counts) == pytest.approx(expected)


def test_the_truth_has_1_and_one_class_for_all_has_a_kappa_of_0():
    truth, _ = codes()
    perfect = resampled_confusion(truth, truth, 4, np.ones((150, 1)))[0]
    assert (macro_f1(perfect), kappa(perfect)) == pytest.approx((1, 1))
    blind = resampled_confusion(truth, np.zeros_like(truth), 4, np.ones((150, 1)))[0]
    assert kappa(blind) == pytest.approx(0, abs=1e-12)
    same = np.zeros(5, dtype=int)
    assert np.isnan(kappa(resampled_confusion(same, same, 4, np.ones((5, 1)))[0]))


def test_the_macro_area_in_one_fold_is_scikit_learns_one_versus_rest():
    truth, _ = codes()
    probabilities = soft(truth)
    rows = probabilities[:, :4] / probabilities[:, :4].sum(axis=1, keepdims=True)
    expected = roc_auc_score(truth, rows, multi_class="ovr", average="macro")
    wide = np.column_stack([rows, np.zeros(len(truth))])
    assert macro_auc(truth, wide) == pytest.approx(expected)


def test_the_macro_area_in_folds_weighs_each_class_by_its_pairs_within_folds():
    truth, _ = codes()
    probabilities, fold = soft(truth), np.arange(150) % 5
    areas = []
    for k in range(4):
        parts = [
            (
                roc_auc_score(truth[fold == f] == k, probabilities[fold == f, k]),
                (truth[fold == f] == k).sum() * (truth[fold == f] != k).sum(),
            )
            for f in range(5)
        ]
        areas.append(np.average([part[0] for part in parts], weights=[part[1] for part in parts]))
    assert macro_auc(truth, probabilities, fold) == pytest.approx(np.mean(areas))


def test_a_class_without_a_pair_is_left_out_of_the_macro_area():
    truth, fold = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 0, 0, 1])
    probabilities = soft(truth, 3)
    expected = np.mean([roc_auc_score(truth[:4] == k, probabilities[:4, k]) for k in (0, 1)])
    assert macro_auc(truth, probabilities, fold) == pytest.approx(expected)
    assert np.isnan(macro_auc(truth[4:], probabilities[4:], fold[4:]))


def test_the_macro_area_is_one_half_for_a_constant_and_blind_to_increasing_transforms_within_a_fold():
    truth, _ = codes()
    fold = np.arange(150) % 5
    by_fold = soft(np.arange(5), 4)[fold]
    assert macro_auc(truth, by_fold, fold) == pytest.approx(0.5, abs=1e-12)
    probabilities = soft(truth)
    bent = probabilities ** (1 + fold[:, None]) / (1 + fold[:, None])
    assert macro_auc(truth, bent, fold) == pytest.approx(macro_auc(truth, probabilities, fold))


def test_resampled_values_are_those_of_repeated_patients():
    truth, predicted = codes(n=60)
    patient = np.arange(60) // 2
    people = patients_of(patient)
    weights = draw_patients(people, draws=40)[people.codes]
    counts = resampled_confusion(truth, predicted, 4, weights)
    for draw in range(40):
        held = np.repeat(np.arange(60), weights[:, draw].astype(int))
        present = np.unique(truth[held])
        assert macro_f1(counts)[draw] == pytest.approx(
            f1_score(truth[held], predicted[held], labels=present, average="macro")
        )
        assert kappa(counts)[draw] == pytest.approx(cohen_kappa_score(truth[held], predicted[held]))


def test_the_macro_interval_of_two_classes_is_delongs():
    truth, _ = codes(classes=2)
    fold, patient = np.arange(150) % 5, np.arange(150)
    first = np.random.default_rng(4).random(150) + 0.5 * (truth == 0)
    both = np.column_stack([first, -first, np.zeros(150)])[None]
    sample = delong((truth == 0).astype(float), [first[None]], fold, patient)
    assert macro_auc_interval(truth, both, fold, patient) == pytest.approx(auc_interval(sample, 0))


def test_the_macro_interval_agrees_with_the_bootstrap_standard_error():
    truth, _ = codes(n=600)
    probabilities, patient = soft(truth), np.arange(600)
    weights = draw_patients(patients_of(patient), draws=1000)
    areas = [
        resampled_auc((truth == k).astype(float), probabilities[None, :, k], None, weights)[0]
        for k in range(4)
    ]
    low, high = macro_auc_interval(truth, probabilities[None], None, patient)
    assert high - low == pytest.approx(2 * 1.96 * np.mean(areas, axis=0).std(), rel=0.07)


def test_the_macro_interval_is_blind_to_duplicated_patients_and_exact_for_a_perfect_area():
    truth, _ = codes()
    fold, patient, probabilities = np.arange(150) % 5, np.arange(150), soft(truth)
    once = macro_auc_interval(truth, probabilities[None], fold, patient)
    twice = macro_auc_interval(
        *(np.tile(truth, 2), np.tile(probabilities, (2, 1))[None]), *np.tile([fold, patient], 2)
    )
    assert twice == pytest.approx(once, abs=1e-9)
    some = np.repeat([0, 1, 2], [12, MIN_PATIENTS, 15])
    perfect = np.eye(4)[some]
    found = macro_auc_interval(some, perfect[None], None, np.arange(len(some)))
    assert found == pytest.approx((0.025 ** (1 / MIN_PATIENTS), 1))
    few = np.flatnonzero(np.arange(len(some)) % 12 < 3)[: MIN_PATIENTS - 1]
    assert np.isnan(macro_auc_interval(some[few], perfect[None, few], None, few)).all()


def test_wilson_agrees_with_scipy_and_nothing_is_said_of_nobody():
    for hits, n in ((0, 9), (3, 9), (9, 9), (41, 60)):
        expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
        assert wilson_interval(hits / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert np.isnan(wilson_interval(np.nan, 0)).all()


def test_duplicated_patients_count_once():
    truth, patient = np.array([0, 0, 1, 1, 1]), np.array([1, 2, 3, 4, 5])
    once = effective_patients(truth, patient, 3)
    np.testing.assert_array_equal(once, [2, 3, 0])
    np.testing.assert_allclose(effective_patients(np.tile(truth, 3), np.tile(patient, 3), 3), once)
    assert effective_patients(np.zeros(4, int), np.array([1, 1, 1, 2]), 1)[0] == pytest.approx(16 / 10)
