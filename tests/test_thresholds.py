"""Thresholds come from validation or inner predictions by a stated rule, and from no test case."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score, roc_curve

from bench.cohorts.cohort import Cohort, Task
from bench.config import Experiment, read_experiment
from bench.dry_run import dry_run_rows
from bench.errors import SplitError, UsageError
from bench.experiment import Plan, make_plan, run_experiment
from bench.inner import chosen_thresholds, folds_in_need
from bench.leaderboard import MethodResult, Results, leaderboard, score_results
from bench.listing import Format
from bench.metric_table import metric_table, threshold_rows
from bench.metrics import METRICS
from bench.report import to_csv, to_json, to_markdown
from bench.results import export_predictions, results_of_store
from bench.split import inner_split
from bench.store import RECORD
from bench.thresholds import (
    FEWEST_POSITIVES,
    INNER,
    RULES,
    VALIDATION,
    Judged,
    Threshold,
    candidate_thresholds,
    choose_threshold,
    decisions,
    reaches,
    sensitivity_90,
    youden,
)


def cases(n: int = 80, levels: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.4).astype(float)
    score = 1 / (1 + np.exp(-rng.standard_normal(n) - truth))
    return truth, score if levels is None else np.round(score * levels) / levels


def judged(positives: int, negatives: int = 30) -> Judged:
    rng = np.random.default_rng(positives)
    truth = np.repeat([1.0, 0.0], [positives, negatives])
    return Judged(truth, np.round(rng.random(len(truth)) + truth, 2) / 2)


# The rules.


@pytest.mark.parametrize("levels", [None, 6])
@pytest.mark.parametrize("seed", range(4))
def test_youden_reaches_the_highest_point_above_the_diagonal_of_scikit_learns_curve(levels, seed):
    truth, score = cases(levels=levels, seed=seed)
    false, true, _ = roc_curve(truth, score)
    decided = score >= youden(truth, score)
    gained = recall_score(truth, decided) + recall_score(truth, decided, pos_label=0) - 1
    assert gained == pytest.approx((true - false).max(), abs=1e-12)


@pytest.mark.parametrize("levels", [None, 6])
@pytest.mark.parametrize("seed", range(4))
def test_sensitivity_90_is_the_highest_threshold_that_finds_nine_in_ten(levels, seed):
    truth, score = cases(levels=levels, seed=seed)
    cut = sensitivity_90(truth, score)
    assert recall_score(truth, score >= cut) >= 0.9
    higher = [its for its in candidate_thresholds(score) if its > cut]
    assert all(recall_score(truth, score >= its) < 0.9 for its in higher)


def test_18_of_20_positives_are_nine_in_ten():
    truth, score = np.ones(21), np.arange(21) / 20
    truth[0] = 0
    assert (score[1:] >= sensitivity_90(truth, score)).sum() == 18


def test_a_threshold_lies_midway_between_neighbouring_scores():
    truth, score = np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])
    assert youden(truth, score) == pytest.approx(0.4)
    assert sensitivity_90(truth, score) == pytest.approx(0.4)
    assert candidate_thresholds(np.array([0.6, 0.2, 0.2])).tolist() == pytest.approx([0.2, 0.4])


def test_tied_scores_stay_together():
    truth, score = np.array([0.0, 1, 0, 1]), np.array([0.3, 0.3, 0.7, 0.7])
    for rule in RULES.values():
        assert rule(truth, score) in (pytest.approx(0.3), pytest.approx(0.5))


def test_of_equally_good_thresholds_youden_takes_the_most_sensitive():
    truth, score = np.array([1.0, 0, 1, 0]), np.array([0.2, 0.4, 0.6, 0.1])
    assert youden(truth, score) == pytest.approx(0.15)


@pytest.mark.parametrize("rule", RULES)
def test_a_constant_score_is_called_positive(rule):
    truth, _ = cases()
    assert RULES[rule](truth, np.full(80, 0.37)) == 0.37


@pytest.mark.parametrize("rule", RULES)
def test_scores_that_differ_by_rounding_alone_are_one_score(rule):
    low = 0.3
    high = np.nextafter(low, 1)
    cut = RULES[rule](np.array([0.0, 1]), np.array([low, high]))
    assert reaches(np.array([low, high]), cut).all()


@pytest.mark.parametrize("rule", RULES)
def test_scores_that_differ_by_more_than_rounding_are_told_apart(rule):
    low = 0.3
    high = low * (1 + 1e-9)
    cut = RULES[rule](np.array([0.0, 1]), np.array([low, high]))
    assert reaches(np.array([low, high]), cut).tolist() == [False, True]


@pytest.mark.parametrize("rule", RULES)
def test_a_threshold_follows_an_increasing_transform_in_what_it_decides(rule):
    truth, score = cases()
    assert ((score >= RULES[rule](truth, score)) == (score**3 >= RULES[rule](truth, score**3))).all()


@pytest.mark.parametrize("rule", RULES)
def test_duplicated_cases_and_another_order_change_no_threshold(rule):
    truth, score = cases(levels=20)
    order = np.random.default_rng(1).permutation(80)
    assert RULES[rule](truth[order], score[order]) == RULES[rule](truth, score)
    assert RULES[rule](np.tile(truth, 2), np.tile(score, 2)) == RULES[rule](truth, score)


# Which cases they are chosen on.


def test_twenty_positives_suffice_and_nineteen_need_inner_predictions():
    enough, inner = judged(FEWEST_POSITIVES), judged(150)
    first = choose_threshold("er", 0, 1, "youden", enough, inner)
    assert (first.source, first.positives, first.value) == (VALIDATION, 20, youden(*enough))
    second = choose_threshold("er", 0, 1, "youden", judged(FEWEST_POSITIVES - 1), inner)
    assert (second.source, second.positives, second.value) == (INNER, 150, youden(*inner))


def test_without_inner_predictions_there_is_no_threshold_and_the_reason_is_said():
    found = choose_threshold("er", 0, 1, "youden", judged(16), None)
    assert np.isnan(found.value) and found.source == ""
    assert found.reason == (
        "16 positives in the validation part of fold 1, 20 needed: run with --inner-folds 3"
    )
    without = choose_threshold("er", 0, 1, "youden", judged(30, negatives=0), None)
    assert without.reason.startswith("no negative case in the validation part of fold 1")
    older = choose_threshold("er", 0, 1, "youden", None, None)
    assert older.reason.startswith("no validation predictions are stored for fold 1")
    single = choose_threshold("er", 0, 1, "youden", judged(3), judged(30, negatives=0))
    assert single.reason == "the training part of fold 1 lacks a class"


def test_an_unknown_label_takes_no_part():
    known = judged(25)
    more = Judged(np.append(known.truth, np.nan), np.append(known.score, 0.99))
    assert choose_threshold("er", 0, 0, "youden", more, None) == choose_threshold(
        "er", 0, 0, "youden", known, None
    )


def test_a_prediction_at_its_cells_threshold_is_positive():
    table = pd.DataFrame({"seed": [0, 0, 1], "fold": [0, 1, 0], "prediction": [0.4, 0.4, 0.4]})
    cuts = {(0, 0): 0.4, (0, 1): 0.41, (1, 0): 0.1}
    known = [Threshold("er", *cell, "youden", value, VALIDATION, 20) for cell, value in cuts.items()]
    found, reason = decisions(table, known, "youden")
    assert found["prediction"].tolist() == [1.0, 0.0, 1.0] and reason == ""
    assert decisions(table, known[:2], "youden")[1] == "none was chosen for seed 1, fold 0"
    assert decisions(table, known, "sensitivity_90")[1] == "none was chosen for seed 0, fold 0"


# Inner splits and inner cells.


@pytest.fixture(scope="module")
def planned(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A finished run with inner cells."""
    asked = Experiment(
        methods=("constant", "tumour_size"),
        cohort="phantom-tiny",
        split="internal_cv",
        device="cpu",
        store=str(tmp_path_factory.mktemp("store")),
        inner_folds=2,
    )
    assert run_experiment(asked, quiet=True, wanted=Format.json)
    plan = make_plan(asked, quiet=True)
    assert not plan.missing()
    return plan


