"""Methods by their value at the worst site."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bench.predictions.results import MethodResult
from bench.report.formats.text import to_markdown
from bench.report.worst_site import worst_site_board
from bench.scoring.sites import site_scores
from bench.scoring.worst_site import worst_sites
from tests.scoring.comparable_results import method, results, truth_table

TRUTH = truth_table(sites=3)


def failing_at(site: str, label: str) -> MethodResult:
    """A method of strong signal that guesses at one site."""
    one = method(label, TRUTH, 4.0)
    at = one.predictions["case_id"].map(TRUTH["site"]) == site
    guess = np.random.default_rng(5).random(len(at))
    guess = np.where(one.predictions["task"] == "er", guess, 20.0 + 40 * (guess - 0.5))
    return replace(
        one, predictions=one.predictions.assign(prediction=one.predictions["prediction"].where(~at, guess))
    )


def test_the_order_is_that_of_the_worst_site_not_of_all_cases() -> None:
    both = results(failing_at("s1", "brittle"), method("even", TRUTH, 2.0), truth=TRUTH)
    er = [row for row in worst_sites(both) if row.task.name == "er"]
    assert [row.method for row in er] == ["even", "brittle"]
    assert er[1].site is not None and er[1].site.site == "s1"
    expected = {(one.task.name, one.method): one for one in site_scores(both)}
    for row in worst_sites(both):
        whole = expected[row.task.name, row.method]
        assert row.site is not None and whole.overall is not None
        assert (row.site.site, row.site.value) == (whole.worst, whole.range[row.metric.sign < 0])
        assert row.overall == whole.overall.value


def test_intervals_that_overlap_share_a_rank() -> None:
    near = results(method("a", TRUTH, 1.5), method("b", TRUTH, 1.6, salt=1), truth=TRUTH)
    assert {row.rank for row in worst_sites(near)} == {1}
    far = results(failing_at("s1", "brittle"), method("even", TRUTH, 6.0), truth=TRUTH)
    assert [row.rank for row in worst_sites(far) if row.task.name == "er"] == [1, 2]


def test_a_site_below_the_floor_does_not_count_and_is_named() -> None:
    small = TRUTH.assign(er=TRUTH["er"].where(TRUTH["site"] != "s1", 0.0))
    rare = TRUTH.index[TRUTH["site"] == "s1"][:9]
    small.loc[rare, "er"] = 1.0
    board = results(method("a", small, 1.5), truth=small)
    er = worst_sites(board)[0]
    assert (er.sites, er.left_out) == (("s0", "s2"), ("s1",))
    assert "ER: too few patients for an interval at s1." in worst_site_board(board).brief


def test_a_method_without_a_value_and_one_site_are_shown_as_missing() -> None:
    gone = replace(method("gone", TRUTH, 1.0), predictions=pd.DataFrame(), status="failed")
    board = worst_site_board(results(gone, method("a", TRUTH, 1.5), truth=TRUTH))
    assert board.records[1]["method"] == "gone" and board.records[1]["value"] is None
    line = next(line for line in to_markdown(board).splitlines() if "gone" in line)
    assert [cell.strip() for cell in line.split("|")[1:5]] == ["-", "gone", "-", "failed"]
    alone = worst_sites(results(method("a", truth_table(), 1.5)))[0]
    assert alone.status == "no value: 1 of 1 sites count, expected 2"
