"""The AUC within folds, and the MAE, against scikit-learn and a count of pairs."""

import numpy as np
import pytest
from sklearn.metrics import (
    mean_absolute_error,
    roc_auc_score,
)

from bench.metrics import (
    METRICS,
    area,
    auc,
    mae,
    pair_counts,
    placements,
    resampled_auc,
    resampled_mae,
)
from tests.metrics.metric_cases import cases


def auc_by_pairs(truth, score, stratum, weight=None):
    """The definition, pair by pair."""
    weight = np.ones(len(truth)) if weight is None else weight
    won = pairs = 0.0
    for i in np.flatnonzero(truth == 1):
        for j in np.flatnonzero((truth == 0) & (stratum == stratum[i])):
            pairs += weight[i] * weight[j]
            won += weight[i] * weight[j] * ((score[i] > score[j]) + (score[i] == score[j]) / 2)
    return won / pairs if pairs else np.nan


@pytest.mark.parametrize("levels", [None, 2])
def test_auc_in_one_stratum_is_scikit_learns(levels):
    truth, score = cases(levels=levels)
    assert auc(truth, score) == pytest.approx(roc_auc_score(truth, score), abs=1e-14)


@pytest.mark.parametrize("levels", [None, 2])
def test_auc_counts_pairs_of_the_same_stratum_weighted_by_pairs(levels):
    truth, score = cases(levels=levels)
    fold = np.arange(60) % 7
    assert auc(truth, score, fold) == pytest.approx(auc_by_pairs(truth, score, fold), abs=1e-14)


def test_auc_ignores_strata_with_one_class():
    truth, score = np.array([1.0, 0, 1, 1]), np.array([2.0, 1, 0, 5])
    assert auc(truth, score, np.array(["a", "a", "b", "b"])) == 1.0


def test_auc_is_nan_without_a_pair():
    assert np.isnan(auc(np.array([1.0, 0]), np.array([1.0, 0]), np.array([0, 1])))
    assert np.isnan(auc(np.ones(3), np.arange(3.0)))
    assert np.isnan(auc(np.array([]), np.array([])))


def test_auc_of_what_is_constant_within_each_fold_is_exactly_one_half():
    truth, _ = cases(n=74)
    fold = np.arange(74) % 5
    prevalence = np.array([0.31, 0.4, 0.29, 0.33, 1 / 3])[fold]
    assert auc(truth, prevalence, fold) == pytest.approx(0.5, abs=1e-12)
    assert auc(truth, prevalence) != 0.5


def test_auc_does_not_change_with_an_increasing_transform_within_a_fold():
    truth, score = cases()
    fold = np.arange(60) % 4
    assert auc(truth, np.exp(score) * (fold + 1) - 100 * fold, fold) == auc(truth, score, fold)


def test_auc_of_swapped_labels_is_one_minus_auc():
    truth, score = cases(levels=3)
    fold = np.arange(60) % 4
    assert auc(1 - truth, score, fold) == pytest.approx(1 - auc(truth, score, fold), abs=1e-14)


def test_auc_does_not_depend_on_the_order_of_cases():
    truth, score = cases(levels=3)
    fold, order = np.arange(60) % 4, np.random.default_rng(1).permutation(60)
    assert auc(truth[order], score[order], fold[order]) == auc(truth, score, fold)


def test_the_true_model_is_perfect():
    truth, _ = cases()
    assert auc(truth, truth) == METRICS["auc"].best
    assert mae(truth, truth) == METRICS["mae"].best


def test_placements_of_both_classes_count_the_same_pairs():
    truth, score = cases(levels=2)
    positive, stratum = truth == 1, np.arange(60) % 4
    placed = placements(positive, score, stratum)
    assert placed[positive].sum() == placed[~positive].sum()
    assert (placed <= pair_counts(positive, stratum)).all()


def test_mae_is_scikit_learns():
    _, score = cases()
    assert mae(score, score[::-1]) == pytest.approx(mean_absolute_error(score, score[::-1]))
    assert np.isnan(mae(np.array([]), np.array([])))


@pytest.mark.parametrize("levels", [None, 2])
@pytest.mark.parametrize("folds", [1, 5])
def test_resampled_auc_is_the_weighted_count_of_pairs(levels, folds):
    truth, score = cases(levels=levels)
    fold = np.arange(60) % folds
    weights = np.random.default_rng(2).poisson(1.0, (60, 150)).astype(float)
    found = resampled_auc(truth, np.stack([score, -score]), fold, weights)
    expected = [auc_by_pairs(truth, score, fold, weight) for weight in weights.T]
    np.testing.assert_allclose(found[0], expected, atol=1e-13)
    np.testing.assert_allclose(found[1], 1 - found[0], atol=1e-13)


def test_a_resample_of_single_weights_is_the_metric_itself():
    truth, score = cases(levels=3)
    fold, once = np.arange(60) % 5, np.ones((60, 1))
    assert resampled_auc(truth, score[None], fold, once)[0, 0] == pytest.approx(auc(truth, score, fold))
    assert resampled_mae(truth, score[None], fold, once)[0, 0] == pytest.approx(mae(truth, score))


def test_a_resample_without_a_pair_is_nan():
    truth, score = np.array([1.0, 0, 0]), np.array([1.0, 0, 2])
    assert np.isnan(resampled_auc(truth, score[None], None, np.array([[1.0], [0], [0]]))).all()


def test_resampled_auc_equals_a_loop_over_scikit_learn():
    truth, _ = cases(n=960, prevalence=0.74)
    scores = np.random.default_rng(3).standard_normal((2, 960)) + truth
    drawn = np.random.default_rng(4).integers(960, size=(100, 960))
    weights = np.stack([np.bincount(row, minlength=960) for row in drawn], axis=1).astype(float)
    loop = [[roc_auc_score(truth[row], score[row]) for row in drawn] for score in scores]
    np.testing.assert_allclose(resampled_auc(truth, scores, None, weights), loop)


def test_counts_in_single_precision_are_those_in_double(monkeypatch):
    rng = np.random.default_rng(3)
    truth, stratum = (rng.random(400) < 0.3).astype(float), np.arange(400) % 3
    scores = np.round(rng.standard_normal((4, 400)), 1)
    weights = rng.integers(0, 4, (400, 300)).astype(float)
    single = resampled_auc(truth, scores, stratum, weights)
    monkeypatch.setattr(area, "EXACT_IN_SINGLE", 0)
    np.testing.assert_array_equal(single, resampled_auc(truth, scores, stratum, weights))
