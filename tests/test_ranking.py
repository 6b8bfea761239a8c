import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_results import ESTIMAND, TASKS, by_name, constant, method, results, truth_table
from scipy import stats
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Task
from bench.config import Experiment
from bench.ensemble import with_ensembles
from bench.errors import StoreError, UsageError
from bench.experiment import make_plan, run_experiment
from bench.inference import NO_INTERVAL
from bench.leaderboard import leaderboard, sensitivity_board
from bench.listing import BoardFormat, Format, Missing
from bench.metrics import METRICS
from bench.missing import at_chance
from bench.ranking import (
    best_shares,
    consensus,
    consensus_ranks,
    kendall_tau,
    rank_sets,
    ranks_by_value,
    separated,
)
from bench.report import print_board, to_json, to_markdown
from bench.results import export_predictions, results_of_store
from bench.scores import MethodResult, Score, score_results
from bench.sensitivity import sensitivity
from bench.store import RECORD, write_record

NOTHING = pd.DataFrame(columns=["seed", "fold", "case_id", "task", "prediction"])
BINARY = [Task(name, "binary") for name in ("er", "pr", "her2")]


@pytest.fixture(scope="module")
def truth():
    return truth_table()


def without_fold(whole: MethodResult, fold: int, **changes) -> MethodResult:
    """The method as a store gives it where one fold failed."""
    kept = whole.predictions[whole.predictions["fold"] != fold]
    status = "failed: out of memory (1 of 5 cells missing)"
    return replace(whole, predictions=kept, status=status, seeds=(0,), **changes)


@pytest.fixture(scope="module")
def partial_results(truth):
    partial = without_fold(method("partial", truth, 3.0, salt=2), 3)
    return results(method("good", truth, 3.0), method("weak", truth, 0.3, salt=1), constant(truth), partial)


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
    assert np.isnan([score.best_share for score in found.values()]).all()


def test_shares_of_being_best_are_those_of_a_loop_over_resamples():
    resampled = np.random.default_rng(1).integers(0, 4, size=(5, 300)).astype(float)
    expected = np.zeros(5)
    for column in resampled.T:
        best = np.flatnonzero(column == column.max())
        expected[best] += 1 / len(best) / 300
    np.testing.assert_allclose(best_shares(resampled), expected)
    assert best_shares(resampled).sum() == pytest.approx(1.0)


def test_equal_predictions_share_being_best_equally(truth):
    one = method("one", truth, 3.0)
    found = score_results(results(one, replace(one, label="twin"), constant(truth)))
    for task in ("er", "ki67"):
        shares = [score.best_share for score in by_name(found, task).values()]
        assert shares == pytest.approx([0.5, 0.5, 0.0])


def test_a_resample_without_a_value_counts_for_nobody():
    assert best_shares(np.array([[1.0, np.nan, 3.0], [2.0, 9.0, 1.0]])).tolist() == [0.5, 0.5]
    assert np.isnan(best_shares(np.full((2, 3), np.nan))).all()


def test_ranks_by_value_are_scipys():
    values = np.random.default_rng(2).integers(0, 5, 20).astype(float)
    np.testing.assert_array_equal(ranks_by_value(values), stats.rankdata(-values))


@pytest.mark.parametrize("levels", [3, 1000])
def test_kendalls_tau_is_scipys(levels):
    first, second = np.random.default_rng(levels).integers(0, levels, (2, 15)).astype(float)
    assert kendall_tau(first, second) == pytest.approx(stats.kendalltau(first, second).statistic)


def test_two_orders_without_an_order_have_no_correlation():
    assert np.isnan(kendall_tau(np.ones(4), np.arange(4.0)))


def test_the_mean_rank_is_over_the_ranked_tasks_alone():
    unranked = Task("site", "binary", ranked=False)
    scores = [
        *scores_of(BINARY[0], {"a": 1, "b": 1, "c": 3}),
        *scores_of(BINARY[1], {"a": 1, "b": 2, "c": 2}),
        *scores_of(unranked, {"c": 1, "b": 2, "a": 3}),
    ]
    assert {its.method: its.mean_rank for its in consensus(scores)} == {"a": 1.0, "b": 1.5, "c": 2.5}


