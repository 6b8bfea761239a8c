"""Rank sets and the fraction of resamples in which a method is the best."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.inference.ranks import best_fractions, kendall_tau, rank_sets, ranks_by_value
from bench.scoring.scores import score_results
from tests.example_results import by_name, constant, method, results


def test_a_rank_set_counts_the_methods_significantly_better_and_worse_pair_by_pair():
    rng = np.random.default_rng(0)
    values, p = rng.standard_normal(7), rng.random((7, 7)) / 5
    p = np.minimum(p, p.T)
    for alpha in (0.05, 0.01):
        for row, found in enumerate(rank_sets(values, p, alpha)):
            better = sum(values[k] > values[row] and p[k, row] < alpha for k in range(7) if k != row)
            worse = sum(values[k] < values[row] and p[k, row] < alpha for k in range(7) if k != row)
            assert found == (1 + better, 7 - worse)


def test_the_best_end_of_a_rank_set_is_the_shared_rank(truth):
    scores = score_results(results(method("a", truth, 3.0), method("b", truth, 1.0, salt=1), constant(truth)))
    for score in scores:
        assert score.rank == score.rank_set.best
        assert score.rank_set.worst <= 3
    assert by_name(scores)["a"].rank_set == (1, 1)


def test_cases_that_separate_nothing_leave_every_rank_open(truth):
    few = truth.assign(er=(np.arange(74) < 5).astype(float))
    found = by_name(score_results(results(method("one", few, 9.0), constant(few), truth=few)))
    assert [score.rank_set for score in found.values()] == [(1, 2), (1, 2)]
    assert np.isnan([score.best_fraction for score in found.values()]).all()


def test_shares_of_being_best_are_those_of_a_loop_over_resamples():
    resampled = np.random.default_rng(1).integers(0, 4, size=(5, 300)).astype(float)
    expected = np.zeros(5)
    for column in resampled.T:
        best = np.flatnonzero(column == column.max())
        expected[best] += 1 / len(best) / 300
    np.testing.assert_allclose(best_fractions(resampled), expected)
    assert best_fractions(resampled).sum() == pytest.approx(1.0)


def test_equal_predictions_share_being_best_equally(truth):
    one = method("one", truth, 3.0)
    found = score_results(results(one, replace(one, label="twin"), constant(truth)))
    for task in ("er", "ki67"):
        shares = [score.best_fraction for score in by_name(found, task).values()]
        assert shares == pytest.approx([0.5, 0.5, 0.0])


def test_a_resample_without_a_value_counts_for_nobody():
    assert best_fractions(np.array([[1.0, np.nan, 3.0], [2.0, 9.0, 1.0]])).tolist() == [0.5, 0.5]
    assert np.isnan(best_fractions(np.full((2, 3), np.nan))).all()


def test_ranks_by_value_are_scipys():
    values = np.random.default_rng(2).integers(0, 5, 20).astype(float)
    np.testing.assert_array_equal(ranks_by_value(values), stats.rankdata(-values))


@pytest.mark.parametrize("levels", [3, 1000])
def test_kendalls_tau_is_scipys(levels):
    first, second = np.random.default_rng(levels).integers(0, levels, (2, 15)).astype(float)
    assert kendall_tau(first, second) == pytest.approx(stats.kendalltau(first, second).statistic)


def test_two_orders_without_an_order_have_no_correlation():
    assert np.isnan(kendall_tau(np.ones(4), np.arange(4.0)))


def test_duplicated_patients_do_not_narrow_a_rank_set(truth):
    def thrice(table):
        copies = [table.rename(index=lambda entry, n=n: f"{entry}-{n}") for n in range(3)]
        return pd.concat(copies).rename_axis("case_id")

    def repeated(entry):
        rows = [entry.predictions.assign(case_id=entry.predictions["case_id"] + f"-{n}") for n in range(3)]
        return replace(entry, predictions=pd.concat(rows, ignore_index=True))

    methods = [method(name, truth, signal, salt=3) for name, signal in (("a", 1.2), ("b", 0.6), ("c", 0.2))]
    once = by_name(score_results(results(*methods, ceiling=None)))
    many = by_name(score_results(results(*map(repeated, methods), truth=thrice(truth), ceiling=None)))
    assert [many[name].rank_set for name in "abc"] == [once[name].rank_set for name in "abc"]
    assert [many[name].best_fraction for name in "abc"] == pytest.approx(
        [once[name].best_fraction for name in "abc"]
    )
