"""What boards say in words: one decision everywhere, and no more than the cases show."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.errors import UsageError
from bench.inference import ALPHA, Difference, Interval
from bench.metrics import METRICS
from bench.ranking.consensus import consensus
from bench.report.board import leaderboard, ordered, result_table
from bench.report.findings import consensus_finding, finding, flags, order_notes, unclear_notes
from bench.report.formats.latex import to_latex
from bench.report.formats.terminal import to_rich
from bench.report.formats.text import to_json, to_markdown
from bench.scoring.comparison import compare
from bench.scoring.confounding import explained_by_site
from bench.scoring.scores import Score, score_results
from bench.scoring.seeds import on_shared_seeds, seeds_note
from bench.scoring.verdicts import against_constant, subject
from tests.example_results import TASKS, by_name, constant, method, results, truth_table

NAN = float("nan")


def score(name: str, value: float = 0.8, p: float = 0.001, **changes) -> Score:
    """A row of ER whose difference from the baseline has this corrected p."""
    made = Score(
        task=TASKS[0],
        metric=METRICS["auc"],
        method=name,
        status="ok",
        n=74,
        positives=53,
        fit_seconds=1.0,
        parameters=1,
        rank=1,
        value=value,
        interval=Interval(value - 0.1, min(value + 0.1, 1.0)),
        constant=0.5,
        gain=Difference(value - 0.5, Interval(value - 0.6, value - 0.4), p),
        constant_p=p,
        within_site=value,
        patients=74,
        positive_patients=53,
        seeds=1,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        (score("a", 0.8, 0.049), "better"),
        (score("a", 0.8, 0.051), "not separable"),
        (score("a", 0.2, 0.001), "worse"),
        (score("a", 0.8, NAN), "not tested"),
        (score("a", rank=None, status="failed: x"), ""),
    ],
)
def test_a_word_follows_the_corrected_p_and_not_the_interval(entry, verdict):
    assert against_constant(entry) == verdict


def test_an_interval_above_zero_is_no_better_where_the_correction_says_no():
    weak = score("weak", 0.7, 0.2, gain=Difference(0.2, Interval(0.01, 0.39), 0.04))
    assert "is not separable from the baseline" in finding(results(), [weak])
    row = leaderboard(results(method("one", truth_table(), 0.5), constant(truth_table()))).rows[0]
    assert row["gain"].tone in ("", "good")


def test_run_board_and_compare_give_the_same_word():
    truth = truth_table()
    for signal in (0.0, 0.3, 0.6, 3.0):
        made = results(method("one", truth, signal), constant(truth), ceiling=None)
        board = {
            score_result.method: against_constant(score_result)
            for score_result in score_results(made)
            if score_result.task.name == "er"
        }
        compared = compare(made, ["one", "constant"])[0].verdict
        assert (board["one"] == "better") == compared.startswith("one is better than constant")
        said = result_table(replace(made, methods=made.methods[:1])).brief[0]
        assert (board["one"] == "better") == (
            "ER and Ki-67: one is better" in said or "ER: one is better" in said
        )


def test_nine_cases_give_no_verdict():
    truth = truth_table(9)
    for score_result in score_results(results(method("one", truth, 5.0), truth=truth, ceiling=None)):
        assert against_constant(score_result) == "not tested"
    said = result_table(results(method("one", truth, 5.0), truth=truth, ceiling=None)).brief[0]
    assert "9 patients" in said and "too few to test" in said and "better" not in said


def test_the_headline_counts_only_methods_that_are_better_than_the_constant():
    rows = [
        score("good"),
        score("fair", 0.75),
        score("clinical", 0.48, 0.9),
        score("constant", 0.5, 1.0, rank=5),
    ]
    said = finding(results(), rows)
    assert said == (
        "What it shows of these fitted models: ER: 2 of 4 methods are better than the baseline and "
        "share rank 1."
    )
    assert "none of 2 methods is separable" in finding(results(), rows[2:])
    low = finding(results(), [score("low", 0.2), *rows[2:]])
    assert low.endswith("low is worse than the baseline, no other method is separable from it.")
    assert "good alone of 4 methods is better" in finding(
        results(), [rows[0], *rows[2:], score("x", 0.6, 0.3)]
    )


def test_methods_that_are_not_better_stand_below_with_their_rank_in_brackets():
    truth = truth_table()
    board = leaderboard(results(method("good", truth, 3.0), method("noise", truth, 0.0), constant(truth)))
    rows = {row["method"].text: row["rank"].text for row in board.rows if row["task"].text == "ER"}
    assert rows["good"] == "1" and rows["noise"].startswith("(") and rows["constant"].startswith("(")
    record = {entry["method"]: entry for entry in board.records if entry["task"] == "er"}
    assert record["good"]["against_constant"] == "better"
    assert record["noise"]["against_constant"] == "not separable"


def test_a_worse_value_above_a_better_one_is_explained():
    rows = [score("sure", 0.62, 0.01), score("noisy", 0.66, 0.2), score("low", 0.6, 0.3)]
    (note,) = order_notes(ordered(rows, results()))
    assert "ER, sure (0.620) above noisy (0.660)" in note
    assert order_notes(ordered(rows[1:], results())) == []


def test_the_consensus_counts_only_methods_that_are_better_on_some_task():
    truth = truth_table(200)
    made = results(method("good", truth, 3.0), method("noise", truth, 0.0), constant(truth), truth=truth)
    rows = consensus(score_results(made))
    assert {row.method: row.better for row in rows} == {"good": True, "noise": False, "constant": False}
    assert rows[0].method == "good"
    assert "good alone of 3 methods is better" in consensus_finding(rows, ["ER", "Ki-67"])
    none = consensus_finding([replace(row, better=False) for row in rows], ["ER", "Ki-67"])
    assert none.endswith("no method is separable from the baseline on any of them.")


def test_a_task_that_is_not_ranked_has_no_rank_and_no_sentence():
    truth = truth_table()
    apart = replace(TASKS[0], ranked=False)
    made = results(method("a", truth, 3.0), method("b", truth, 0.0), tasks=(apart, TASKS[1]))
    board = leaderboard(made)
    assert "ER" not in board.brief[0] and "Ki-67" in board.brief[0]
    assert {row["rank"].text for row in board.rows if row["task"].text == "ER"} == {"-"}
    assert {record["rank"] for record in board.records if record["task"] == "er"} == {None}


@pytest.mark.parametrize("value", [0.5, 0.54])
def test_a_task_without_anything_to_predict_has_no_better_method_in_its_headline(value):
    rows = [score("lucky", 0.66, 0.01, ceiling=value), score("other", 0.5, 1.0, ceiling=value)]
    said = finding(results(), rows)
    assert "better" not in said and f"(oracle {value:.3f}), so chance or a leak sets lucky apart" in said
    calm = finding(results(), rows[1:])
    assert "better" not in calm and "no method is separable from the baseline" in calm
    assert "is better" in finding(results(), [score("lucky", 0.66, 0.01, ceiling=0.8)])


def test_a_share_that_is_impossible_without_a_leak_is_flagged_above_the_board():
    leaking = score("leaking", 0.95, oracle_skill=1.4, oracle_skill_interval=Interval(1.0, 1.9))
    honest = score("honest", 0.9, oracle_skill=1.2, oracle_skill_interval=Interval(0.99, 1.4))
    (flag,) = flags([leaking, honest], [])
    assert "leaking on ER (140 %, from 100 % on)" in flag and "honest" not in flag
    truth = truth_table(300)
    reader = replace(method("reader", truth, 3.0, salt=99), label="reader")
    board = leaderboard(results(reader, constant(truth), truth=truth, ceiling=1.0))
    assert "look for a leak: reader on ER" in board.flags[0]
    markdown = to_markdown(board)
    assert markdown.index("look for a leak") < markdown.index("| Rank |")
    assert "look for a leak" in to_latex(board).partition(r"\begin{tabular}")[0]
    assert json.loads(to_json(board))["flags"] == list(board.flags)
    assert "look for a leak" in _printed(board).partition("Rank")[0]
    assert leaderboard(results(method("fair", truth, 1.0), truth=truth, ceiling=3.0)).flags == ()


def _printed(board, width: int = 200) -> str:
    from rich.console import Console

    console = Console(width=width)
    with console.capture() as said:
        console.print(to_rich(board, width))
    return said.get()


def with_sites(n: int, site_signal: float, own_signal: float) -> tuple[pd.DataFrame, object]:
    """Two sites of unlike prevalence, and a method that sees the site, the label, or both."""
    truth = truth_table(n, sites=2)
    rng = np.random.default_rng(1)
    far = (truth["site"] == "site1").to_numpy()
    truth["er"] = (rng.random(n) < np.where(far, 0.85, 0.35)).astype(float)
    made = method("reader", truth, own_signal, folds=1)
    rows = made.predictions["task"] == "er"
    logit = np.log(made.predictions.loc[rows, "prediction"] / (1 - made.predictions.loc[rows, "prediction"]))
    table = made.predictions.copy()
    table.loc[rows, "prediction"] = 1 / (1 + np.exp(-(logit.to_numpy() + site_signal * far)))
    return truth, replace(made, predictions=table)


def test_a_value_that_the_site_explains_is_named_in_the_headline_with_that_within_sites():
    truth, reader = with_sites(300, site_signal=4.0, own_signal=0.0)
    made = results(reader, truth=truth, ceiling=None)
    found = score_results(made)
    (entry,) = explained_by_site(made, found)
    assert entry.within_site < 0.6 < entry.value
    board = leaderboard(made)
    within = f"{entry.value:.3f} over all pairs, {entry.within_site:.3f} within sites"
    assert f"largely explained by the site (reader {within})" in board.brief[0]
    assert within in board.flags[0]


@pytest.mark.parametrize("own_signal", [0.0, 2.0])
def test_a_value_that_the_images_explain_is_not_said_to_come_from_the_site(own_signal):
    truth, reader = with_sites(300, site_signal=0.0, own_signal=own_signal)
    assert explained_by_site(results(reader, truth=truth), score_results(results(reader, truth=truth))) == ()


def test_decisions_that_the_resamples_leave_open_are_marked():
    rows = [score("a", unclear=("b",)), score("b", unclear=("a",)), score("c", unclear=("",))]
    (note,) = unclear_notes(rows)
    assert "ER, a and b" in note and note.count("a and b") == 1 and "c and the baseline" in note
    assert unclear_notes([score("a")]) == []


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1.0, "these fitted models"),
        (1.1, "these methods, trained with the cases that all folds learn from"),
        (2.25, "these methods, trained on cohorts of this kind"),
    ],
)
def test_sentences_speak_of_what_the_interval_covers(factor, words):
    assert subject(factor) == words
    truth = truth_table()
    made = results(method("a", truth, 3.0), constant(truth), variance_factor=factor)
    assert leaderboard(made).brief[0].startswith(f"What it shows of {words}: ")


def test_patients_stand_beside_cases():
    truth = truth_table(60).assign(patient_id=[f"p{index // 2}" for index in range(60)])
    board = leaderboard(results(method("a", truth, 3.0), constant(truth), truth=truth))
    row = board.rows[0]
    assert row["n"].text.startswith("60 (") and row["patients"].text.startswith("30 (")
    assert board.records[0]["patients"] == 30


# Seeds.


def test_all_rows_of_a_board_have_the_same_seeds():
    truth = truth_table()
    made = results(method("three", truth, 3.0, seeds=3), method("one", truth, 1.0), constant(truth))
    alone = results(method("three", truth, 3.0, seeds=1), method("one", truth, 1.0), constant(truth))
    board = leaderboard(made)
    assert {record["seeds"] for record in board.records} == {1}
    assert [record["value"] for record in board.records] == [
        record["value"] for record in leaderboard(alone).records
    ]
    (note,) = seeds_note(made)
    assert note in board.brief and "Left out, as other rows lack them: 1,2 of three." in note
    assert "`bench run --seeds 0,1,2` makes the missing ones" in note
    assert seeds_note(alone) == () and on_shared_seeds(alone) is alone


def test_a_row_without_a_seed_of_the_board_is_missing_and_never_averaged():
    truth = truth_table()
    made = results(method("three", truth, 3.0, seeds=3), method("one", truth, 1.0))
    found = by_name(score_results(on_shared_seeds(made, [0, 1, 2])))
    assert found["three"].seeds == 3 and found["one"].rank is None
    assert found["one"].status == "missing: seed 1,2 of this table; `bench run --seeds 0,1,2` adds it"
    with pytest.raises(UsageError, match="no method has all of the seeds 7, found 0,1,2"):
        on_shared_seeds(made, [7])


def test_rows_that_share_no_seed_leave_those_of_the_most_rows():
    truth = truth_table()
    other = method("other", truth, 1.0)
    other = replace(other, predictions=other.predictions.assign(seed=5))
    made = on_shared_seeds(results(method("a", truth, 3.0), method("b", truth, 1.0), other))
    assert [entry.status for entry in made.methods[:2]] == ["ok", "ok"]
    assert made.methods[2].status.startswith("missing: seed 0 of this table")


def test_a_comparison_uses_the_seeds_that_its_methods_share():
    truth = truth_table()
    three = [method(name, truth, signal, seeds=3) for name, signal in (("a", 2.0), ("b", 1.0))]
    beside = results(*three, method("one", truth, 1.0))
    alone = results(*three)
    assert compare(beside, ["a", "b"])[0].first_value == compare(alone, ["a", "b"])[0].first_value
    single = compare(beside, ["a", "one"])[0].first_value
    assert (
        single
        == compare(results(method("a", truth, 2.0), method("one", truth, 1.0)), ["a", "one"])[0].first_value
    )


def test_a_comparison_finds_submitted_predictions_by_their_name():
    truth = truth_table()
    made = results(method("a", truth, 2.0), replace(method("b", truth, 1.0), label="theirs (submitted)"))
    assert compare(made, ["a", "theirs"])[0].second == "theirs (submitted)"
    assert compare(made, ["a"], reference="theirs")[0].second == "theirs (submitted)"
    with pytest.raises(UsageError, match="unknown method of this cohort and split 'thiers'"):
        compare(made, ["a", "thiers"])


def test_equal_predictions_have_p_above_the_level():
    truth = truth_table()
    entry = by_name(score_results(results(constant(truth))))["constant"]
    assert not entry.constant_p < ALPHA and against_constant(entry) == "not separable"