def test_a_smaller_mean_rank_alone_does_not_separate_methods():
    scores = [
        *scores_of(BINARY[0], {"a": 1, "b": 1, "c": 2}, {frozenset("ac"): 0.01}),
        *scores_of(BINARY[1], {"a": 1, "b": 1, "c": 1}),
    ]
    found = {its.method: its for its in consensus(scores)}
    assert [found[name].rank for name in "abc"] == [1, 1, 2]
    # c loses to a, not to b: a stands above it alone.
    assert (found["b"].mean_rank, found["c"].mean_rank) == (1.0, 1.5)


def test_the_family_of_the_consensus_is_the_pairs_of_all_ranked_tasks():
    clear = {frozenset("ab"): 0.02}
    one = [*scores_of(BINARY[0], {"a": 1, "b": 2}, clear), *scores_of(BINARY[1], {"a": 1, "b": 1})]
    assert [its.rank for its in consensus(one)] == [1, 2]
    three = [*one, *scores_of(BINARY[2], {"a": 1, "b": 1})]
    assert [its.rank for its in consensus(three)] == [1, 1]
    assert [its.interval for its in consensus(one)] == [(1.0, 1.5), (1.5, 2.0)]
    assert [its.interval for its in consensus(three)] == [(1.0, 2.0), (1.0, 2.0)]


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
    assert [its.method for its in found] == ["a", "c", "b"]
    assert (found[2].rank, found[2].status, found[2].interval) == (None, "PR: failed: broken", NO_INTERVAL)


def test_a_task_without_any_value_counts_for_nobody():
    scores = [*scores_of(BINARY[0], {"a": 1, "b": 1}), *scores_of(BINARY[1], {"a": None, "b": None})]
    assert [its.rank for its in consensus(scores)] == [1, 1]
    assert consensus(scores[2:]) == ()


def test_where_every_method_lacks_a_task_nobody_has_a_consensus():
    scores = [*scores_of(BINARY[0], {"a": 1, "b": None}), *scores_of(BINARY[1], {"a": None, "b": 1})]
    assert [(its.method, its.rank) for its in consensus(scores)] == [("a", None), ("b", None)]


def test_the_truth_stands_alone_at_the_top_of_the_consensus_and_the_coin_at_its_end(truth):
    told = method("truth", truth, 30.0)
    coin = constant(truth)
    found = consensus(score_results(results(coin, method("weak", truth, 1.0, salt=1), told)))
    assert [its.method for its in found] == ["truth", "weak", "constant"]
    assert [its.rank for its in found] == [1, 2, 3]
    assert found[0].interval == (1.0, 1.0)


def test_the_consensus_does_not_depend_on_the_order_of_methods(truth):
    methods = [method(str(n), truth, n / 2, salt=n) for n in range(5)]
    one, other = (consensus(score_results(results(*its))) for its in (methods, methods[::-1]))
    assert [(its.method, its.rank, its.interval) for its in one] == [
        (its.method, its.rank, its.interval) for its in other
    ]


def test_imputation_leaves_complete_methods_as_they_are(partial_results):
    completed = at_chance(partial_results)
    assert completed.methods[:3] == partial_results.methods[:3]
    before, after = (by_name(score_results(its)) for its in (partial_results, completed))
    for name in ("good", "weak", "constant"):
        assert after[name].value == pytest.approx(before[name].value)
        assert after[name].interval == pytest.approx(before[name].interval)


def test_what_is_missing_becomes_the_constant_predictor_of_its_fold(partial_results, truth):
    partial = at_chance(partial_results).methods[3]
    whole = method("partial", truth, 3.0, salt=2).predictions
    both = partial.predictions.merge(whole, on=["seed", "fold", "case_id", "task"], suffixes=("", "_whole"))
    assert len(both) == len(whole) == len(partial.predictions)
    kept = both["fold"] != 3
    assert (both["prediction"] == both["prediction_whole"])[kept].all()
    assert set(both.loc[~kept & (both["task"] == "er"), "prediction"]) == {0.6 + 3 / 50}
    assert set(both.loc[~kept & (both["task"] == "ki67"), "prediction"]) == {23.0}