def test_an_inner_split_cuts_the_training_part_by_patient_and_touches_nothing_else(planned: Plan):
    cohort, outer = planned.cohort, planned.split
    patient = cohort.table["patient_id"]
    for fold in outer.folds:
        inner = inner_split(cohort, outer, fold.index, 2)
        assert inner.name == f"internal_cv/inner{fold.index}"
        assert sorted(case for its in inner.folds for case in its.test) == sorted(fold.train)
        for its in inner.folds:
            parts = [set(patient.loc[list(part)]) for part in (its.train, its.val, its.test)]
            assert {*its.train, *its.val, *its.test} == set(fold.train) and all(parts)
            assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_an_inner_split_is_the_same_again_and_another_for_other_folds(planned: Plan):
    first, again, other = (inner_split(planned.cohort, planned.split, 0, folds) for folds in (2, 2, 3))
    assert first == again
    assert first.fingerprint != other.fingerprint


def test_an_inner_split_does_not_follow_labels_outside_the_training_part(planned: Plan):
    fold = planned.split.folds[0]
    altered = planned.cohort.table.copy()
    names = [task.name for task in planned.cohort.tasks]
    altered.loc[[*fold.val, *fold.test], names] = np.nan
    found = inner_split(replace(planned.cohort, table=altered), planned.split, 0, 2)
    assert found == inner_split(planned.cohort, planned.split, 0, 2)


