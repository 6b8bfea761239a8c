from functools import partial
from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
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
    roc_auc_score,
    root_mean_squared_error,
)

from bench.inference import (
    auc_influence,
    delong,
    draw_patients,
    jackknife_influence,
    mean_influence,
    patients_of,
)
from bench.metrics import (
    CALIBRATION_BINS,
    CLIP,
    METRICS,
    NET_BENEFIT_RANGE,
    Metric,
    auc,
    average_precision,
    balanced_accuracy,
    bias,
    bin_shares,
    brier_skill,
    calibration_error,
    calibration_intercept,
    calibration_slope,
    coin_average_precision,
    concordance,
    decision_curve,
    lower_limit,
    mae,
    mcc,
    net_benefit,
    npv,
    pair_counts,
    placements,
    plain_calibration_error,
    ppv,
    resampled_auc,
    resampled_by_repetition,
    resampled_mae,
    sensitivity,
    spearman,
    specificity,
    upper_limit,
)
from bench.metrics import log_loss as log_loss_of


def cases(n: int = 60, prevalence: float = 0.4, levels: int | None = None, seed: int = 0):
    """Truth and score; with few levels most scores are tied."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < prevalence).astype(float)
    score = rng.standard_normal(n) + truth
    return truth, score if levels is None else np.floor(score * levels) / levels


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
    loop = [[roc_auc_score(truth[row], its[row]) for row in drawn] for its in scores]
    np.testing.assert_allclose(resampled_auc(truth, scores, None, weights), loop)


# Every metric: its resampled form is its value on the repeated cases; order and repetition play no part.


FOLD = np.arange(60) % 4
CONSTANT = np.array([0.31, 0.4, 0.29, 0.33])[FOLD]


def metric_cases(metric, levels=None, seed=0):
    """Truth, two predictions and what a metric knows beside, of 60 cases."""
    rng = np.random.default_rng(seed)
    truth, score = cases(levels=levels, seed=seed)
    if metric.kind == "continuous":
        truth = np.round(rng.gamma(2, 10, 60), 1 if levels else 6)
        score = 0.5 * truth + 8 * rng.standard_normal(60)
        rows = np.stack([np.round(score) if levels else score, np.full(60, 20.0)])
    else:
        rows = np.stack([1 / (1 + np.exp(-score)), CONSTANT])
    if metric.takes == "decision":
        rows = np.stack([rows[0] >= 0.5, rows[1] >= 0.32]).astype(float)
    return truth, rows, FOLD if metric.beside == "fold" else CONSTANT


EVERY = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


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


# Agreement with scikit-learn and scipy.


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("average_precision", average_precision_score),
        ("brier", brier_score_loss),
        ("log_loss", log_loss),
        ("sensitivity", recall_score),
        ("specificity", lambda truth, its: recall_score(truth, its, pos_label=0)),
        ("ppv", precision_score),
        ("npv", lambda truth, its: precision_score(truth, its, pos_label=0)),
        ("balanced_accuracy", balanced_accuracy_score),
        ("mcc", matthews_corrcoef),
        ("mae", mean_absolute_error),
        ("rmse", root_mean_squared_error),
        ("r2", r2_score),
        ("spearman", lambda truth, its: stats.spearmanr(truth, its).statistic),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_metric_of_one_fold_is_scikit_learns_or_scipys(name, theirs, seed):
    levels = 2 if name == "spearman" else None
    truth, rows, _ = metric_cases(METRICS[name], levels=levels, seed=seed)
    assert METRICS[name].value(truth, rows[0], None) == pytest.approx(theirs(truth, rows[0]), abs=1e-12)


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
    gaps = [abs(truth[its].mean() - probability[its].mean()) * len(its) / 60 for its in bins]
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
    values = [stats.spearmanr(truth[fold == its], rows[0][fold == its]).statistic for its in range(3)]
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
    its, scale = rows[0], np.std(rows[0]) / np.std(truth)
    shift = (its.mean() - truth.mean()) ** 2 / (np.std(its) * np.std(truth))
    expected = np.corrcoef(truth, its)[0, 1] * 2 / (scale + 1 / scale + shift)
    assert concordance(truth, its) == pytest.approx(expected, abs=1e-12)
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


# What the jackknife says, against the influence functions that are known.


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
    label = truth if metric.by_label else None
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


def test_a_metric_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="metric 'x': takes must be score or decision, got 'logit'"):
        Metric("x", "X", "binary", 1.0, True, auc, takes="logit")  # type: ignore[arg-type]
