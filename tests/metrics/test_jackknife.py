"""The jackknife of a metric against influence functions that are known."""

from functools import partial

import numpy as np
import pytest

from bench.inference import (
    auc_influence,
    delong,
    draw_patients,
    jackknife_influence,
    mean_influence,
    patients_of,
)
from bench.metrics import (
    METRICS,
    plain_calibration_error,
    resampled_auc,
    resampled_mae,
)
from tests.metrics.metric_cases import EVERY, cases, metric_cases


def test_the_jackknife_of_the_mae_is_its_influence_function():
    truth, rows, _ = metric_cases(METRICS["mae"])
    patients = patients_of(np.arange(60))
    found = jackknife_influence(lambda weights: resampled_mae(truth, rows, None, weights), patients)
    np.testing.assert_allclose(found, mean_influence(np.abs(truth - rows), patients), atol=1e-12)


@pytest.mark.parametrize("levels", [None, 2])
def test_the_jackknife_of_the_auc_in_one_fold_is_delongs_influence(levels):
    truth, rows, _ = metric_cases(METRICS["auc"], levels)
    patients = patients_of(np.arange(60), truth)
    found = jackknife_influence(lambda weights: resampled_auc(truth, rows, None, weights), patients)
    np.testing.assert_allclose(found, auc_influence(delong(truth, list(rows[:, None]))), atol=1e-12)


def test_the_jackknife_of_the_auc_in_folds_is_near_delongs_influence():
    truth, _ = cases(n=600)
    scores = np.random.default_rng(1).standard_normal((2, 600)) + truth
    fold, patients = np.arange(600) % 5, patients_of(np.arange(600), truth)
    found = jackknife_influence(lambda weights: resampled_auc(truth, scores, fold, weights), patients)
    expected = auc_influence(delong(truth, list(scores[:, None]), fold))
    # DeLong's components are centred at the area of their fold, the jackknife's at the area of all.
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98
    np.testing.assert_allclose((found**2).sum(axis=1), (expected**2).sum(axis=1), rtol=0.05)


@EVERY
def test_the_jackknife_variance_is_near_that_of_the_bootstrap(metric):
    truth, rows, beside = metric_cases(metric)
    label = truth if metric.stratify_by_class else None
    patients = patients_of(np.arange(60), label)
    # The correction of the calibration error has a kink: its chance is that of the uncorrected one.
    resampled = plain_calibration_error if metric.name == "calibration_error" else metric.resampled
    value = partial(resampled, truth, rows[:1], beside)
    jackknife = (jackknife_influence(value, patients) ** 2).sum()
    drawn = value(draw_patients(patients, 2000))[0]
    assert jackknife == pytest.approx(np.nanvar(drawn), rel=0.45)


def test_a_patient_with_two_cases_is_left_out_whole():
    truth, rows, _ = metric_cases(METRICS["rmse"])
    twice = np.tile(np.arange(60), 2)
    once = jackknife_influence(
        partial(METRICS["rmse"].resampled, truth, rows, None), patients_of(np.arange(60))
    )
    value = partial(METRICS["rmse"].resampled, np.tile(truth, 2), np.tile(rows, 2), None)
    np.testing.assert_allclose(jackknife_influence(value, patients_of(twice)), once, atol=1e-12)
