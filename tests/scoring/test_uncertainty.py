"""What makes a number uncertain beside its patients: few of them, shared training cases, seeds, resamples."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench.inference import (
    ALPHA,
    adjusted_p,
    auc_difference,
    auc_interval,
    calibration_interval,
    delong,
    draw_patients,
    is_close,
    mean_influence,
    patients_of,
    reach_factor,
    seed_influence,
    studentised_difference,
)
from bench.inference.bootstrap import resamples, undecided
from bench.inference.metric_interval import Measured, share_interval
from bench.metrics import METRICS, Metric, auc, calibration_error
from bench.predictions.thresholds import candidate_thresholds, reaches
from bench.scoring.comparison import compare
from bench.scoring.scores import metric_scores, score_results
from bench.scoring.sites import site_scores
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.splits.shared_training import variance_factor
from tests.example_results import by_name, constant, method, results, truth_table

TASKS = ("er", "ki67")


@pytest.fixture(scope="module")
def two():
    """Two methods of three seeds and the baseline, five folds of 120 cases."""
    truth = truth_table(120)
    methods = [method("good", truth, 1.6, seeds=3), method("fair", truth, 0.9, seeds=3, salt=1)]
    flat = constant(truth)
    seeds = pd.concat([flat.predictions.assign(seed=seed) for seed in range(3)], ignore_index=True)
    return results(*methods, replace(flat, predictions=seeds), truth=truth)


def one_seed(made):
    """The results of the first seed alone."""
    methods = [
        replace(entry, predictions=entry.predictions[entry.predictions["seed"] == 0])
        for entry in made.methods
    ]
    return replace(made, methods=tuple(methods))


# Few patients


@pytest.mark.parametrize("patients", [2, 9])
def test_many_lesions_of_few_patients_have_values_and_no_interval_p_or_rank(two, patients):
    owner = np.arange(120) % patients
    truth = two.truth.assign(patient_id=owner, er=(owner < patients // 2).astype(float))
    few = replace(two, truth=truth)
    found = score_results(few)
    assert {entry.patients for entry in found} == {patients}
    assert {entry.positive_patients for entry in by_name(found).values()} == {patients // 2}
    assert {entry.positive_patients for entry in by_name(found, "ki67").values()} == {None}
    for entry in found:
        assert np.isfinite(entry.value) and entry.rank == 1
        assert np.isnan(
            [*entry.interval, *entry.gain.interval, entry.gain.p, *entry.oracle_skill_interval]
        ).all()
    assert all(
        np.isnan([entry.difference.p, *entry.difference.interval]).all()
        for entry in compare(few, ["good", "fair"])
    )
    by_site = [site for site_score in site_scores(few) for site in site_score.sites]
    assert np.isnan([site.interval for site in by_site]).all()
    for name in ("sensitivity", "average_precision", "calibration_error", "rmse", "spearman"):
        metric = METRICS[name]
        task = next(entry for entry in few.tasks if entry.kind == metric.kind)
        assert np.isnan([metric_score.interval for metric_score in metric_scores(few, task, metric)]).all()


def test_a_class_whose_cases_belong_to_one_patient_counts_by_what_it_is_worth(two):
    owner = np.where(np.arange(120) < 60, 0, np.arange(120)).astype(object)
    rare = replace(two, truth=two.truth.assign(patient_id=owner, er=(np.arange(120) < 75).astype(float)))
    entry = by_name(score_results(rare))["good"]
    # Sixteen patients, one of whom has 60 of the 75 positive cases: worth 75^2 / (60^2 + 15) = 1.6.
    assert (entry.patients, entry.positive_patients) == (61, 16)
    assert np.isnan(entry.interval).all()


def test_ten_patients_of_each_class_are_enough(two):
    owner = np.arange(120) % 20
    enough = replace(two, truth=two.truth.assign(patient_id=owner, er=(owner < 10).astype(float)))
    for entry in by_name(score_results(enough)).values():
        assert np.isfinite([*entry.interval, *entry.gain.interval]).all()


# Training cases that folds share


def test_the_factor_of_five_folds_of_one_population_is_nine_quarters(tiny):
    assert variance_factor(make_split(tiny, load_split_config("internal_cv"))) == pytest.approx(
        2.25, rel=0.01
    )
    assert variance_factor(make_split(tiny, load_split_config("internal"))) == 1
    folds = [SimpleNamespace(train=range(640), val=range(40), test=range(15)) for _ in range(5)]
    assert variance_factor(SimpleNamespace(folds=folds)) == pytest.approx(1 + 75 / 680)


def test_shared_training_cases_widen_every_interval_of_a_board_by_one_factor(two):
    plain = one_seed(two)
    shared = replace(plain, variance_factor=2.25)
    before, after = (
        {(score_result.task.name, score_result.method): score_result for score_result in score_results(made)}
        for made in (plain, shared)
    )
    for key, old in before.items():
        new = after[key]
        assert new.value == old.value
        if key[1] == "constant" and key[0] == "er":
            continue
        logit = (lambda x: np.log(x / (1 - x))) if key[0] == "er" else (lambda x: x)
        reach = [logit(entry.interval.high) - logit(entry.value) for entry in (old, new)]
        assert reach[1] / reach[0] == pytest.approx(1.5)
        if key[1] != "constant":
            gains = [entry.oracle_skill_interval.high - entry.oracle_skill for entry in (old, new)]
            assert gains[1] / gains[0] == pytest.approx(1.5)
    pairs = [compare(made, ["good", "fair"]) for made in (plain, shared)]
    for old, new in zip(*pairs, strict=True):
        assert new.error / old.error == pytest.approx(1.5)
        reach = [entry.difference.interval.high - entry.difference.value for entry in (old, new)]
        assert reach[1] / reach[0] == pytest.approx(1.5)
        assert new.difference.p > old.difference.p


@pytest.mark.parametrize(
    "name", ["sensitivity", "average_precision", "brier", "rmse", "spearman", "log_loss"]
)
def test_shared_training_cases_widen_the_intervals_of_every_kind(two, name):
    metric = METRICS[name]
    plain = one_seed(two)
    if metric.input == "decision":
        truth, rows, people = np.arange(80) % 2 * 1.0, np.ones((1, 80)), patients_of(np.arange(80))
        given = Measured(metric, 0.7, people, truth, rows)
        old, new = (share_interval(replace(given, factor=factor)) for factor in (1.0, 2.25))
    else:
        task = next(entry for entry in plain.tasks if entry.kind == metric.kind)
        old, new = (
            metric_scores(replace(plain, variance_factor=factor), task, metric)[0].interval
            for factor in (1.0, 2.25)
        )
    if metric.interval == "logit":
        old, new = (np.log(entry) - np.log1p(-np.array(entry)) for entry in (old, new))
    assert 1.35 < np.ptp(new) / np.ptp(old) < 1.55


# One difference, one interval


def test_the_gain_over_the_constant_is_the_comparison_with_it(two):
    for made in (two, replace(two, variance_factor=2.25)):
        board = {
            (score_result.task.name, score_result.method): score_result
            for score_result in score_results(made)
        }
        for entry in compare(made, ["good", "constant"]):
            gain = board[entry.task.name, "good"].gain
            np.testing.assert_allclose(entry.difference.interval, gain.interval, rtol=1e-9)
            assert (entry.difference.value, entry.difference.p) == pytest.approx((gain.value, gain.p))
        entry = board["er", "good"]
        np.testing.assert_allclose(np.subtract(entry.interval, 0.5), entry.gain.interval)


def test_the_difference_of_an_area_from_a_constant_lies_within_a_half():
    truth = np.repeat([1.0, 0.0], [12, 30])
    said = truth + 0.55 * np.random.default_rng(5).standard_normal(42)
    ahead = auc_difference(truth, said[None], np.zeros((1, 42)))
    behind = auc_difference(truth, np.zeros((1, 42)), said[None])
    assert ahead.value > 0.4 and -0.5 <= ahead.interval.low < ahead.interval.high <= 0.5
    assert behind == ahead.reversed()


# Training seeds


def test_what_seeds_contribute_is_the_variance_of_their_mean_difference():
    rng = np.random.default_rng(2)
    one, other = rng.standard_normal((2, 3))
    found = seed_influence([one, other])
    assert ((found[0] - found[1]) ** 2).sum() == pytest.approx((one - other).var(ddof=1) / 3)
    apart = seed_influence([one, other], [(0, 1, 2), (3, 4, 5)])
    assert ((apart[0] - apart[1]) ** 2).sum() == pytest.approx((one.var(ddof=1) + other.var(ddof=1)) / 3)
    assert not seed_influence([one[:1], other[:1]]).any()


def test_seeds_that_differ_widen_the_interval_of_a_difference_and_one_seed_does_not():
    rng = np.random.default_rng(3)
    truth = np.repeat([1.0, 0.0], 60)
    noise = rng.standard_normal((2, 120))
    strengths = np.array([[0.2, 1.0, 1.8], [0.9, 0.9, 0.9]])
    one, other = strengths[:, :, None] * truth + noise[:, None]
    sample = delong(truth, [one, other])
    areas = np.array([auc(truth, row) for row in one]), np.array([auc(truth, row) for row in other])
    between = (areas[0] - areas[1]).var(ddof=1) / 3
    assert ((sample.seeds[0] - sample.seeds[1]) ** 2).sum() == pytest.approx(between)
    found = auc_difference(truth, one, other)
    quiet = auc_difference(truth, one.mean(axis=0, keepdims=True), other[:1])
    assert found.interval.high - found.interval.low > 1.5 * (quiet.interval.high - quiet.interval.low)
    variance, freedom = sample.variance(0)
    low, high = auc_interval(sample, 0)
    assert variance == pytest.approx(sample.covariance[0, 0] + areas[0].var(ddof=1) / 3)
    assert freedom == pytest.approx(variance**2 / ((areas[0].var(ddof=1) / 3) ** 2 / 2))
    assert low < sample.auc[0] < high


def test_the_reach_of_a_value_grows_by_factor_and_seeds_with_satterthwaites_freedom():
    assert reach_factor(0.04) == pytest.approx(1)
    assert reach_factor(0.04, factor=2.25) == pytest.approx(1.5)
    seeds = np.array([0.2, -0.2])
    # As much from two seeds as from patients: four degrees of freedom, t = 2.776.
    assert reach_factor(0.08, seeds) == pytest.approx(np.sqrt(2) * 2.7764451 / 1.9599640, rel=1e-6)


def test_seeds_enter_p_and_rank(two):
    spread = two.methods[0].predictions
    shift = np.where(spread["seed"] == 0, 3.0, np.where(spread["seed"] == 1, -2.0, -1.0))
    moved = np.where(spread["task"] == "ki67", spread["prediction"] + shift, spread["prediction"])
    restless = replace(
        two, methods=(replace(two.methods[0], predictions=spread.assign(prediction=moved)), *two.methods[1:])
    )
    entry = by_name(score_results(restless), "ki67")["good"]
    assert entry.seeds == 3 and entry.seed_sd > 0
    sample_error = by_name(score_results(two), "ki67")["good"].gain
    assert (
        entry.gain.interval.high - entry.gain.interval.low
        > sample_error.interval.high - sample_error.interval.low
    )


# Resamples


def test_a_p_is_clear_where_the_resamples_place_it_on_one_side():
    draws = np.full(3, 2000.0)
    np.testing.assert_array_equal(
        undecided(np.array([0.01, 0.06, 0.2]), draws, (0.05,)), [np.nan, 0.05, np.nan]
    )
    # What follows a clearly larger p in a family does not matter.
    assert np.isnan(undecided(np.array([0.2, 0.05, 0.06]), draws, (0.05,))).all()
    assert np.isnan(undecided(np.array([0.06]), np.array([200_000.0]), (0.05,))).all()


def near_the_level():
    """Two methods whose p is about .043, which 200 resamples put on either side of .05."""
    patients = patients_of(np.arange(40))
    loss = np.random.default_rng(11).standard_normal((2, 40))
    loss[1] += 0.36 - (loss[1] - loss[0]).mean()
    return loss, patients


def test_resamples_are_added_until_the_decision_does_not_depend_on_the_seed():
    loss, patients = near_the_level()
    influence = mean_influence(loss, patients)
    once, added, alone = [], [], []
    for seed in range(6):
        drawn = draw_patients(patients, 200, seed)
        given = (loss.mean(axis=1), influence, patients, drawn)
        once.append(adjusted_p(*given, seed=seed, levels=())[0, 1])
        added.append(adjusted_p(*given, seed=seed)[0, 1])
        value, contrast = loss.mean(axis=1) @ [1, -1], influence[0] - influence[1]
        alone.append(studentised_difference(value, contrast, patients, drawn, seed=seed))
    assert min(once) < ALPHA < max(once)
    assert len({p < ALPHA for p in added}) == 1
    assert [entry.p for entry in alone] == pytest.approx(added)
    for entry in alone:
        assert (entry.p < ALPHA) == (not entry.interval.low <= 0 <= entry.interval.high)


def test_a_p_that_stays_open_is_marked_and_separates_nobody(monkeypatch):
    monkeypatch.setattr("bench.inference.bootstrap.MAX_DRAWS", 400)
    loss, patients = near_the_level()
    influence, drawn = mean_influence(loss, patients), draw_patients(patients, 200, 0)
    p = adjusted_p(loss.mean(axis=1), influence, patients, drawn, seed=0)[0, 1]
    assert is_close(p) and not p < ALPHA
    assert is_close(0.0461) and is_close(0.0539) and not is_close(0.0459) and not is_close(0.0541)
    assert is_close(0.0376, pairs=1001) and not is_close(0.0374, pairs=1001)
    value, contrast = loss.mean(axis=1) @ [1, -1], influence[0] - influence[1]
    found = studentised_difference(value, contrast, patients, drawn, seed=0)
    assert is_close(found.p) and not found.p < ALPHA and found.interval.low <= 0 <= found.interval.high


@pytest.mark.parametrize(("pairs", "blocks"), [(1, 20), (1000, 20), (1001, 2)])
def test_a_family_of_many_pairs_is_decided_with_fewer_resamples(pairs, blocks):
    patients = patients_of(np.arange(3))
    drawn = draw_patients(patients, 20_000)
    assert sum(1 for _ in resamples(patients, drawn, 0, 1, pairs)) == blocks


def test_the_constant_predictor_is_of_the_family_of_ranks(two):
    board = by_name(score_results(two))
    alone = next(entry for entry in compare(two, ["good", "constant"]) if entry.task.name == "er")
    assert board["good"].constant_p >= alone.adjusted_p
    assert board["good"].constant_p == pytest.approx(
        max(board["good"].adjusted["constant"], board["good"].gain.p)
    )
    assert board["constant"].constant_p == 1


# Intervals of a value of one's own


def test_delongs_interval_is_refused_to_a_value_that_is_no_area():
    def halved(truth, score, fold):
        return auc(truth, score, fold) / 2

    given = {"title": "H", "kind": "binary", "best": 0.5, "higher_is_better": True}
    with pytest.raises(ValueError, match=r"the interval 'delong' is that of bench\.metrics\.auc alone"):
        Metric(name="halved", value=halved, interval="delong", **given)
    with pytest.raises(
        ValueError, match=r"the interval 'calibration' is that of bench\.metrics\.calibration_error"
    ):
        Metric(name="halved", value=halved, interval="calibration", **given)
    assert Metric(name="same", value=auc, interval="delong", **given).is_auc


@pytest.mark.slow
def test_no_value_lies_outside_its_interval(two):
    for made in (two, one_seed(two), replace(two, variance_factor=2.25)):
        for task in made.tasks:
            for metric in (
                entry for entry in METRICS.values() if entry.kind == task.kind and entry.input == "score"
            ):
                for metric_score in metric_scores(made, task, metric):
                    if np.isfinite(metric_score.interval.low):
                        assert (
                            metric_score.interval.low <= metric_score.value <= metric_score.interval.high
                        ), (metric.name, metric_score.method)


def test_the_calibration_error_has_a_value_in_its_interval_and_none_for_a_constant(two):
    found = {
        metric_score.method: metric_score
        for metric_score in metric_scores(two, two.tasks[0], METRICS["calibration_error"])
    }
    assert found["constant"].status == "not scored: Calibration error has no value on these cases"
    for entry in (found["good"], found["fair"]):
        assert 0 <= entry.interval.low <= entry.value <= entry.interval.high < 1
    rng = np.random.default_rng(4)
    said = rng.uniform(0.1, 0.9, 300)
    truth = (rng.random(300) < said).astype(float)
    low, high = calibration_interval(
        calibration_error(truth, said), truth, said[None], patients_of(np.arange(300))
    )
    assert low == 0 and high < 0.12


# Thresholds


def test_a_threshold_that_is_a_score_is_reached_by_the_same_score_summed_otherwise():
    third = 0.1 + 0.2
    assert third != 0.3
    np.testing.assert_array_equal(candidate_thresholds(np.array([0.3, third, 0.5])), [0.3, 0.4])
    assert reaches(np.array([0.3, third, 0.29]), np.array(third)).tolist() == [True, True, False]
    assert not reaches(np.array([0.3]), np.array(np.nan)).any()
