"""Bootstrap intervals and influence values, against scipy and loops over resamples."""

import numpy as np
import pytest
from scipy import special, stats

from bench.inference import (
    draw_patients,
    jackknife_influence,
    logit_interval,
    mean_influence,
    patients_of,
    percentile_interval,
    root_interval,
    studentised_difference,
    studentised_interval,
)
from bench.inference.metric_interval import Measured, bootstrap_t
from bench.metrics import METRICS, resampled_mae
from tests.inference.scored_cases import cases


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


def test_too_few_patients_for_a_bootstrap_t_have_no_interval():
    errors = np.array([10, 10.01, 10.02, 30.0])
    for n, known in ((9, False), (10, True)):
        values = np.resize(errors, n)
        patients = patients_of(np.arange(n))
        drawn = draw_patients(patients, 400)
        resampled = values @ drawn / n
        influence = mean_influence(values[None], patients)[0]
        given = Measured(
            METRICS["mae"],
            values.mean(),
            patients,
            resampled=resampled,
            influence=influence,
            drawn=drawn,
        )
        assert np.isfinite(bootstrap_t(given)).all() == known


def test_a_limit_beyond_all_numbers_is_no_limit():
    errors = 1 + np.random.default_rng(0).normal(0, 0.001, 74)
    errors[0] = 60
    patients = patients_of(np.arange(74))
    drawn = draw_patients(patients, 400)
    resampled = np.sqrt(errors**2 @ drawn / 74)
    value = float(np.sqrt(np.mean(errors**2)))
    influence = mean_influence(errors[None] ** 2, patients)[0] / (2 * value)
    assert np.isnan(root_interval(value, resampled, influence, patients, drawn)).all()


def test_mirrored_values_mirror_the_bootstrap_t_interval():
    loss = np.random.default_rng(14).exponential(size=40)
    patients = patients_of(np.arange(40))
    drawn = draw_patients(patients, draws=999)
    influence = mean_influence(loss[None], patients)[0]
    for sign in (1, -1):
        resampled = sign * loss @ drawn / 40
        t = studentised_interval(sign * loss.mean(), resampled, sign * influence, patients, drawn)
        if sign == 1:
            before = t
    assert t == pytest.approx((-before.high, -before.low))
