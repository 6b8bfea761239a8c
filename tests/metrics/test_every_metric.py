"""Every metric: its resampled form is its value on the repeated cases, in whatever order."""

import numpy as np
import pytest

from bench.metrics import (
    resampled_by_repetition,
)
from tests.metrics.metric_cases import EVERY, metric_cases


@EVERY
@pytest.mark.parametrize("levels", [None, 2])
def test_a_metric_in_resamples_is_its_value_on_the_repeated_cases(metric, levels):
    truth, rows, beside = metric_cases(metric, levels)
    weights = np.random.default_rng(2).multinomial(60, np.full(60, 1 / 60), size=140).T.astype(float)
    found = metric.resampled(truth, rows, beside, weights)
    expected = resampled_by_repetition(metric.value, truth, rows, beside, weights)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert found.shape == (2, 140) and not np.isnan(found[0]).all()


@EVERY
def test_a_metric_does_not_depend_on_the_order_of_cases(metric):
    truth, rows, beside = metric_cases(metric, levels=3)
    order = np.random.default_rng(1).permutation(60)
    found = metric.value(truth[order], rows[0][order], beside[order])
    assert found == pytest.approx(metric.value(truth, rows[0], beside), abs=1e-10)


@EVERY
def test_leaving_a_case_out_by_a_weight_of_0_is_leaving_it_out(metric):
    truth, rows, beside = metric_cases(metric)
    kept = np.ones((60, 1))
    kept[:7] = 0
    found = metric.resampled(truth, rows[:1], beside, kept)[0, 0]
    assert found == pytest.approx(metric.value(truth[7:], rows[0][7:], beside[7:]), abs=1e-10)


@EVERY
def test_a_metric_of_no_case_is_nan(metric):
    nothing = np.array([])
    assert np.isnan(metric.value(nothing, nothing, nothing))


@EVERY
def test_the_truth_has_the_best_value_and_noise_does_not(metric):
    truth, rows, beside = metric_cases(metric)
    if metric.name == "net_benefit":
        assert metric.value(truth, truth, beside) == pytest.approx(truth.mean())
    elif metric.name == "calibration_slope":
        assert np.isnan(metric.value(truth, truth, beside))
    elif metric.name == "calibration_intercept":
        # All that is left to shift is what the clipping took from either class.
        clipped = np.log(truth.mean() / (1 - truth.mean())) / 2
        assert metric.value(truth, truth, beside) == pytest.approx(clipped, abs=1e-5)
    else:
        assert metric.value(truth, truth, beside) == pytest.approx(metric.best, abs=2e-6)
    assert metric.value(truth, rows[0], beside) != pytest.approx(metric.best, abs=1e-3)
