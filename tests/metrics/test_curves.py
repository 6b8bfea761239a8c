"""ROC and precision-recall curves: their area is the metric, with folds, ties and resamples."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from bench.metrics import auc, average_precision, resampled_auc, resampled_average_precision
from bench.metrics.curves import resampled_precision_recall, resampled_roc
from tests.metrics.metric_cases import FOLD, cases

# Fine enough for the corners of step curves.
AT = np.linspace(0, 1, 20_001)
ONCE = np.ones((60, 1))
DRAWN = np.random.default_rng(1).multinomial(60, np.full(60, 1 / 60), size=3).T.astype(float)


@pytest.mark.parametrize("stratum", [None, FOLD], ids=["one stratum", "folds"])
@pytest.mark.parametrize("levels", [None, 2], ids=["no ties", "ties"])
def test_the_area_below_the_roc_curve_is_the_auc(stratum, levels):
    truth, score = cases(levels=levels)
    curve = resampled_roc(truth, score, stratum, ONCE, AT)[:, 0]
    assert np.trapezoid(curve, AT) == pytest.approx(auc(truth, score, stratum), abs=1e-3)


@pytest.mark.parametrize("stratum", [None, FOLD], ids=["one stratum", "folds"])
@pytest.mark.parametrize("levels", [None, 2], ids=["no ties", "ties"])
def test_the_area_below_the_precision_recall_curve_is_the_average_precision(stratum, levels):
    truth, score = cases(levels=levels)
    curve = resampled_precision_recall(truth, score, stratum, ONCE, AT)[:, 0]
    assert np.trapezoid(curve, AT) == pytest.approx(average_precision(truth, score, stratum), abs=1e-3)


def test_resampled_curves_have_the_resampled_areas():
    truth, score = cases(levels=3)
    roc = np.trapezoid(resampled_roc(truth, score, FOLD, DRAWN, AT), AT, axis=0)
    assert roc == pytest.approx(resampled_auc(truth, score[None], FOLD, DRAWN)[0], abs=1e-3)
    precision = np.trapezoid(resampled_precision_recall(truth, score, FOLD, DRAWN, AT), AT, axis=0)
    expected = resampled_average_precision(truth, score[None], FOLD, DRAWN)[0]
    assert precision == pytest.approx(expected, abs=1e-3)


def test_without_strata_the_roc_curve_passes_the_points_of_scikit_learn():
    truth, score = cases(levels=2)
    false_positive, true_positive, _ = roc_curve(truth, score, drop_intermediate=False)
    inner = np.append(np.diff(false_positive) > 0, True)  # of steep pieces the upper end
    found = resampled_roc(truth, score, None, ONCE, false_positive[inner])[:, 0]
    assert found == pytest.approx(true_positive[inner])


def test_without_ties_precision_is_that_of_scikit_learn_at_each_positive_case():
    truth, score = cases()
    precision, recall, _ = precision_recall_curve(truth, score)
    at = np.unique(recall[recall > 0])
    first = [precision[np.flatnonzero(np.isclose(recall, one))[-1]] for one in at]
    assert resampled_precision_recall(truth, score, None, ONCE, at)[:, 0] == pytest.approx(first)


def test_a_prediction_that_is_the_same_for_all_is_the_diagonal():
    truth, _ = cases()
    assert resampled_roc(truth, np.full(60, 0.4), FOLD, ONCE, AT)[:, 0] == pytest.approx(AT)


def test_a_single_class_has_no_curve():
    assert np.isnan(resampled_roc(np.ones(60), np.arange(60.0), None, ONCE, AT)).all()
    assert np.isnan(resampled_precision_recall(np.zeros(60), np.arange(60.0), None, ONCE, AT)).all()
