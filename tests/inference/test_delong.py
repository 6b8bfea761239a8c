"""DeLong's variance and interval within folds and patients, against pROC and the textbook."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.inference import (
    auc_adjusted_p,
    auc_difference,
    auc_interval,
    auc_p,
    delong,
    patients_of,
)
from tests.inference.scored_cases import cases, one_seed

REFERENCE = Path(__file__).parents[1] / "reference"


PINNED = [
    pytest.param(row, id=f"{row['data']}-{row['first']}-{row['second']}")
    for row in pd.read_csv(REFERENCE / "proc.csv").to_dict("records")
]


def textbook_delong(truth, scores):
    """DeLong et al. (1988), equations 4 to 6, pair by pair."""
    positive, negative = scores[:, truth == 1], scores[:, truth == 0]
    won = (positive[:, :, None] > negative[:, None, :]) + (positive[:, :, None] == negative[:, None, :]) / 2
    v10, v01 = won.mean(axis=2), won.mean(axis=1)
    return won.mean(axis=(1, 2)), np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]


@pytest.mark.parametrize("row", PINNED)
def test_delong_agrees_with_proc(row):
    table = pd.read_csv(REFERENCE / f"{row['data']}.csv")
    scores = table[[row["first"], row["second"]]].to_numpy(dtype=float).T
    found = delong(table["truth"].to_numpy(dtype=float), one_seed(scores))
    covariance = found.covariance
    assert found.auc == pytest.approx([row["auc_first"], row["auc_second"]], abs=1e-10)
    assert covariance.diagonal() == pytest.approx([row["var_first"], row["var_second"]], rel=1e-9)
    assert covariance[0, 1] == pytest.approx(row["cov"], rel=1e-9)
    z = (found.auc[0] - found.auc[1]) / np.sqrt(covariance.diagonal().sum() - 2 * covariance[0, 1])
    assert z == pytest.approx(row["z"], rel=1e-9)
    assert 2 * stats.norm.sf(abs(z)) == pytest.approx(row["p"], rel=1e-9)
    reach = stats.norm.ppf(0.975) * np.sqrt(covariance[0, 0])
    assert (found.auc[0] - reach, found.auc[0] + reach) == pytest.approx((row["wald_low"], row["wald_high"]))


@pytest.mark.parametrize("levels", [None, 2])
def test_delong_in_one_stratum_is_the_textbook_definition(levels):
    truth, scores = cases(methods=3, levels=levels)
    area, covariance = textbook_delong(truth, scores)
    found = delong(truth, one_seed(scores))
    np.testing.assert_allclose(found.auc, area, atol=1e-14)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-16)


def test_delong_of_large_strata_is_the_weighted_sum_of_their_textbook_variances():
    truth, scores = cases(n=4000)
    fold = np.arange(4000) % 4
    weights, variances = [], []
    for code in range(4):
        here = fold == code
        weights.append((truth[here] == 1).sum() * (truth[here] == 0).sum())
        variances.append(textbook_delong(truth[here], scores[:, here])[1])
    expected = np.tensordot((np.array(weights) / sum(weights)) ** 2, variances, axes=1)
    np.testing.assert_allclose(delong(truth, one_seed(scores), fold).covariance, expected, rtol=0.005)


def test_delong_with_several_cases_a_patient_is_obuchowskis():
    truth, scores = cases(n=90, methods=1)
    patient = np.random.default_rng(5).integers(0, 40, 90)
    positive, negative = scores[0][truth == 1], scores[0][truth == 0]
    won = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
    area, m, n = won.mean(), len(positive), len(negative)
    people = np.unique(patient)
    gain = np.array([(won.mean(axis=1) - area)[patient[truth == 1] == person].sum() for person in people])
    loss = np.array([(won.mean(axis=0) - area)[patient[truth == 0] == person].sum() for person in people])
    i10, i01, both = (
        len(set(patient[truth == 1])),
        len(set(patient[truth == 0])),
        len(people),
    )
    s10 = i10 / ((i10 - 1) * m) * (gain**2).sum()
    s01 = i01 / ((i01 - 1) * n) * (loss**2).sum()
    s11 = both / (both - 1) * (gain * loss).sum()
    expected = s10 / m + s01 / n + 2 * s11 / (m * n)
    assert delong(truth, one_seed(scores), None, patient).covariance[0, 0] == pytest.approx(expected)


def test_duplicated_patients_do_not_narrow_the_interval():
    truth, scores = cases()
    fold, patient = np.arange(80) % 5, np.arange(80)
    once = delong(truth, one_seed(scores), fold, patient)
    thrice = delong(np.tile(truth, 3), one_seed(np.tile(scores, 3)), np.tile(fold, 3), np.tile(patient, 3))
    assert auc_interval(thrice, 0) == pytest.approx(auc_interval(once, 0), abs=1e-12)
    unknown = delong(np.tile(truth, 3), one_seed(np.tile(scores, 3)), np.tile(fold, 3))
    assert auc_interval(unknown, 0).low > auc_interval(once, 0).low


def test_delong_depends_neither_on_case_order_nor_on_an_increasing_transform_within_a_fold():
    truth, scores = cases(levels=3)
    fold, order = np.arange(80) % 5, np.random.default_rng(1).permutation(80)
    plain = delong(truth, one_seed(scores), fold)
    turned = delong(truth[order], one_seed(np.exp(scores[:, order]) - 9 * fold[order]), fold[order])
    np.testing.assert_allclose(turned.auc, plain.auc, atol=1e-14)
    np.testing.assert_allclose(turned.covariance, plain.covariance, atol=1e-16)


def test_swapping_labels_mirrors_the_interval():
    truth, scores = cases()
    low, high = auc_interval(delong(truth, one_seed(scores)), 0)
    assert auc_interval(delong(1 - truth, one_seed(scores)), 0) == pytest.approx((1 - high, 1 - low))


def test_several_seeds_enter_as_their_mean_on_the_same_cases():
    truth, scores = cases(methods=3)
    separate = delong(truth, one_seed(scores))
    together = delong(truth, [scores])
    assert together.auc[0] == pytest.approx(separate.auc.mean())
    assert together.covariance[0, 0] == pytest.approx(separate.covariance.mean())


def test_the_interval_is_delongs_on_the_logit_scale():
    truth, scores = cases()
    area, covariance = textbook_delong(truth, scores)
    logit, error = np.log(area[0] / (1 - area[0])), np.sqrt(covariance[0, 0]) / (area[0] * (1 - area[0]))
    expected = [1 / (1 + np.exp(-(logit + z * error))) for z in stats.norm.ppf([0.025, 0.975])]
    sample = delong(truth, one_seed(scores))
    assert auc_interval(sample, 0) == pytest.approx(tuple(expected))
    assert auc_p(sample, 0) == pytest.approx(2 * stats.norm.sf(abs(logit / error)))


def test_a_perfect_area_has_an_exact_lower_limit():
    truth = np.repeat([1.0, 0.0], [7, 20])
    sample = delong(truth, [truth[None], 1 - truth[None]])
    assert auc_interval(sample, 0) == pytest.approx((0.025 ** (1 / 7), 1.0))
    assert auc_interval(sample, 1) == pytest.approx((0.0, 1 - 0.025 ** (1 / 7)))
    assert auc_p(sample, 0) == auc_p(sample, 1) == pytest.approx(2 / 2**7)


def test_a_perfect_area_in_folds_counts_the_pairs_that_share_nobody():
    truth = np.array([1.0, 1, 0, 0, 0, 1, 0, 1])
    fold, patient = np.array([0, 0, 0, 0, 0, 1, 1, 2]), np.array([1, 1, 2, 3, 4, 5, 6, 7])
    assert auc_interval(delong(truth, [truth[None]], fold, patient), 0).low == pytest.approx(0.025 ** (1 / 2))


def test_the_constant_has_an_area_of_exactly_one_half_without_width():
    truth, _ = cases()
    sample = delong(truth, [np.full((1, 80), 0.3)], np.arange(80) % 5)
    assert auc_interval(sample, 0) == pytest.approx((0.5, 0.5), abs=1e-12)
    assert auc_p(sample, 0) == pytest.approx(1.0)


def test_too_few_cases_give_no_interval():
    single = delong(np.array([1.0, 0, 0, 0]), [np.array([[2.0, 1, 3, 0]])])
    assert single.auc[0] == pytest.approx(2 / 3)
    assert np.isnan([*auc_interval(single, 0), auc_p(single, 0)]).all()
    nothing = delong(np.ones(3), [np.arange(3.0)[None]])
    assert np.isnan([nothing.auc[0], *auc_interval(nothing, 0), auc_p(nothing, 0)]).all()
    assert np.isnan(auc_difference(np.ones(3), np.zeros((1, 3)), np.ones((1, 3))).p)


def test_the_paired_difference_takes_the_variance_of_single_pairs_off_once():
    truth, scores = cases(n=40)
    positive, negative = scores[:, truth == 1], scores[:, truth == 0]
    won = np.sign(positive[:, :, None] - negative[:, None, :]) / 2
    d = won[0] - won[1]
    (m, n), mean = d.shape, d.mean()
    residual = d - d.mean(axis=0) - d.mean(axis=1, keepdims=True) + mean
    parts = d.mean(axis=1).var(ddof=1) / m, d.mean(axis=0).var(ddof=1) / n
    variance = sum(parts) - (residual**2).sum() / ((m - 1) * (n - 1)) / (m * n)
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (m - 1) + parts[1] ** 2 / (n - 1))
    found = auc_difference(truth, scores[:1], scores[1:])
    assert found.value == pytest.approx(mean)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(mean) / np.sqrt(variance), freedom))
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    assert found.interval == pytest.approx((mean - reach, mean + reach))


@pytest.mark.slow
def test_the_variance_of_the_paired_difference_is_unbiased_in_small_folds():
    rng = np.random.default_rng(0)
    truth, fold = np.repeat([1.0, 0.0], [15, 60]), np.arange(75) % 5
    values, errors = [], []
    for _ in range(600):
        scores = rng.standard_normal((2, 75)) * 0.5 + rng.standard_normal(75) + truth
        found = auc_difference(truth, scores[:1], scores[1:], fold)
        values.append(found.value)
        contrast = delong(truth, one_seed(scores), fold)
        parts = [
            ((part[0] - part[1]) ** 2).sum()
            for part in (contrast.positive_components, contrast.negative_components)
        ]
        df = sum(parts) ** 2 / sum(part**2 / free for part, free in zip(parts, contrast.freedom, strict=True))
        errors.append((found.interval.high - found.value) / stats.t.ppf(0.975, df))
    assert np.mean(np.square(errors)) == pytest.approx(np.var(values), rel=0.12)


def test_a_difference_of_equal_predictions_is_nothing_at_all():
    truth, scores = cases()
    value, interval, p = auc_difference(truth, scores[:1], scores[:1])
    assert (value, *interval) == pytest.approx((0, 0, 0), abs=1e-12) and p == pytest.approx(1)


def test_the_difference_changes_its_sign_with_the_order():
    truth, scores = cases()
    one, other = auc_difference(truth, scores[:1], scores[1:]), auc_difference(truth, scores[1:], scores[:1])
    assert other.value == pytest.approx(-one.value)
    assert other.interval == pytest.approx((-one.interval.high, -one.interval.low))
    assert other.p == pytest.approx(one.p)


def test_a_difference_on_which_all_patients_agree_gets_a_sign_test():
    truth = np.repeat([1.0, 0.0], [7, 20])
    found = auc_difference(truth, truth[None], np.zeros((1, 27)))
    assert found.value == pytest.approx(0.5)
    assert found.p == pytest.approx(2 / 2**7)
    # Against a constant the difference is the area less .5, with the exact interval of an area of 1.
    np.testing.assert_allclose(found.interval, [0.025 ** (1 / 7) - 0.5, 0.5])
    worse = auc_difference(truth, truth[None], -truth[None])
    assert worse.value == pytest.approx(1)
    assert worse.p == pytest.approx(2 / 2**7)
    assert np.isnan(worse.interval).all()


def in_folds_of_seven(inverted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, fold and a score that parts the classes of every fold, the wrong way in the last ones."""
    truth = np.tile([1.0, 1, 1, 0, 0, 0, 0], 5)
    fold = np.repeat(np.arange(5), 7)
    return truth, fold, np.where(fold < 5 - inverted, truth, -truth)


def test_folds_too_small_for_a_spread_give_no_interval_and_no_p():
    truth, fold, score = in_folds_of_seven(inverted=1)
    areas = delong(truth, [score[None]], fold)
    assert areas.auc[0] == pytest.approx(0.8)
    assert np.isnan([*auc_interval(areas, 0), auc_p(areas, 0)]).all()
    flat = np.zeros_like(score)[None]
    found = auc_difference(truth, score[None], flat, fold)
    assert found.value == pytest.approx(0.3) and np.isnan([found.p, *found.interval]).all()
    patients = patients_of(np.arange(len(truth)), truth)
    assert auc_adjusted_p(truth, [score[None], flat], fold, patients)[0, 1] == 1
    better = auc_difference(truth, in_folds_of_seven(inverted=0)[2][None], flat, fold)
    assert better.p == 2 * 0.5**15
