"""Metrics against scikit-learn and scipy; ties, strata and chance."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    matthews_corrcoef,
    mean_absolute_error,
    precision_score,
    r2_score,
    recall_score,
    root_mean_squared_error,
)

from bench.metrics import (
    METRICS,
    NET_BENEFIT_RANGE,
    Metric,
    auc,
    average_precision,
    balanced_accuracy,
    bias,
    coin_average_precision,
    concordance,
    decision_curve,
    lower_limit,
    mcc,
    net_benefit,
    npv,
    ppv,
    sensitivity,
    spearman,
    specificity,
    upper_limit,
)
from tests.metrics.metric_cases import FOLD, cases, metric_cases

# Agreement with scikit-learn and scipy.


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("average_precision", average_precision_score),
        ("brier", brier_score_loss),
        ("log_loss", log_loss),
        ("sensitivity", recall_score),
        ("specificity", lambda truth, entry: recall_score(truth, entry, pos_label=0)),
        ("ppv", precision_score),
        ("npv", lambda truth, entry: precision_score(truth, entry, pos_label=0)),
        ("balanced_accuracy", balanced_accuracy_score),
        ("mcc", matthews_corrcoef),
        ("mae", mean_absolute_error),
        ("rmse", root_mean_squared_error),
        ("r2", r2_score),
        ("spearman", lambda truth, entry: stats.spearmanr(truth, entry).statistic),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_metric_of_one_fold_is_scikit_learns_or_scipys(name, theirs, seed):
    levels = 2 if name == "spearman" else None
    truth, rows, _ = metric_cases(METRICS[name], levels=levels, seed=seed)
    assert METRICS[name].value(truth, rows[0], None) == pytest.approx(theirs(truth, rows[0]), abs=1e-12)


# Ties, strata, chance.


def test_a_tie_in_average_precision_counts_the_mean_of_its_orders():
    truth = np.array([1.0, 0, 1, 0, 0, 1])
    score = np.array([3.0, 2, 2, 2, 2, 1])
    tied = np.flatnonzero(score == 2)
    values = []
    for order in permutations(range(len(tied))):
        untied = score.copy()
        untied[tied] += np.array(order) / 10
        values.append(average_precision_score(truth, untied))
    assert average_precision(truth, score) == pytest.approx(np.mean(values), abs=1e-14)


def test_average_precision_in_folds_is_their_mean_weighted_by_positives():
    truth, score = cases()
    parts = [np.flatnonzero(np.equal(FOLD, fold)) for fold in range(4)]
    values = [average_precision_score(truth[part], score[part]) for part in parts]
    weights = [truth[part].sum() for part in parts]
    assert average_precision(truth, score, FOLD) == pytest.approx(np.average(values, weights=weights))


@pytest.mark.slow
def test_a_coin_has_on_average_the_average_precision_of_the_constant():
    truth, rng = (np.arange(15) < 3).astype(float), np.random.default_rng(0)
    coins = [average_precision_score(truth, rng.random(15)) for _ in range(4000)]
    error = np.std(coins) / np.sqrt(len(coins))
    assert coin_average_precision(3, 15) == pytest.approx(0.3325, abs=1e-4)
    assert np.mean(coins) == pytest.approx(average_precision(truth, np.zeros(15)), abs=4 * error)


@pytest.mark.parametrize("name", ["average_precision", "spearman"])
def test_an_increasing_transform_within_a_fold_leaves_metrics_of_order_as_they_are(name):
    metric = METRICS[name]
    truth, rows, _ = metric_cases(metric, levels=3)
    moved = np.exp(rows[0] / 50) * (FOLD + 1) - 7 * FOLD
    assert metric.value(truth, moved, FOLD) == pytest.approx(metric.value(truth, rows[0], FOLD), abs=1e-12)


def test_spearman_in_folds_is_their_mean_weighted_by_cases_and_0_for_the_constant():
    truth, rows, _ = metric_cases(METRICS["spearman"])
    fold = np.repeat([0, 1, 2], [10, 20, 30])
    values = [stats.spearmanr(truth[fold == entry], rows[0][fold == entry]).statistic for entry in range(3)]
    assert spearman(truth, rows[0], fold) == pytest.approx(np.average(values, weights=[10, 20, 30]))
    assert spearman(truth, fold.astype(float), fold) == pytest.approx(0, abs=1e-12)
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))


def test_the_same_decision_for_all_has_no_skill():
    truth, _ = cases()
    for decision in (np.zeros(60), np.ones(60)):
        assert balanced_accuracy(truth, decision) == pytest.approx(0.5, abs=1e-12)
        assert mcc(truth, decision) == pytest.approx(0, abs=1e-12)
    assert ppv(truth, np.ones(60)) == pytest.approx(truth.mean())
    assert np.isnan(ppv(truth, np.zeros(60))) and np.isnan(npv(truth, np.ones(60)))
    assert np.isnan(mcc(np.ones(60), truth))


def test_swapped_labels_and_decisions_swap_sensitivity_and_specificity():
    truth, rows, _ = metric_cases(METRICS["mcc"])
    swapped = 1 - truth, 1 - rows[0]
    assert sensitivity(*swapped) == pytest.approx(specificity(truth, rows[0]))
    assert ppv(*swapped) == pytest.approx(npv(truth, rows[0]))
    assert mcc(*swapped) == pytest.approx(mcc(truth, rows[0]))


# Decision curves and agreement.


def test_the_decision_curve_counts_true_and_false_positives():
    truth, rows, _ = metric_cases(METRICS["net_benefit"], levels=3)
    for cut in (0.2, 0.5, 0.75):
        treated = rows[0] >= cut
        benefit = (treated * truth).sum() - (treated * (1 - truth)).sum() * cut / (1 - cut)
        assert decision_curve(truth, rows[0], [cut])[0] == pytest.approx(benefit / 60)
    assert decision_curve(truth, np.zeros(60), [0.3])[0] == 0


def test_net_benefit_is_the_mean_of_the_decision_curve_over_its_range():
    truth, rows, _ = metric_cases(METRICS["net_benefit"])
    grid = np.linspace(*NET_BENEFIT_RANGE, 200_001)
    curve = np.concatenate([decision_curve(truth, rows[0], part) for part in np.array_split(grid, 100)])
    assert net_benefit(truth, rows[0]) == pytest.approx(curve.mean(), abs=1e-4)


def test_concordance_is_correlation_times_nearness_to_identity():
    truth, rows, _ = metric_cases(METRICS["concordance"])
    entry, scale = rows[0], np.std(rows[0]) / np.std(truth)
    shift = (entry.mean() - truth.mean()) ** 2 / (np.std(entry) * np.std(truth))
    expected = np.corrcoef(truth, entry)[0, 1] * 2 / (scale + 1 / scale + shift)
    assert concordance(truth, entry) == pytest.approx(expected, abs=1e-12)
    assert concordance(truth, np.full(60, 20.0)) == pytest.approx(0, abs=1e-12)
    assert concordance(truth, truth + 5) < 1


def test_the_limits_of_agreement_are_bias_and_196_standard_deviations():
    truth, rows, _ = metric_cases(METRICS["bias"])
    differences = rows[0] - truth
    reach = stats.norm.ppf(0.975) * differences.std(ddof=1)
    assert bias(truth, rows[0]) == pytest.approx(differences.mean())
    assert lower_limit(truth, rows[0]) == pytest.approx(differences.mean() - reach)
    assert upper_limit(truth, rows[0]) == pytest.approx(differences.mean() + reach)


def test_errors_of_large_values_do_not_cancel():
    truth, rows, _ = metric_cases(METRICS["r2"])
    for name in ("r2", "concordance", "lower_limit"):
        near, far = (METRICS[name].value(truth + at, rows[0] + at, None) for at in (0.0, 1e7))
        assert far == pytest.approx(near, rel=1e-6)


def test_a_metric_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="metric 'x': input must be score or decision, got 'logit'"):
        Metric("x", "X", "binary", 1.0, True, auc, input="logit")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new"), [("takes", "input"), ("by_label", "stratify_by_class"), ("beside", "context")]
)
def test_a_metric_field_by_its_former_name_is_rejected_with_the_new_one(old, new):
    with pytest.raises(TypeError, match=f"Metric has no field '{old}': it is '{new}' now"):
        Metric("x", "X", "binary", 1.0, True, auc, **{old: "score"})