def test_more_inner_folds_than_positive_patients_are_refused(planned: Plan):
    with pytest.raises(SplitError, match=r"'internal_cv/inner0' cuts the training cases into 40 folds"):
        inner_split(planned.cohort, planned.split, 0, 40)


def test_inner_cells_are_run_where_validation_is_too_small_and_not_again(planned: Plan):
    assert folds_in_need(planned.cohort, planned.split) == [0, 1, 2, 3, 4][: len(planned.split.folds)]
    assert len(planned.inner_cells) == 2 * 2 * len(planned.split.folds)
    assert {cell.split for cell in planned.inner_cells} == {
        f"internal_cv/inner{fold.index}" for fold in planned.split.folds
    }
    assert len(list(planned.store.folder.rglob(RECORD))) == len(planned.every_cell)


def test_inner_cells_are_no_part_of_results_or_of_exported_predictions(planned: Plan):
    every = export_predictions(planned.cohort, None, planned.store)
    assert set(every["split"]) == {"internal_cv"}
    results = results_of_store(planned.cohort, planned.split, planned.store)
    assert {its.label for its in results.methods} == {"constant", "tumour_size"}


def test_thresholds_come_from_inner_predictions_of_the_training_part(planned: Plan):
    results = results_of_store(planned.cohort, planned.split, planned.store)
    found = next(its for its in results.methods if its.label == "tumour_size").thresholds
    binary = [task.name for task in planned.cohort.tasks if task.kind == "binary"]
    assert len(found) == len(binary) * len(planned.split.folds) * len(RULES)
    assert {its.source for its in found} == {INNER}
    first = next(its for its in found if (its.task, its.fold, its.rule) == ("er", 0, "youden"))
    cells = [
        its for its in planned.inner_cells if (its.split, its.method) == ("internal_cv/inner0", "tumour_size")
    ]
    table = pd.concat([planned.store.predictions(cell) for cell in cells]).query("task == 'er'")
    truth = planned.cohort.table.loc[table["case_id"], "er"].to_numpy(dtype=float)
    known = ~np.isnan(truth)
    assert first.value == youden(truth[known], table["prediction"].to_numpy()[known])
    assert first.positives == (truth == 1).sum()


def test_altered_test_labels_change_no_threshold(planned: Plan):
    cohort, split = planned.cohort, planned.split
    found = [
        (record, folder)
        for folder, record in planned.store.records(cohort.name, split.name)
        if record["method"] == "tumour_size"
    ]
    before = chosen_thresholds(cohort, split, found, planned.store)
    for fold in split.folds:
        altered = cohort.table.copy()
        binary = [task.name for task in cohort.tasks if task.kind == "binary"]
        altered.loc[list(fold.test), binary] = 1 - altered.loc[list(fold.test), binary]
        assert not altered.equals(cohort.table)
        after = chosen_thresholds(replace(cohort, table=altered), split, found, planned.store)
        # A case tested here trains elsewhere, so only this fold's own thresholds are held against it.
        mine = [its for its in before if its.fold == fold.index]
        assert mine and mine == [its for its in after if its.fold == fold.index]


def test_inner_cells_of_another_cut_of_the_split_do_not_count(planned: Plan):
    moved = planned.split.folds[0]
    swapped = replace(moved, train=(*moved.train[1:], moved.test[0]), test=(*moved.test[1:], moved.train[0]))
    other = replace(planned.split, folds=(swapped, *planned.split.folds[1:]))
    found = [
        (record, folder)
        for folder, record in planned.store.records(planned.cohort.name, planned.split.name)
        if record["identity"]["fold"] == 0
    ]
    assert {its.reason != "" for its in chosen_thresholds(planned.cohort, other, found, planned.store)} == {
        True
    }


