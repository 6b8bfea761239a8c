"""Decisions at thresholds on boards and in tables of metrics."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.inference import Bootstrap
from bench.metrics import METRICS
from bench.predictions.results import MethodResult, Results
from bench.predictions.thresholds import (
    RULES,
    Threshold,
)
from bench.report.board import leaderboard
from bench.report.formats.text import to_csv, to_json, to_markdown
from bench.report.metrics import metric_table, threshold_rows
from bench.running.plan import Plan
from bench.scoring.scores import score_results
from bench.store.collect import results_of_store
from bench.task import Task


@pytest.fixture(scope="module")
def stored(planned: Plan) -> Results:
    return results_of_store(planned.cohort, planned.split, planned.store)


def test_thresholds_are_listed_a_row_a_method_task_seed_fold_and_rule(stored: Results):
    rows = threshold_rows(stored, "sensitivity_90")
    assert list(rows[0]) == [
        *("method", "task", "seed", "fold", "threshold", "rule", "source", "positives", "reason")
    ]
    assert {row["rule"] for row in rows} == {"sensitivity_90"}
    assert len(threshold_rows(stored)) == len(RULES) * len(rows)


def test_a_board_ranked_by_a_metric_of_decisions_scores_the_decisions(stored: Results):
    task = next(task for task in stored.tasks if task.name == "er")
    by_it = replace(stored, metrics={"er": METRICS["balanced_accuracy"]})
    score = next(
        score_result
        for score_result in score_results(by_it)
        if (score_result.task, score_result.method) == (task, "tumour_size")
    )
    method = next(entry for entry in stored.methods if entry.label == "tumour_size")
    table = method.predictions.query("task == 'er'").set_index("case_id")
    cuts = {
        threshold.fold: threshold.value
        for threshold in method.thresholds
        if (threshold.task, threshold.rule) == ("er", "youden")
    }
    decided = table["prediction"] >= table["fold"].map(cuts)
    truth = stored.truth["er"].reindex(table.index)
    known = truth.notna()
    expected = METRICS["balanced_accuracy"].value(
        truth[known].to_numpy(dtype=float), decided[known].to_numpy(dtype=float), None
    )
    assert score.value == pytest.approx(expected)
    assert score.constant == pytest.approx(0.5)
    text = to_markdown(leaderboard(by_it))
    assert "Balanced accuracy ↑" in text and "rule `youden`" in text


def test_without_thresholds_the_reason_stands_in_place_of_the_value(stored: Results):
    bare = replace(
        stored,
        methods=tuple(replace(method, thresholds=()) for method in stored.methods),
        metrics={"er": METRICS["mcc"]},
    )
    score = next(score_result for score_result in score_results(bare) if score_result.task.name == "er")
    assert score.rank is None
    assert score.status == "no threshold: none was chosen for seed 0, fold 0"


def test_the_table_of_metrics_has_a_row_a_task_method_and_metric_of_its_kind(stored: Results):
    table = metric_table(stored, tuple(METRICS.values()), Bootstrap(50))
    records = json.loads(to_json(table))["rows"]
    wanted = {
        (task.name, method.label, metric.name)
        for task in stored.tasks
        for method in stored.methods
        for metric in METRICS.values()
        if metric.kind == task.kind
    }
    assert {(record["task"], record["method"], record["metric"]) for record in records} == wanted
    by_key = {(record["task"], record["method"], record["metric"]): record for record in records}
    mae = by_key["ki67", "constant", "mae"]
    assert mae["constant"] == mae["value"] == by_key["ki67", "tumour_size", "mae"]["constant"]
    assert by_key["er", "tumour_size", "mcc"]["rule"] == "youden"
    assert to_csv(table).startswith("method,task,metric,unit,value,ci_low,ci_high,constant,n,positives")


def test_the_table_of_metrics_says_why_there_are_no_decisions(stored: Results):
    reason = "16 positives in the validation part of fold 1, 20 needed: run with --inner-folds 3"
    without = Threshold("er", 0, 0, "youden", np.nan, "", 16, reason)
    methods = tuple(
        replace(
            method,
            thresholds=tuple(
                replace(without, fold=one.fold) if one.task == "er" else one for one in method.thresholds
            ),
        )
        for method in stored.methods
    )
    table = metric_table(replace(stored, methods=methods), tuple(METRICS.values()), Bootstrap(20))
    said = f"No metrics of decisions for constant er, tumour_size er: {reason}."
    assert said in table.brief and said in table.notes
    shown = {(row["task"].text, row["figure"].text) for row in table.rows}
    assert ("PR", "Sensitivity ↑") in shown and ("ER", "Sensitivity ↑") not in shown
    assert ("ER", "AUC ↑") in shown


def test_a_method_that_failed_has_one_row_a_task(stored: Results):
    nothing = pd.DataFrame(columns=["seed", "fold", "case_id", "task", "prediction"])
    broken = MethodResult("broken", nothing, {}, "failed: out of memory")
    table = metric_table(
        replace(stored, methods=(*stored.methods, broken)), tuple(METRICS.values()), Bootstrap(20)
    )
    rows = [row for row in table.rows if row["method"].text == "broken"]
    assert [row["value"].text for row in rows] == ["failed: out of memory"] * len(stored.tasks)


def test_the_metric_of_a_task_is_the_declared_one():
    assert Task("er", "binary").metric == "auc" and Task("ki67", "continuous").metric == "mae"
    assert Task("er", "binary", metric="brier").metric == "brier"
