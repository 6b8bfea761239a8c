"""Detectable differences and the cases they need."""

import numpy as np
import pytest
from scipy import stats

from bench.inference import (
    auc_difference,
    auc_difference_error,
    cases_needed,
    delong,
    detectable_difference,
    probability_better,
)
from tests.inference.scored_cases import cases


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
    both = delong(truth, [scores[:1], scores[1:]])
    error, _ = auc_difference_error(both, truth, scores[:1], scores[1:])
    reach = found.interval.high - found.value
    assert stats.norm.ppf(0.975) < reach / error < stats.t.ppf(0.975, 20)