def test_a_dry_run_counts_the_inner_cells(planned: Plan):
    asked = Experiment(
        methods=("constant", "tumour_size"),
        cohort="phantom-tiny",
        split="internal_cv",
        device="cpu",
        store=str(planned.store.folder),
        inner_folds=2,
    )
    rows = dry_run_rows(asked, quiet=True)
    assert rows[-1]["cells"] == rows[-1]["done"] == len(planned.every_cell)


def test_inner_folds_are_none_or_at_least_two():
    with pytest.raises(UsageError, match="inner folds: expected 0 \\(none\\) or at least 2, got 1"):
        read_experiment(None, {"methods": ["constant"], "inner_folds": 1})


# Decisions on boards and in tables.


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
    score = next(its for its in score_results(by_it) if (its.task, its.method) == (task, "tumour_size"))
    method = next(its for its in stored.methods if its.label == "tumour_size")
    table = method.predictions.query("task == 'er'").set_index("case_id")
    cuts = {its.fold: its.value for its in method.thresholds if (its.task, its.rule) == ("er", "youden")}
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
        methods=tuple(replace(its, thresholds=()) for its in stored.methods),
        metrics={"er": METRICS["mcc"]},
    )
    score = next(its for its in score_results(bare) if its.task.name == "er")
    assert score.rank is None
    assert score.status == "no threshold: none was chosen for seed 0, fold 0"


def test_the_table_of_metrics_has_a_row_a_task_method_and_metric_of_its_kind(stored: Results):
    table = metric_table(stored, tuple(METRICS.values()), draws=50)
    records = json.loads(to_json(table))["rows"]
    wanted = {
        (task.name, method.label, metric.name)
        for task in stored.tasks
        for method in stored.methods
        for metric in METRICS.values()
        if metric.kind == task.kind
    }
    assert {(its["task"], its["method"], its["metric"]) for its in records} == wanted
    by_key = {(its["task"], its["method"], its["metric"]): its for its in records}
    mae = by_key["ki67", "constant", "mae"]
    assert mae["constant"] == mae["value"] == by_key["ki67", "tumour_size", "mae"]["constant"]
    assert by_key["er", "tumour_size", "mcc"]["rule"] == "youden"
    assert to_csv(table).startswith("method,task,metric,unit,value,ci_low,ci_high,constant,n,positives")


def test_the_table_of_metrics_says_why_there_are_no_decisions(stored: Results):
    reason = "16 positives in the validation part of fold 1, 20 needed: run with --inner-folds 3"
    without = Threshold("er", 0, 0, "youden", np.nan, "", 16, reason)
    methods = tuple(
        replace(
            its,
            thresholds=tuple(
                replace(without, fold=one.fold) if one.task == "er" else one for one in its.thresholds
            ),
        )
        for its in stored.methods
    )
    table = metric_table(replace(stored, methods=methods), tuple(METRICS.values()), draws=20)
    said = f"No metrics of decisions for constant er, tumour_size er: {reason}."
    assert said in table.brief and said in table.notes
    shown = {(row["task"].text, row["figure"].text) for row in table.rows}
    assert ("PR", "Sensitivity ↑") in shown and ("ER", "Sensitivity ↑") not in shown
    assert ("ER", "AUC ↑") in shown


def test_a_method_that_failed_has_one_row_a_task(stored: Results):
    nothing = pd.DataFrame(columns=["seed", "fold", "case_id", "task", "prediction"])
    broken = MethodResult("broken", nothing, {}, "failed: out of memory")
    table = metric_table(
        replace(stored, methods=(*stored.methods, broken)), tuple(METRICS.values()), draws=20
    )
    rows = [row for row in table.rows if row["method"].text == "broken"]
    assert [row["value"].text for row in rows] == ["failed: out of memory"] * len(stored.tasks)


def test_the_metric_of_a_task_is_the_declared_one():
    assert Task("er", "binary").metric == "auc" and Task("ki67", "continuous").metric == "mae"
    assert Task("er", "binary", metric="brier").metric == "brier"


def test_the_store_folder_of_an_inner_cell_is_apart_from_that_of_the_split(planned: Plan):
    folders = {path.name for path in (planned.store.folder / "cells" / planned.cohort.name).iterdir()}
    assert {"internal_cv", "internal_cv_inner0"} <= folders
    assert Path(planned.store.folder / "splits").is_dir()