def test_an_imputed_fold_has_an_area_of_one_half(truth):
    alone = without_fold(method("alone", truth, 30.0), 3)
    fold = np.arange(74) % 5
    pairs = [truth["er"][fold == code].sum() * (1 - truth["er"][fold == code]).sum() for code in range(5)]
    score = by_name(score_results(at_chance(results(alone, constant(truth)))))["alone"]
    assert score.value == pytest.approx(1 - pairs[3] / sum(pairs) / 2)
    assert score.n == 74


def test_apart_is_without_rank_and_chance_is_ranked_and_marked(partial_results):
    apart, chance = (score_results(its) for its in (partial_results, at_chance(partial_results)))
    reason = "failed: out of memory (1 of 5 cells missing)"
    assert (by_name(apart)["partial"].rank, by_name(apart)["partial"].status) == (None, reason)
    assert [by_name(chance)[name].rank for name in ("good", "partial", "weak", "constant")] == [1, 2, 3, 3]
    assert by_name(chance)["partial"].imputed == 15
    board = leaderboard(at_chance(partial_results))
    assert "partial (imputed at chance for 15 of 74 cases)" in to_markdown(board)
    assert f"partial: imputed at chance for 15 of 74 cases ({reason})." in board.notes
    row = next(its for its in board.records if its["method"] == "partial")
    assert row["status"] == f"imputed at chance for 15 of 74 cases ({reason})"


def test_only_scored_cases_are_counted_as_imputed(truth):
    holes = truth.copy()
    holes.loc[[f"case{number:04d}" for number in (3, 8, 10)], "er"] = np.nan
    partial = without_fold(method("partial", holes, 1.0), 3)
    found = score_results(at_chance(results(partial, constant(holes), truth=holes)))
    assert by_name(found)["partial"].imputed == 13
    assert by_name(found, "ki67")["partial"].imputed == 15


def test_one_failed_seed_is_imputed_for_that_seed_alone(truth):
    both = method("both", truth, 3.0, seeds=2)
    one = replace(both, predictions=both.predictions.query("seed == 0"), seeds=(0, 1), status="failed: x")
    score = by_name(score_results(at_chance(results(one, constant(truth)))))["both"]
    alone = by_name(score_results(results(method("both", truth, 3.0), constant(truth))))["both"]
    assert score.value == pytest.approx((alone.value + 0.5) / 2)
    assert (score.seeds, score.imputed) == (2, 74)


def test_predictions_that_lack_single_cases_are_imputed_too(truth):
    whole = method("sent", truth, 3.0)
    sent = replace(whole, predictions=whole.predictions[whole.predictions["case_id"] != "case0007"])
    board = leaderboard(at_chance(results(sent, constant(truth))))
    row = next(its for its in board.records if its["method"] == "sent")
    assert row["status"] == "imputed at chance for 1 of 74 cases"


def test_a_method_without_any_planned_cell_is_never_imputed(truth):
    declined = MethodResult("declined", NOTHING, status="skipped: needs images")
    failed = MethodResult("failed", NOTHING, status="failed: x", seeds=(0,))
    found = by_name(score_results(at_chance(results(constant(truth), declined, failed))))
    assert (found["declined"].rank, found["declined"].status) == (None, "skipped: needs images")
    assert (found["failed"].rank, found["failed"].value, found["failed"].imputed) == (1, 0.5, 74)


def test_a_case_that_no_method_predicts_is_not_dropped(truth):
    methods = [without_fold(method(name, truth, 3.0, salt=3), 3, label=name) for name in ("a", "b")]
    tested = {case_id: number % 5 for number, case_id in enumerate(truth.index)}
    made = results(*methods, tested=tested)
    assert [score.n for score in score_results(made)] == [74] * 4
    assert [score.imputed for score in score_results(at_chance(made))] == [15, 15, 15, 15]
    incomplete = replace(made, methods=tuple(replace(its, status="ok") for its in methods))
    status = by_name(score_results(incomplete))["a"].status
    assert status == "incomplete: no prediction for 15 of 74 cases"


def test_without_constants_nothing_can_be_imputed(truth):
    partial = without_fold(method("partial", truth, 3.0), 3, constants={})
    tested = {case_id: number % 5 for number, case_id in enumerate(truth.index)}
    with pytest.raises(StoreError, match=r"what the constant predictor says about er in fold 3.*bench run"):
        at_chance(results(partial, tested=tested))


