"""Scores by site and the spread between sites."""

import numpy as np
import pytest

from bench.inference.heterogeneity import between_sites
from bench.report.formats.text import to_markdown
from bench.report.sites import site_table
from bench.scoring.scores import score_results
from bench.scoring.sites import site_scores
from tests.scoring.comparable_results import N, method, results, truth_table


def test_the_spread_between_sites_is_dersimonian_and_lairds():
    values, errors = np.array([1.0, 1.4, 3.6]), np.array([0.5, 0.25, 1.0])
    weight = [4.0, 16.0, 1.0]
    mean = sum(w * y for w, y in zip(weight, values, strict=True)) / 21
    q = sum(w * (y - mean) ** 2 for w, y in zip(weight, values, strict=True))
    expected = np.sqrt((q - 2) / (21 - (16 + 256 + 1) / 21))
    found = between_sites(values, errors)
    assert found.tau == pytest.approx(expected)
    assert found.i_squared == pytest.approx(1 - 2 / q)


def test_tau_recovers_the_spread_and_is_about_0_for_equal_sites():
    rng = np.random.default_rng(3)
    errors = rng.uniform(0.1, 0.4, 400)
    spread = between_sites(rng.standard_normal(400) * 0.5 + errors * rng.standard_normal(400), errors)
    assert spread.tau == pytest.approx(0.5, abs=0.05)
    assert between_sites(errors * rng.standard_normal(400), errors).tau < 0.1


def test_fewer_than_three_sites_have_no_tau():
    found = between_sites(np.array([0.5, 0.9, 0.7]), np.array([0.1, 0.1, 0.0]))
    assert np.isnan(found.tau) and found.sites == 2


def test_sites_have_their_own_values_beside_those_of_the_board():
    truth = truth_table(sites=3)
    both = results(method("a", truth, 1.5), truth=truth)
    board = {score.task.name: score for score in score_results(both)}
    for site_score in site_scores(both):
        assert [site.site for site in site_score.sites] == ["s0", "s1", "s2"]
        assert sum(site.n for site in site_score.sites) == site_score.overall.n == N
        assert site_score.overall.value == pytest.approx(board[site_score.task.name].value)
        assert site_score.overall.interval == pytest.approx(board[site_score.task.name].interval)
        values = {site.site: site_score.metric.sign * site.value for site in site_score.sites}
        assert site_score.worst == min(values, key=values.get)
    er = site_scores(both)[0]
    assert er.within.value == pytest.approx(board["er"].within_site)
    assert er.pooled == pytest.approx(board["er"].pooled)


def test_a_site_with_one_positive_case_is_named_and_has_no_area():
    truth = truth_table(sites=3)
    rare = truth["er"].where(truth["site"] != "s1", 0.0)
    rare[rare.index[1]] = 1.0
    both = results(method("a", truth, 1.5), truth=truth.assign(er=rare))
    er = site_scores(both)[0]
    assert er.sites[1].status == "no value: 1 positive and 39 negative cases, expected 2 of each"
    assert np.isnan(er.sites[1].value)
    text = to_markdown(site_table(both, site_scores(both)))
    assert "1 positive and 39 negative cases" in text
    assert "tau needs 3 sites with a standard error, there are 2" in text
