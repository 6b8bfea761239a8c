"""Calibration of probabilities: intercept, slope, calibration error, Brier score."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    brier_score_loss,
)

from bench.metrics import (
    CALIBRATION_BINS,
    CLIP,
    METRICS,
    auc,
    bin_shares,
    brier_skill,
    calibration_error,
    calibration_intercept,
    calibration_slope,
    placements,
    plain_calibration_error,
    spearman,
)
from bench.metrics import log_loss as log_loss_of
from tests.metrics.metric_cases import cases, metric_cases


def test_the_calibration_fit_is_scikit_learns_logistic_regression_without_penalty():
    truth, rows, _ = metric_cases(METRICS["calibration_slope"])
    logit = np.log(rows[0] / (1 - rows[0]))
    theirs = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(logit[:, None], truth)
    assert calibration_slope(truth, rows[0]) == pytest.approx(theirs.coef_[0, 0], abs=1e-4)


def test_the_calibration_intercept_makes_the_mean_right_and_undoes_a_shift():
    truth, rows, _ = metric_cases(METRICS["calibration_intercept"])
    logit = np.log(rows[0] / (1 - rows[0]))
    shift = calibration_intercept(truth, rows[0])
    assert (1 / (1 + np.exp(-logit - shift))).mean() == pytest.approx(truth.mean(), abs=1e-9)
    moved = 1 / (1 + np.exp(-logit - 2.0))
    assert calibration_intercept(truth, moved) == pytest.approx(shift - 2.0, abs=1e-8)


def test_the_calibration_slope_halves_when_the_logits_double():
    truth, rows, _ = metric_cases(METRICS["calibration_slope"])
    doubled = 1 / (1 + np.exp(-2 * np.log(rows[0] / (1 - rows[0]))))
    assert calibration_slope(truth, doubled) == pytest.approx(calibration_slope(truth, rows[0]) / 2, abs=1e-8)


def test_there_is_no_calibration_slope_where_a_threshold_parts_the_classes():
    truth, probability = np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8])
    assert np.isnan(calibration_slope(truth, probability))
    assert np.isnan(calibration_slope(1 - truth, probability))
    assert np.isnan(calibration_slope(truth, np.full(4, 0.3)))
    assert np.isnan(calibration_intercept(np.ones(4), probability))


def test_a_true_probability_is_calibrated():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.05, 0.95, 200_000)
    truth = (rng.random(200_000) < probability).astype(float)
    assert calibration_slope(truth, probability) == pytest.approx(1, abs=0.03)
    assert calibration_intercept(truth, probability) == pytest.approx(0, abs=0.03)
    assert calibration_error(truth, probability) < 0.01


def test_the_calibration_error_is_that_of_equal_bins_where_these_come_out_even():
    truth, score = cases(n=60)
    probability = 1 / (1 + np.exp(-score))
    bins = np.array_split(np.argsort(probability), CALIBRATION_BINS)
    gaps = [abs(truth[bin].mean() - probability[bin].mean()) * len(bin) / 60 for bin in bins]
    plain = plain_calibration_error(truth, probability[None], None, np.ones((60, 1)))
    assert plain[0, 0] == pytest.approx(sum(gaps), abs=1e-12)


def test_the_bias_of_the_calibration_error_is_that_of_gaps_that_chance_makes():
    truth, score = cases(n=60)
    probability = 1 / (1 + np.exp(-score))
    rng, expected = np.random.default_rng(2), 0.0
    for part in np.array_split(np.argsort(probability), CALIBRATION_BINS):
        error = truth[part] - probability[part]
        chance = error.std(ddof=1) / np.sqrt(len(part))
        true = np.sqrt(max(error.mean() ** 2 - chance**2, 0.0))
        made = np.abs(true + chance * rng.standard_normal(400_000)).mean()
        expected += (abs(error.mean()) - made + true) / CALIBRATION_BINS
    assert calibration_error(truth, probability) == pytest.approx(max(expected, 0.0), abs=5e-4)


def test_tied_probabilities_share_the_bins_that_they_lie_across():
    truth, probability = np.array([1.0, 0, 0, 0, 1, 1]), np.array([0.25] * 4 + [0.75, 0.8])
    weights = np.ones((6, 1))
    found = plain_calibration_error(truth, probability[None], None, weights)[0, 0]
    # Five bins of 1.2 cases: three of the tied four alone, one with 0.4 of them and 0.8 of the next case.
    bins = [0, 0, 0, abs(0.8 * 0.25), abs(0.2 * 0.25 + 0.2)]
    assert found == pytest.approx(sum(bins) / 6)
    np.testing.assert_allclose(bin_shares(probability).sum(axis=0), 1)
    np.testing.assert_allclose(bin_shares(probability).sum(axis=1), 1.2)


@pytest.mark.parametrize("measure", [calibration_error, calibration_intercept, calibration_slope])
def test_a_constant_prediction_has_no_calibration(measure):
    truth = np.array([1.0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0])
    fold = np.arange(12) % 2
    assert np.isnan(measure(truth, np.full(12, 0.4)))
    assert np.isnan(measure(truth, np.where(fold == 0, 0.4, 0.4 + 0.1 * 3 * (1 / 3)), fold))
    assert np.isfinite(measure(truth, np.where(fold == 0, 0.3, 0.6)))


def test_scores_that_rounding_alone_tells_apart_are_tied():
    truth, third = np.array([1.0, 0, 1, 0]), 0.1 + 0.2
    scores = np.array([0.3, third, third, 0.3])
    assert len(np.unique(scores)) == 2
    assert auc(truth, scores) == 0.5
    assert spearman(np.array([1.0, 2, 3, 4]), scores) == 0
    np.testing.assert_array_equal(placements(truth == 1, scores, np.zeros(4, dtype=int)), np.ones(4))
    # Six digits, as stored predictions have, are told apart.
    assert auc(truth, np.array([0.999998, 0.999999, 0.999997, 0.999999])) == 0


def test_two_thirds_of_the_bias_of_a_calibrated_probability_are_taken_off():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.1, 0.9, (2000, 75))
    truth = (rng.random((2000, 75)) < probability).astype(float)
    pairs = list(zip(truth, probability, strict=True))
    plain = [plain_calibration_error(one, said[None], None, np.ones((75, 1))) for one, said in pairs]
    assert np.mean(plain) == pytest.approx(0.09, abs=0.01)
    assert np.mean([calibration_error(*pair) for pair in pairs]) == pytest.approx(0.03, abs=0.005)


def test_brier_skill_is_0_for_the_constant_and_counts_from_it():
    truth, rows, constant = metric_cases(METRICS["brier_skill"])
    assert brier_skill(truth, constant, constant) == pytest.approx(0)
    expected = 1 - brier_score_loss(truth, rows[0]) / brier_score_loss(truth, constant)
    assert brier_skill(truth, rows[0], constant) == pytest.approx(expected)
    assert brier_skill(truth, np.full(60, truth.mean())) == pytest.approx(0)


def test_a_certain_error_costs_what_the_clipping_says():
    assert log_loss_of(np.array([1.0]), np.array([0.0])) == pytest.approx(-np.log(CLIP))