@pytest.mark.parametrize(
    ("made_on", "what"),
    [(("12" * 32, "cd" * 32), "cohort phantom"), (("ab" * 32, "12" * 32), "split external_cv")],
)
def test_a_method_of_another_cohort_or_split_is_refused_with_both_fingerprints(truth, made_on, what):
    ours = replace(method("ours", truth, 1.0), made_on=("ab" * 32, "cd" * 32))
    theirs = replace(method("theirs", truth, 1.0), made_on=made_on)
    now = "abababababab" if what.startswith("cohort") else "cdcdcdcdcdcd"
    message = f"theirs was run on the {what} with the fingerprint 121212121212, this table is about {now}"
    with pytest.raises(StoreError, match=message):
        leaderboard(results(ours, theirs))
    assert len(leaderboard(results(ours)).rows) == 2


def test_the_consensus_stands_above_the_board_in_every_format(partial_results, capsys):
    board = leaderboard(partial_results)
    text = to_markdown(board)
    assert text.startswith("# Leaderboard: phantom") and text.count("\n# ") == 0
    assert text.index("What it shows of ") < text.index("## All ranked tasks") < text.index("## ER")
    assert "2 of 3 methods are better than the constant predictor, good alone has rank 1." in text
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


def found_by(found, choice, alternative, task="er"):
    (one,) = [
        its
        for its in found
        if (its.choice, its.alternative) == (choice, alternative)
        and (its.task.name if its.task else None) == task
    ]
    return one


def test_pooling_the_folds_changes_the_order_of_methods_that_calibrate_differently(truth):
    table = method("shifted", truth, 2.0, salt=7)
    moved = table.predictions.copy()
    is_er = moved["task"] == "er"
    moved.loc[is_er, "prediction"] = (moved["prediction"] + moved["fold"] * 4)[is_er] / 20
    shifted = replace(table, predictions=moved)
    level = method("level", truth, 1.5, salt=8)
    found = sensitivity(results(shifted, level, constant(truth)))
    pooled = found_by(found, "metric", "pooled AUC")
    assert (pooled.board_first, pooled.first) == (("shifted",), ("level",))
    assert pooled.moved == {"shifted": (1.0, 2.0), "level": (2.0, 1.0)}
    assert pooled.tau == pytest.approx(1 / 3)


def test_a_choice_that_changes_nothing_has_a_correlation_of_one(partial_results):
    other = found_by(sensitivity(partial_results), "missing results", "chance")
    assert (other.tau, other.moved, other.first) == (1.0, {}, ("good",))
    assert other.reranked == {"weak": (2, 3), "constant": (2, 3)}


def test_the_other_treatment_of_missing_results_is_seen_from_either_side(partial_results):
    back = found_by(sensitivity(partial_results, Missing.chance), "missing results", "apart")
    assert back.reranked == {"weak": (3, 2), "constant": (3, 2)}
    complete = replace(partial_results, methods=partial_results.methods[:3])
    assert not [its for its in sensitivity(complete) if its.choice == "missing results"]


def test_sites_and_seeds_are_choices_where_there_are_several():
    truth = truth_table(n=150, sites=2)
    one = results(method("a", truth, 2.0, seeds=2), method("b", truth, 1.0, salt=1, seeds=2), truth=truth)
    choices = {(its.choice, its.alternative) for its in sensitivity(one) if its.task == TASKS[0]}
    assert choices == {
        ("metric", "pooled AUC"),
        ("metric", "within-site AUC"),
        ("metric", "Average precision"),
        ("metric", "Brier"),
        ("metric", "Log loss"),
        ("seeds", "ensemble over seeds"),
        ("seeds", "first seed alone"),
    }
    single = results(method("a", truth_table(), 2.0), method("b", truth_table(), 1.0, salt=1))
    others = {"pooled AUC", "Average precision", "Brier", "Log loss"}
    assert {its.alternative for its in sensitivity(single) if its.task == TASKS[0]} == others


