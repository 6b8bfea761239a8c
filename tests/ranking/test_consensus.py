"""The consensus over tasks: mean ranks, their family of comparisons, its table."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.inference import NO_INTERVAL
from bench.inference.ranks import separated
from bench.metrics import METRICS
from bench.ranking.consensus import consensus, consensus_ranks
from bench.ranking.sensitivity import sensitivity
from bench.report.board import leaderboard
from bench.report.formats.format import BoardFormat
from bench.report.formats.printing import print_board
from bench.report.formats.text import to_json, to_markdown
from bench.scoring.scores import Score, score_results
from bench.task import Task
from tests.example_results import ESTIMAND, TASKS, by_name, constant, method, results
from tests.ranking.partial_methods import found_by

BINARY = [Task(name, "binary") for name in ("er", "pr", "her2")]


def scores_of(task: Task, ranks: dict[str, int | None], adjusted: dict[frozenset, float] | None = None):
    """Scores whose values fall in the order in which the methods are named."""
    found = []
    for place, (name, rank) in enumerate(ranks.items()):
        others = {other: (adjusted or {}).get(frozenset((name, other)), 1.0) for other in ranks}
        blank = Score(task, METRICS["auc"], name, "failed: broken", 10, 5, None, None)
        value = 0.9 - place / 50
        scored = replace(blank, status="ok", rank=rank, value=value, adjusted=others)
        found.append(blank if rank is None else scored)
    return found


def test_the_mean_rank_is_over_the_ranked_tasks_alone():
    unranked = Task("site", "binary", ranked=False)
    scores = [
        *scores_of(BINARY[0], {"a": 1, "b": 1, "c": 3}),
        *scores_of(BINARY[1], {"a": 1, "b": 2, "c": 2}),
        *scores_of(unranked, {"c": 1, "b": 2, "a": 3}),
    ]
    assert {shared.method: shared.mean_rank for shared in consensus(scores)} == {
        "a": 1.0,
        "b": 1.5,
        "c": 2.5,
    }


def test_a_smaller_mean_rank_alone_does_not_separate_methods():
    scores = [
        *scores_of(BINARY[0], {"a": 1, "b": 1, "c": 2}, {frozenset("ac"): 0.01}),
        *scores_of(BINARY[1], {"a": 1, "b": 1, "c": 1}),
    ]
    found = {shared.method: shared for shared in consensus(scores)}
    assert [found[name].rank for name in "abc"] == [1, 1, 2]
    # c loses to a, not to b: a stands above it alone.
    assert (found["b"].mean_rank, found["c"].mean_rank) == (1.0, 1.5)


def test_the_family_of_the_consensus_is_the_pairs_of_all_ranked_tasks():
    clear = {frozenset("ab"): 0.02}
    one = [*scores_of(BINARY[0], {"a": 1, "b": 2}, clear), *scores_of(BINARY[1], {"a": 1, "b": 1})]
    assert [shared.rank for shared in consensus(one)] == [1, 2]
    three = [*one, *scores_of(BINARY[2], {"a": 1, "b": 1})]
    assert [shared.rank for shared in consensus(three)] == [1, 1]
    assert [shared.interval for shared in consensus(one)] == [(1.0, 1.5), (1.5, 2.0)]
    assert [shared.interval for shared in consensus(three)] == [(1.0, 2.0), (1.0, 2.0)]


def test_methods_that_beat_each_other_stand_in_the_order_of_their_mean_ranks():
    values = np.array([[0.9, 0.8, 0.5], [0.6, 0.7, 0.5]])
    adjusted = np.full((2, 3, 3), 0.001)
    better = separated(values, adjusted)
    assert better[0, 1] and better[1, 0]
    assert consensus_ranks(np.array([1.2, 1.4, 3.0]), better) == [1, 2, 3]
    assert consensus_ranks(np.array([1.5, 1.5, 3.0]), better) == [1, 1, 3]


def test_a_method_that_lacks_a_task_has_no_consensus():
    scores = [
        *scores_of(BINARY[0], {"a": 1, "b": 1, "c": 1}),
        *scores_of(BINARY[1], {"a": 1, "b": None, "c": 1}),
    ]
    found = consensus(scores)
    assert [entry.method for entry in found] == ["a", "c", "b"]
    assert (found[2].rank, found[2].status, found[2].interval) == (None, "PR: failed: broken", NO_INTERVAL)


def test_a_task_without_any_value_counts_for_nobody():
    scores = [*scores_of(BINARY[0], {"a": 1, "b": 1}), *scores_of(BINARY[1], {"a": None, "b": None})]
    assert [shared.rank for shared in consensus(scores)] == [1, 1]
    assert consensus(scores[2:]) == ()


def test_where_every_method_lacks_a_task_nobody_has_a_consensus():
    scores = [*scores_of(BINARY[0], {"a": 1, "b": None}), *scores_of(BINARY[1], {"a": None, "b": 1})]
    assert [(shared.method, shared.rank) for shared in consensus(scores)] == [("a", None), ("b", None)]


def test_the_truth_stands_alone_at_the_top_of_the_consensus_and_the_coin_at_its_end(truth):
    told = method("truth", truth, 30.0)
    coin = constant(truth)
    found = consensus(score_results(results(coin, method("weak", truth, 1.0, salt=1), told)))
    assert [entry.method for entry in found] == ["truth", "weak", "constant"]
    assert [entry.rank for entry in found] == [1, 2, 3]
    assert found[0].interval == (1.0, 1.0)


def test_the_consensus_does_not_depend_on_the_order_of_methods(truth):
    methods = [method(str(n), truth, n / 2, salt=n) for n in range(5)]
    one, other = (consensus(score_results(results(*entry))) for entry in (methods, methods[::-1]))
    assert [(entry.method, entry.rank, entry.interval) for entry in one] == [
        (entry.method, entry.rank, entry.interval) for entry in other
    ]


def test_the_consensus_stands_above_the_board_in_every_format(partial_results, capsys):
    board = leaderboard(partial_results)
    text = to_markdown(board)
    assert text.startswith("# Leaderboard: phantom") and text.count("\n# ") == 0
    assert text.index("What it shows of ") < text.index("## All ranked tasks") < text.index("## ER")
    assert "2 of 3 methods are better than the baseline, good alone has rank 1." in text
    above = [line for line in text.splitlines() if line.startswith("|")][: 2 + 4]
    assert len({len(line) for line in above}) == 1
    assert "failed" in above[-1]
    assert "partial: failed: out of memory (1 of 5 cells missing)" in text
    content = json.loads(to_json(board))
    first, *_, last = content["summary"]["rows"]
    assert (first["method"], first["rank"], first["mean_rank"]) == ("good", 1, 1.0)
    assert first["tasks"]["er"] == {"rank": 1, "rank_low": 1, "rank_high": 1, "best_share": 1.0}
    assert (last["method"], last["rank"], last["mean_rank_low"]) == ("partial", None, None)
    print_board(board, BoardFormat.table)
    printed = capsys.readouterr().out
    assert printed.index("Leaderboard over all ranked tasks") < printed.index(ESTIMAND)


def test_one_ranked_task_has_no_consensus_table(truth):
    single = (TASKS[0], replace(TASKS[1], ranked=False))
    board = leaderboard(results(method("one", truth, 1.0), constant(truth), tasks=single))
    assert board.summary is None
    assert "summary" not in json.loads(to_json(board))


def test_aggregates_of_the_consensus_are_computed_by_hand_as_well(truth):
    signals = {"a": 3, "b": 1, "c": 1.2, "d": 0.4}
    methods = [method(name, truth, value, salt=salt) for salt, (name, value) in enumerate(signals.items())]
    made = results(*methods, constant(truth))
    er, ki67 = (by_name(score_results(made), task) for task in ("er", "ki67"))
    borda, gain = {}, {}
    place = {
        "er": stats.rankdata([-entry.value for entry in er.values()]),
        "ki67": stats.rankdata([entry.value for entry in ki67.values()]),
    }
    for row, name in enumerate(er):
        borda[name] = (place["er"][row] + place["ki67"][row]) / 2
        gain[name] = ((er[name].value - 0.5) / 0.5 + 1 - ki67[name].value / ki67[name].constant) / 2
    board = [-(er[name].rank + ki67[name].rank) / 2 for name in er]
    found = sensitivity(made)
    lower = {name: -value for name, value in borda.items()}
    for label, values in (("Borda count of values", lower), ("mean standardised gain", gain)):
        row = found_by(found, "aggregation", label, None)
        assert row.tau == pytest.approx(stats.kendalltau(board, list(values.values())).statistic)
        assert row.first == (max(values, key=values.get),)
