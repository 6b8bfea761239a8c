"""What the order of methods owes to choices that could have been others."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.metrics import METRICS
from bench.predictions.ensemble import with_ensembles
from bench.predictions.treatment import Missing
from bench.ranking.sensitivity import sensitivity
from bench.report.board import sensitivity_board
from bench.report.formats.format import BoardFormat
from bench.report.formats.printing import print_board
from bench.report.formats.text import to_json, to_markdown
from bench.scoring.scores import score_results
from tests.example_results import TASKS, by_name, constant, method, results, truth_table
from tests.ranking.partial_methods import found_by


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
    assert not [entry for entry in sensitivity(complete) if entry.choice == "missing results"]


def test_sites_and_seeds_are_choices_where_there_are_several():
    truth = truth_table(n=150, sites=2)
    one = results(method("a", truth, 2.0, seeds=2), method("b", truth, 1.0, salt=1, seeds=2), truth=truth)
    choices = {(entry.choice, entry.alternative) for entry in sensitivity(one) if entry.task == TASKS[0]}
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
    assert {entry.alternative for entry in sensitivity(single) if entry.task == TASKS[0]} == others


def test_the_seed_ensemble_of_the_sensitivity_is_that_of_the_board(truth):
    methods = [method(name, truth, 0.6, salt=salt, seeds=3) for salt, name in enumerate("abcd")]
    ensembles = with_ensembles(results(*methods)).methods[1::2]
    rows = [replace(ensemble, label=ensemble.label[0]) for ensemble in ensembles]
    values = {name: value.value for name, value in by_name(score_results(results(*rows))).items()}
    found = found_by(sensitivity(results(*methods)), "seeds", "ensemble over seeds")
    assert found.first == (max(values, key=values.get),)
    before = [entry.value for entry in by_name(score_results(results(*methods))).values()]
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
        entry.label: rmse(
            truth["ki67"].to_numpy(),
            entry.predictions.query("task == 'ki67'")
            .set_index("case_id")["prediction"][truth.index]
            .to_numpy(),
        )
        for entry in (wild, steady)
    }
    assert found.first == (min(errors, key=errors.get),)


def test_the_sensitivity_table_says_what_changes(partial_results, capsys):
    table = sensitivity_board(partial_results, Missing.apart)
    text = to_markdown(table)
    assert "weak 2→3, constant 2→3" in text
    assert "# Sensitivity of the order: phantom, external_cv" in text
    content = json.loads(to_json(table))
    assert content["missing"] == "apart"
    row = next(
        entry for entry in content["rows"] if entry["alternative"] == "chance" and entry["task"] == "er"
    )
    assert (row["tau"], row["reranked"]) == (1.0, {"weak": [2, 3], "constant": [2, 3]})
    print_board(table, BoardFormat.table)
    assert "first on the board good" in capsys.readouterr().out
