"""Subgroups, margins, claims and the interval of a new site."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.errors import UsageError
from bench.inference import outperformance
from bench.inference.agreement import absolute_agreement
from bench.inference.heterogeneity import between_sites
from bench.inference.intervals import wilson_interval
from bench.inference.shares import largest_gap, wilson
from bench.predictions.results import Results
from bench.report.claim import claim_table
from bench.report.comparison import comparison_table
from bench.report.formats.text import to_markdown
from bench.report.subgroups import subgroup_table
from bench.scoring.comparison import compare
from bench.scoring.groups import Grouping, grouped, grouping
from bench.scoring.margins import margins_of, within_margin
from bench.scoring.subgroups import subgroup_scores
from tests.example_results import ESTIMAND, TASKS, method, truth_table


@pytest.fixture(scope="module")
def results() -> Results:
    truth = truth_table(200, sites=2)
    return Results(
        tasks=TASKS,
        cohort="made",
        cohort_title="Made",
        cohort_fingerprint="0" * 64,
        synthetic=True,
        licence="CC0",
        split="external_cv",
        split_title="five folds",
        estimand=ESTIMAND,
        split_seed=0,
        split_fingerprint="1" * 64,
        truth=truth,
        methods=(method("one", truth, 2.0), method("two", truth, 2.0, salt=1)),
    )


def test_numbers_are_cut_where_they_are_told() -> None:
    ages = pd.Series([30.0, 50.0, 70.0, math.nan], index=list("abcd"))
    assert grouping("age:50") == Grouping("age", (50.0,))
    assert grouped(grouping("age:50"), {"age": ages}).tolist() == ["< 50", ">= 50", ">= 50", "unknown"]
    assert grouped(grouping("age:halves"), {"age": ages}).nunique() == 3
    with pytest.raises(UsageError, match="expected cut points"):
        grouping("age:old")
    with pytest.raises(UsageError, match="it cannot be cut"):
        grouped(grouping("vendor:3"), {"vendor": pd.Series(["GE"])})


def test_small_groups_are_suppressed_without_their_numbers(results: Results) -> None:
    groups = pd.Series("large", index=results.truth.index)
    groups.iloc[:12] = "small"
    found = subgroup_scores(results, {"size": groups})
    small = next(group for group in found[0].groups if group.site == "small")
    assert (small.n, small.status.startswith("suppressed: fewer than 20")) == (0, True)
    assert found[0].worst == ""
    text = to_markdown(subgroup_table(results, found, (), 20))
    assert "suppressed" in text


def test_groups_that_differ_are_told_apart(results: Results) -> None:
    groups = results.truth["site"].rename(None)
    turned = results.methods[0]
    at = turned.predictions["case_id"].map(groups) == "site1"
    er = turned.predictions["task"] == "er"
    said = turned.predictions["prediction"].where(~(at & er), 1 - turned.predictions["prediction"])
    worse = replace(turned, predictions=turned.predictions.assign(prediction=said))
    found = subgroup_scores(replace(results, methods=(worse,)), {"site": groups})
    er_scores = next(one for one in found if one.task.name == "er")
    assert (er_scores.best, er_scores.worst) == ("site0", "site1")
    assert er_scores.difference.interval.low > 0.3


def test_the_largest_gap_lies_between_its_limits() -> None:
    value, (low, high) = largest_gap([0.9, 0.5, math.nan], [50, 50, 0])
    assert value == pytest.approx(0.4)
    assert 0.2 < low < value < high < 0.6
    assert wilson(0.7, 30) == pytest.approx(wilson_interval(0.7, 30))
    assert math.isnan(largest_gap([0.5], [10])[0])


def test_margins_are_read_and_kept(results: Results) -> None:
    assert margins_of(TASKS, ["ki67=2", "0.1"]) == {"er": 0.1, "ki67": 2.0}
    with pytest.raises(UsageError, match="expected a positive number"):
        margins_of(TASKS, ["-1"])
    compared = compare(results, ["one", "two"])
    (er,) = [one for one in compared if one.task.name == "er"]
    assert within_margin(er, {"er": 0.5}) == "equivalent"
    assert within_margin(er, {"er": 1e-6}) == "not shown"
    assert within_margin(er, {}) == "-"
    text = to_markdown(comparison_table(results, compared, margins={"er": 0.5}))
    assert "| Margin" in text and "equivalent" in text


def test_a_claim_is_weighed() -> None:
    found = outperformance(0.85, 0.80, 74, 53, 0.5)
    assert found.false == pytest.approx(0.150, abs=5e-4)
    assert outperformance(0.85, 0.80, 7400, 5300, 0.5).false < 1e-6
    assert "0.150" in to_markdown(claim_table([found], 0.85, 0.80, 74, 53))
    with pytest.raises(UsageError, match="80 positives of 74"):
        outperformance(0.85, 0.80, 74, 80, 0.5)


def test_a_new_site_lies_wider_than_the_mean() -> None:
    values, errors = np.array([0.5, 1.0, 1.5, 2.0]), np.full(4, 0.2)
    found = between_sites(values, errors)
    low, high = found.new_site
    assert low < 0.5 and high > 2.0
    assert (low + high) / 2 == pytest.approx(1.25, abs=0.15)


def test_agreement_of_shrout_and_fleiss() -> None:
    # Ratings 1 and 2 of Shrout & Fleiss 1979, table 2.
    first, second = np.array([9, 6, 8, 7, 10, 6.0]), np.array([2, 1, 4, 1, 5, 2.0])
    found = absolute_agreement(first, second)
    between = 2 * np.var((first + second) / 2, ddof=1)
    difference = first - second
    rest = np.var(difference, ddof=1) / 2
    raters = 6 * np.var([first.mean(), second.mean()], ddof=1)
    assert found.value == pytest.approx((between - rest) / (between + rest + 2 / 6 * (raters - rest)))
    assert found.interval.low < found.value < found.interval.high