def test_the_seed_ensemble_of_the_sensitivity_is_that_of_the_board(truth):
    methods = [method(name, truth, 0.6, salt=salt, seeds=3) for salt, name in enumerate("abcd")]
    ensembles = with_ensembles(results(*methods)).methods[1::2]
    rows = [replace(its, label=its.label[0]) for its in ensembles]
    values = {name: its.value for name, its in by_name(score_results(results(*rows))).items()}
    found = found_by(sensitivity(results(*methods)), "seeds", "ensemble over seeds")
    assert found.first == (max(values, key=values.get),)
    before = [its.value for its in by_name(score_results(results(*methods))).values()]
    assert found.tau == pytest.approx(stats.kendalltau(before, list(values.values())).statistic)


def test_a_metric_that_the_benchmark_offers_is_another_choice(truth, monkeypatch):
    def rmse(truth, prediction, stratum=None):
        return float(np.sqrt(np.mean((truth - prediction) ** 2)))

    def resampled(truth, predictions, stratum, weights):
        return np.sqrt((truth - predictions) ** 2 @ weights / weights.sum(axis=0))

    offered = replace(METRICS["mae"], name="rmse", title="RMSE", value=rmse, resampled=resampled)
    monkeypatch.setitem(METRICS, "rmse", offered)
    wild = method("wild", truth, 9.0, salt=1)
    table = wild.predictions.copy()
    last = (table["task"] == "ki67") & table["case_id"].isin(truth.index[:4])
    table.loc[last, "prediction"] = 100.0
    wild = replace(wild, predictions=table)
    steady = method("steady", truth, 2.0, salt=2)
    found = found_by(sensitivity(results(wild, steady)), "metric", "RMSE", "ki67")
    errors = {
        its.label: rmse(
            truth["ki67"].to_numpy(),
            its.predictions.query("task == 'ki67'")
            .set_index("case_id")["prediction"][truth.index]
            .to_numpy(),
        )
        for its in (wild, steady)
    }
    assert found.first == (min(errors, key=errors.get),)


def test_aggregates_of_the_consensus_are_computed_by_hand_as_well(truth):
    signals = {"a": 3, "b": 1, "c": 1.2, "d": 0.4}
    methods = [method(name, truth, its, salt=salt) for salt, (name, its) in enumerate(signals.items())]
    made = results(*methods, constant(truth))
    er, ki67 = (by_name(score_results(made), task) for task in ("er", "ki67"))
    borda, gain = {}, {}
    place = {
        "er": stats.rankdata([-its.value for its in er.values()]),
        "ki67": stats.rankdata([its.value for its in ki67.values()]),
    }
    for row, name in enumerate(er):
        borda[name] = (place["er"][row] + place["ki67"][row]) / 2
        gain[name] = ((er[name].value - 0.5) / 0.5 + 1 - ki67[name].value / ki67[name].constant) / 2
    board = [-(er[name].rank + ki67[name].rank) / 2 for name in er]
    found = sensitivity(made)
    lower = {name: -its for name, its in borda.items()}
    for label, values in (("Borda count of values", lower), ("mean standardised gain", gain)):
        row = found_by(found, "aggregation", label, None)
        assert row.tau == pytest.approx(stats.kendalltau(board, list(values.values())).statistic)
        assert row.first == (max(values, key=values.get),)


def test_the_sensitivity_table_says_what_changes(partial_results, capsys):
    table = sensitivity_board(partial_results, Missing.apart)
    text = to_markdown(table)
    assert "weak 2→3, constant 2→3" in text
    assert "# Sensitivity of the order: phantom, external_cv" in text
    content = json.loads(to_json(table))
    assert content["missing"] == "apart"
    row = next(its for its in content["rows"] if its["alternative"] == "chance" and its["task"] == "er")
    assert (row["tau"], row["reranked"]) == (1.0, {"weak": [2, 3], "constant": [2, 3]})
    print_board(table, BoardFormat.table)
    assert "first on the board good" in capsys.readouterr().out


def stored(folder: Path) -> Experiment:
    return Experiment(
        methods=("constant",), split="internal_cv", cohort="phantom-tiny", store=str(folder), device="cpu"
    )


