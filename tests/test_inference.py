from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from bench.inference import (
    adjusted_p,
    area_adjusted_p,
    auc_difference,
    auc_difference_error,
    auc_influence,
    auc_interval,
    auc_p,
    bca_interval,
    cases_needed,
    delong,
    detectable_difference,
    draw_patients,
    jackknife_influence,
    logit_interval,
    mean_influence,
    patients_of,
    percentile_interval,
    probability_better,
    root_interval,
    shared_ranks,
    studentised_difference,
    studentised_interval,
)
from bench.intervals import bootstrap_interval
from bench.metrics import METRICS, auc, resampled_mae

REFERENCE = Path(__file__).parent / "reference"
PINNED = [
    pytest.param(row, id=f"{row['data']}-{row['first']}-{row['second']}")
    for row in pd.read_csv(REFERENCE / "proc.csv").to_dict("records")
]


def cases(n: int = 80, prevalence: float = 0.35, methods: int = 2, levels: int | None = None, seed: int = 0):
    """Truth (case,) and scores (method, case); with few levels most scores are tied."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < prevalence).astype(float)
    scores = rng.standard_normal((methods, n)) + rng.standard_normal(n) + truth
    return truth, scores if levels is None else np.floor(scores * levels) / levels


def one_seed(scores):
    return [row[None] for row in scores]


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


def test_the_variance_of_the_paired_difference_is_unbiased_in_small_folds():
    rng = np.random.default_rng(0)
    truth, fold = np.repeat([1.0, 0.0], [15, 60]), np.arange(75) % 5
    values, errors = [], []
    for _ in range(600):
        scores = rng.standard_normal((2, 75)) * 0.5 + rng.standard_normal(75) + truth
        found = auc_difference(truth, scores[:1], scores[1:], fold)
        values.append(found.value)
        contrast = delong(truth, one_seed(scores), fold)
        parts = [((part[0] - part[1]) ** 2).sum() for part in (contrast.gains, contrast.losses)]
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


def test_resamples_hold_as_many_patients_of_each_class_as_there_are():
    truth, _ = cases()
    patient = np.arange(80) // 2
    patients = patients_of(patient, truth)
    drawn = draw_patients(patients, draws=300)
    assert drawn.shape == (40, 300)
    for group in (0, 1):
        assert (drawn[patients.group == group].sum(axis=0) == (patients.group == group).sum()).all()
    assert drawn.mean(axis=1) == pytest.approx(np.ones(40), abs=0.3)
    np.testing.assert_array_equal(drawn, draw_patients(patients, draws=300))
    assert (drawn != draw_patients(patients, draws=300, seed=1)).any()


def test_percentiles_leave_out_resamples_without_a_value():
    values = np.append(np.arange(1001.0), [np.nan] * 50)
    assert percentile_interval(values) == pytest.approx((25.0, 975.0))
    assert np.isnan(percentile_interval(np.array([np.nan]))).all()


def test_the_bootstrap_of_patients_agrees_with_the_t_interval_of_a_mean():
    rng = np.random.default_rng(7)
    truth, prediction = rng.standard_normal(400), rng.standard_normal(400)
    drawn = draw_patients(patients_of(np.arange(400)))
    low, high = percentile_interval(resampled_mae(truth, prediction[None], None, drawn)[0])
    loss = np.abs(truth - prediction)
    expected = stats.t.interval(0.95, 399, loss.mean(), stats.sem(loss))
    assert (low, high) == pytest.approx(expected, abs=0.006)


def test_squared_contributions_of_patients_add_up_to_the_variance_of_the_mean():
    loss = np.random.default_rng(8).standard_normal((1, 50))
    single = mean_influence(loss, patients_of(np.arange(50)))
    assert (single**2).sum() == pytest.approx(loss.var(ddof=1) / 50)
    doubled = mean_influence(np.tile(loss, 2), patients_of(np.tile(np.arange(50), 2)))
    assert (doubled**2).sum() == pytest.approx((single**2).sum())


def groupings(methods):
    """Every way to part the methods into groups of equals."""
    if not methods:
        yield []
        return
    for rest in groupings(methods[1:]):
        yield [[methods[0]], *rest]
        for place, group in enumerate(rest):
            yield [*rest[:place], [methods[0], *group], *rest[place + 1 :]]


def stepped_down(statistics, null, pairs):
    """Adjusted p of each pair, from every grouping of the methods that the rejected pairs leave possible."""
    possible = []
    for groups in groupings(sorted({method for pair in pairs for method in pair})):
        equal = [at for at, pair in enumerate(pairs) if any(set(pair) <= set(group) for group in groups)]
        possible.append(set(equal))
    left, floor, result = list(range(len(statistics))), 0.0, np.zeros(len(statistics))
    while left:
        top = max(left, key=lambda index: statistics[index])
        together = set().union(*(its for its in possible if top in its and its <= set(left)))
        maxima = null[sorted(together)].max(axis=0)
        floor = max(floor, (1 + (maxima >= statistics[top]).sum()) / (1 + null.shape[1]))
        result[top] = floor
        left.remove(top)
    return result


def test_adjusted_p_is_romano_and_wolfs_algorithm_with_shaffers_constraints():
    rng = np.random.default_rng(9)
    loss = rng.standard_normal((5, 60)) + np.array([0.0, 0.1, 0.4, 0.4, 0.9])[:, None]
    patients = patients_of(np.arange(60))
    drawn = draw_patients(patients, draws=400)
    first, second = np.triu_indices(5, k=1)
    differences = loss[first] - loss[second]
    null = []
    for held in drawn.T.astype(int):
        sample = np.repeat(differences, held, axis=1)
        moved = sample.mean(axis=1) - differences.mean(axis=1)
        null.append(np.abs(moved) / (sample.std(axis=1, ddof=1) / np.sqrt(60)))
    statistics = np.abs(differences.mean(axis=1)) / (differences.std(axis=1, ddof=1) / np.sqrt(60))
    expected = stepped_down(statistics, np.array(null).T, [*zip(first, second, strict=True)])
    found = adjusted_p(loss.mean(axis=1), mean_influence(loss, patients), patients, drawn, levels=())
    np.testing.assert_allclose(found[first, second], expected, atol=2.5e-3)
    np.testing.assert_array_equal(found, found.T)


def single_pair_variance(truth, first, second, fold):
    """What pairs add to the variance of a difference beyond both of their cases, pair by pair."""
    total, count = 0.0, 0
    for code in np.unique(fold):
        rows = [
            [
                float(first[i] > first[j]) - float(second[i] > second[j])
                for j in np.flatnonzero((fold == code) & (truth == 0))
            ]
            for i in np.flatnonzero((fold == code) & (truth == 1))
        ]
        table = np.array(rows)
        means = table.mean(axis=1)[:, None] + table.mean(axis=0) - table.mean()
        freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
        total += table.size * ((table - means) ** 2).sum() / freedom
        count += table.size
    return total / count**2


def test_adjusted_p_of_areas_counts_pairs_once_and_draws_as_many_patients_as_folds_leave():
    truth, scores = cases(n=90, prevalence=0.3, methods=4, seed=12)
    scores[0] += 0.8 * truth
    fold, folds = np.arange(90) % 3, 3
    patients = patients_of(np.arange(90), truth)
    sample = delong(truth, one_seed(scores), fold)
    first, second = np.triu_indices(4, k=1)
    pairs = [*zip(first, second, strict=True)]
    parts = auc_influence(sample)[first] - auc_influence(sample)[second]
    single = [single_pair_variance(truth, scores[i], scores[j], fold) for i, j in pairs]
    kept = 1 - np.sum(single) / (parts**2).sum()
    statistics = np.abs(sample.auc[first] - sample.auc[second]) / np.sqrt(kept * (parts**2).sum(axis=1))
    null = []
    for held in draw_patients(patients, 500, seed=3, fewer=folds - 1).T.astype(int):
        moved, variance = np.zeros(len(pairs)), np.zeros(len(pairs))
        for label in (0, 1):
            drawn = np.repeat(parts[:, truth == label], held[truth == label], axis=1)
            size = int((truth == label).sum())
            assert drawn.shape[1] == size - folds + 1
            moved += size * drawn.mean(axis=1)
            variance += size**2 * drawn.var(axis=1, ddof=1) / drawn.shape[1]
        null.append(np.abs(moved) / np.sqrt(variance))
    expected = stepped_down(statistics, np.array(null).T, pairs)
    found = area_adjusted_p(truth, one_seed(scores), fold, patients, draws=500, seed=3, levels=())
    np.testing.assert_allclose(found[first, second], expected, atol=1e-12)
    assert 0.5 < kept < 0.97
    assert expected.min() < 0.05 < expected.max()


def auc_ranks(truth, scores, fold):
    patients = patients_of(np.arange(len(truth)), truth)
    adjusted = area_adjusted_p(truth, one_seed(scores), fold, patients, draws=1000)
    return shared_ranks(delong(truth, one_seed(scores), fold).auc, adjusted)


def test_equal_methods_share_the_first_rank_and_the_coin_does_not():
    rng = np.random.default_rng(10)
    truth, fold = (rng.random(177) < 0.5).astype(float), np.arange(177) % 5
    good = rng.standard_normal((3, 177)) + 1.5 * truth
    scores = np.vstack([good, good[:1], np.full((1, 177), 0.5)])
    assert auc_ranks(truth, scores, fold) == [1, 1, 1, 1, 5]


def test_the_order_of_methods_does_not_change_their_ranks():
    rng = np.random.default_rng(11)
    truth, fold = (rng.random(177) < 0.5).astype(float), np.arange(177) % 5
    scores = rng.standard_normal((6, 177)) + np.linspace(0, 3, 6)[:, None] * truth
    ranks = auc_ranks(truth, scores, fold)
    assert auc_ranks(truth, scores[::-1], fold) == ranks[::-1]
    assert ranks[-1] == 1
    assert ranks[0] > 2


def test_the_truth_stands_alone_at_the_top():
    truth, scores = cases(n=177)
    assert auc_ranks(truth, np.vstack([truth, scores]), np.arange(177) % 5) == [1, 2, 2]


def test_a_rank_is_one_plus_the_number_of_significantly_better_methods():
    adjusted = np.array([[1.0, 0.2, 0.01], [0.2, 1.0, 0.04], [0.01, 0.04, 1.0]])
    assert shared_ranks(np.array([0.9, 0.8, 0.6]), adjusted) == [1, 1, 3]


def test_areas_of_delong_and_of_the_metric_are_the_same():
    truth, scores = cases(levels=2)
    fold = np.arange(80) % 5
    assert delong(truth, one_seed(scores), fold).auc[0] == pytest.approx(auc(truth, scores[0], fold))


def test_the_bca_interval_is_scipys():
    loss = np.random.default_rng(12).exponential(size=50)
    patients = patients_of(np.arange(50))
    drawn = draw_patients(patients, draws=20_000)
    influence = mean_influence(loss[None], patients)[0]
    found = bca_interval(loss.mean(), loss @ drawn / 50, influence)
    expected = stats.bootstrap((loss,), np.mean, n_resamples=20_000, method="BCa", rng=3).confidence_interval
    assert found == pytest.approx((expected.low, expected.high), abs=0.012)


def test_the_bca_interval_of_symmetric_resamples_without_skewness_is_the_percentile_interval():
    values = np.linspace(-1, 1, 2001)
    assert bca_interval(0.0, values, np.array([1.0, -1.0])) == pytest.approx(percentile_interval(values))


def test_the_bootstrap_t_interval_is_that_of_a_loop_over_resamples():
    loss = np.random.default_rng(13).exponential(size=40)
    patients = patients_of(np.arange(40))
    drawn = draw_patients(patients, draws=1000)
    t = []
    for held in drawn.T.astype(int):
        sample = np.repeat(loss, held)
        t.append((sample.mean() - loss.mean()) / stats.sem(sample))
    low, high = np.quantile(t, [0.025, 0.975])
    expected = loss.mean() - high * stats.sem(loss), loss.mean() - low * stats.sem(loss)
    influence = mean_influence(loss[None], patients)[0]
    found = studentised_interval(loss.mean(), loss @ drawn / 40, influence, patients, drawn)
    assert found == pytest.approx(expected)


def test_the_interval_of_a_root_is_that_of_a_loop_over_resamples():
    squares = np.random.default_rng(16).exponential(size=40) ** 2
    patients = patients_of(np.arange(40))
    drawn = draw_patients(patients, draws=1000)
    mean, t = squares.mean(), []
    for held in drawn.T.astype(int):
        sample = np.repeat(squares, held)
        t.append((np.log(sample.mean()) - np.log(mean)) / (stats.sem(sample) / sample.mean()))
    ends = np.log(mean) - np.quantile(t, [0.975, 0.025]) * stats.sem(squares) / mean
    root = np.sqrt(mean)
    influence = mean_influence(squares[None], patients)[0] / (2 * root)
    found = root_interval(root, np.sqrt(squares @ drawn / 40), influence, patients, drawn)
    assert found == pytest.approx(np.sqrt(np.exp(ends)))


def test_the_interval_of_a_root_scales_with_its_unit_and_has_no_width_without_spread():
    errors = np.random.default_rng(17).standard_normal(30)
    patients = patients_of(np.arange(30))
    drawn = draw_patients(patients, draws=400)

    def interval(scale):
        squares = (scale * errors) ** 2
        root = np.sqrt(squares.mean())
        influence = mean_influence(squares[None], patients)[0] / (2 * root)
        return root_interval(root, np.sqrt(squares @ drawn / 30), influence, patients, drawn)

    assert interval(10.0) == pytest.approx(tuple(10 * end for end in interval(1.0)))
    assert root_interval(2.0, np.full(400, 2.0), np.zeros(30), patients, drawn) == pytest.approx((2, 2))
    assert root_interval(0.0, np.zeros(400), np.zeros(30), patients, drawn) == (0, 0)


def test_the_logit_interval_is_that_of_the_normal_distribution_on_the_logit_scale():
    logits = stats.norm(1.0, 0.4).ppf((np.arange(4000) + 0.5) / 4000)
    expected = special.expit(stats.norm(1.0, 0.4).interval(0.95))
    assert logit_interval(special.expit(1.0), special.expit(logits)) == pytest.approx(expected, abs=1e-4)


def test_the_logit_interval_falls_back_to_percentiles_at_the_bounds():
    values = np.linspace(0.5, 1.0, 2001)
    edge = np.append(values, np.ones(500))
    assert logit_interval(0.75, values) != percentile_interval(values)
    assert logit_interval(0.75, edge) == percentile_interval(edge)
    assert logit_interval(1.0, np.ones(100)) == (1, 1)


def test_mirrored_values_mirror_the_bootstrap_t_and_bca_intervals():
    loss = np.random.default_rng(14).exponential(size=40)
    patients = patients_of(np.arange(40))
    drawn = draw_patients(patients, draws=999)
    influence = mean_influence(loss[None], patients)[0]
    for sign in (1, -1):
        resampled = sign * loss @ drawn / 40
        t = studentised_interval(sign * loss.mean(), resampled, sign * influence, patients, drawn)
        bca = bca_interval(sign * loss.mean(), resampled, sign * influence)
        if sign == 1:
            before = t, bca
    assert t == pytest.approx((-before[0].high, -before[0].low))
    assert bca == pytest.approx((-before[1].high, -before[1].low))


def test_a_studentised_difference_is_significant_exactly_where_its_interval_excludes_0():
    rng = np.random.default_rng(15)
    patients = patients_of(np.arange(30))
    drawn = draw_patients(patients, draws=500)
    seen = set()
    for shift in np.linspace(0, 0.8, 60):
        difference = rng.standard_normal(30) + shift
        influence = mean_influence(difference[None], patients)[0]
        found = studentised_difference(difference.mean(), influence, patients, drawn)
        assert (found.p < 0.05) == (found.interval.low > 0 or found.interval.high < 0)
        seen.add(found.p < 0.05)
    assert seen == {True, False}


def test_a_family_of_one_has_the_p_of_the_difference_itself():
    loss = np.random.default_rng(16).standard_normal((3, 40)) + np.array([0.0, 0.3, 0.1])[:, None]
    patients = patients_of(np.arange(40))
    drawn, influence = draw_patients(patients, draws=500), mean_influence(loss, patients)
    adjusted = adjusted_p(loss.mean(axis=1), influence, patients, drawn, [(1, 0)])
    value = loss[1].mean() - loss[0].mean()
    alone = studentised_difference(value, influence[1] - influence[0], patients, drawn)
    assert adjusted[1, 0] == adjusted[0, 1] == alone.p
    assert np.isnan(adjusted[2, 0])


def test_a_smaller_family_never_has_a_larger_adjusted_p():
    loss = np.random.default_rng(17).standard_normal((5, 60)) + np.linspace(0, 0.8, 5)[:, None]
    patients = patients_of(np.arange(60))
    drawn, influence = draw_patients(patients, draws=500), mean_influence(loss, patients)
    everything = adjusted_p(loss.mean(axis=1), influence, patients, drawn)
    reference = adjusted_p(loss.mean(axis=1), influence, patients, drawn, [(row, 0) for row in range(1, 5)])
    assert (reference[1:, 0] <= everything[1:, 0]).all()
    assert (reference[1:, 0] < everything[1:, 0]).any()


def test_contributions_by_jackknife_are_those_of_the_mean():
    loss = np.random.default_rng(18).standard_normal((2, 150))
    patients = patients_of(np.arange(150))
    found = jackknife_influence(lambda weights: loss @ weights / weights.sum(axis=0), patients)
    np.testing.assert_allclose(found, mean_influence(loss, patients), atol=1e-12)


def test_contributions_by_jackknife_give_the_textbook_variance_of_a_ratio():
    error = np.random.default_rng(19).standard_normal(40)
    left_out = [np.sqrt(np.delete(error, index) @ np.delete(error, index) / 39) for index in range(40)]
    found = jackknife_influence(
        lambda weights: np.sqrt(error**2 @ weights / weights.sum(axis=0))[None], patients_of(np.arange(40))
    )
    assert (found**2).sum() == pytest.approx(39 / 40 * ((left_out - np.mean(left_out)) ** 2).sum())


def test_the_detectable_difference_has_80_percent_power_by_brute_force():
    rng = np.random.default_rng(20)
    size = detectable_difference(1 / np.sqrt(74))
    means = size + rng.standard_normal((20_000, 74)).mean(axis=1)
    assert (np.abs(means) * np.sqrt(74) > stats.norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.01)


def test_as_many_cases_as_needed_make_the_observed_difference_detectable():
    error = 0.05
    needed = cases_needed(74, error, 0.06)
    assert detectable_difference(error * np.sqrt(74 / needed)) <= 0.06
    assert detectable_difference(error * np.sqrt(74 / (needed - 1))) > 0.06
    assert cases_needed(74, error, -0.06) == needed
    assert cases_needed(74, error, 0.0) is None
    assert cases_needed(74, float("nan"), 0.1) is None


def test_the_probability_of_being_better_counts_ties_half():
    assert probability_better(np.array([1.0, 2.0, 0.0, -1.0, np.nan])) == pytest.approx(2.5 / 4)
    assert np.isnan(probability_better(np.array([np.nan])))


def test_the_error_of_the_difference_belongs_to_its_interval():
    truth, scores = cases()
    found = auc_difference(truth, scores[:1], scores[1:])
    error = auc_difference_error(truth, scores[:1], scores[1:])
    reach = found.interval.high - found.value
    assert stats.norm.ppf(0.975) < reach / error < stats.t.ppf(0.975, 20)


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
    assert area_adjusted_p(truth, [score[None], flat], fold, patients)[0, 1] == 1
    better = auc_difference(truth, in_folds_of_seven(inverted=0)[2][None], flat, fold)
    assert better.p == 2 * 0.5**15


def test_unanimous_differences_pay_for_the_size_of_their_family():
    patients = patients_of(np.arange(6))
    values, influence = np.arange(10.0), np.zeros((10, 6))
    drawn = draw_patients(patients, 500)
    alone = adjusted_p(values[:2], influence[:2], patients, drawn)[0, 1]
    assert alone == 2 * 0.5**6
    assert adjusted_p(values, influence, patients, drawn)[0, 1] == 1


def test_too_few_patients_for_a_bootstrap_t_have_no_interval():
    errors = np.array([10, 10.01, 10.02, 30.0])
    for n, known in ((9, False), (10, True)):
        values = np.resize(errors, n)
        patients = patients_of(np.arange(n))
        drawn = draw_patients(patients, 400)
        resampled = values @ drawn / n
        influence = mean_influence(values[None], patients)[0]
        given = (values.mean(), resampled, influence, patients, drawn)
        assert np.isfinite(bootstrap_interval(METRICS["mae"], *given)).all() == known


def test_a_limit_beyond_all_numbers_is_no_limit():
    errors = 1 + np.random.default_rng(0).normal(0, 0.001, 74)
    errors[0] = 60
    patients = patients_of(np.arange(74))
    drawn = draw_patients(patients, 400)
    resampled = np.sqrt(errors**2 @ drawn / 74)
    value = float(np.sqrt(np.mean(errors**2)))
    influence = mean_influence(errors[None] ** 2, patients)[0] / (2 * value)
    assert np.isnan(root_interval(value, resampled, influence, patients, drawn)).all()