def test_a_partial_method_is_ranked_at_chance_from_the_store(tmp_path: Path) -> None:
    run_experiment(stored(tmp_path), quiet=True, wanted=Format.json)
    plan = make_plan(stored(tmp_path))
    broken = plan.store.cell_folder(plan.cells[0]) / RECORD
    record = json.loads(broken.read_text())
    record["status"], record["reason"] = "failed", "out of memory"
    write_record(broken.parent, record)
    found = results_of_store(plan.cohort, plan.split, plan.store)
    (apart,), (chance,) = found.methods, at_chance(found).methods
    assert apart.status == "failed: out of memory (1 of 5 cells missing)"
    tested = found.truth.loc[list(plan.split.folds[0].test)]
    assert len(apart.predictions) == sum(len(fold.test) for fold in plan.split.folds[1:]) * len(found.tasks)
    assert chance.imputed == {task.name: tested[task.name].notna().sum() for task in found.tasks}
    whole = [score.value for score in score_results(at_chance(found)) if score.metric.name == "auc"]
    assert whole == [0.5] * len(whole)


def test_cells_of_another_cut_are_listed_with_both_fingerprints_and_not_ranked(tmp_path: Path) -> None:
    run_experiment(stored(tmp_path), quiet=True, wanted=Format.json)
    plan = make_plan(stored(tmp_path))
    other = replace(plan.split, fingerprint="ef" * 32)
    reason = f"run on the split with fingerprint {plan.split.fingerprint[:12]}, which is now efefefefefef"
    with pytest.raises(UsageError, match=f"5 cells are there, not comparable: {reason}; run it again"):
        results_of_store(plan.cohort, other, plan.store)
    for cell in plan.cells[1:]:
        path = plan.store.cell_folder(cell) / RECORD
        record = json.loads(path.read_text())
        record["identity"]["split"], record["method"] = "ef" * 32, "newer"
        write_record(path.parent, record)
    mixed = results_of_store(plan.cohort, other, plan.store)
    newer, refused = mixed.methods
    assert (newer.label, newer.status) == ("newer", "1 of 5 cells missing")
    assert (refused.label, refused.status) == ("constant", f"not comparable: {reason}; run it again")
    assert at_chance(mixed).methods[1] is refused
    with pytest.raises(StoreError, match="cells of two cuts of the split internal_cv, with the fingerprints"):
        export_predictions(plan.cohort, None, plan.store)


def test_duplicated_patients_do_not_narrow_a_rank_set(truth):
    def thrice(table):
        copies = [table.rename(index=lambda its, n=n: f"{its}-{n}") for n in range(3)]
        return pd.concat(copies).rename_axis("case_id")

    def repeated(its):
        rows = [its.predictions.assign(case_id=its.predictions["case_id"] + f"-{n}") for n in range(3)]
        return replace(its, predictions=pd.concat(rows, ignore_index=True))

    methods = [method(name, truth, signal, salt=3) for name, signal in (("a", 1.2), ("b", 0.6), ("c", 0.2))]
    once = by_name(score_results(results(*methods, ceiling=None)))
    many = by_name(score_results(results(*map(repeated, methods), truth=thrice(truth), ceiling=None)))
    assert [many[name].rank_set for name in "abc"] == [once[name].rank_set for name in "abc"]
    assert [many[name].best_share for name in "abc"] == pytest.approx(
        [once[name].best_share for name in "abc"]
    )


def test_the_command_line_ranks_at_chance_and_shows_the_sensitivity(tmp_path: Path) -> None:
    run_experiment(stored(tmp_path), quiet=True, wanted=Format.json)
    broken = make_plan(stored(tmp_path))
    shutil.rmtree(broken.store.cell_folder(broken.cells[0]))
    asked = ["leaderboard", "--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path)]
    apart, chance, other = (
        json.loads(CliRunner().invoke(app, [*asked, "--format", "json", *more]).stdout)
        for more in ([], ["--missing", "chance"], ["--missing", "chance", "--sensitivity"])
    )
    assert {(row["rank"], row["status"]) for row in apart["rows"]} == {(None, "1 of 5 cells missing")}
    assert {row["rank"] for row in chance["rows"]} == {1}
    assert all(row["status"].endswith("cases (1 of 5 cells missing)") for row in chance["rows"])
    assert (other["missing"], other["rows"][0]["board_first"]) == ("chance", ["constant"])
