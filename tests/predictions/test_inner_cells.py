"""Inner splits and inner cells: they cut the training part alone and give the thresholds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.errors import SplitError, UsageError
from bench.predictions.thresholds import (
    INNER,
    RULES,
    youden,
)
from bench.running.dry_run import dry_run_rows
from bench.running.experiment import Experiment, read_experiment
from bench.running.plan import Plan
from bench.splits.inner import folds_in_need, inner_split
from bench.store.collect import results_of_store
from bench.store.export import export_predictions
from bench.store.inner_thresholds import chosen_thresholds
from bench.store.store import RECORD


def test_an_inner_split_cuts_the_training_part_by_patient_and_touches_nothing_else(planned: Plan):
    cohort, outer = planned.cohort, planned.split
    patient = cohort.table["patient_id"]
    for fold in outer.folds:
        inner = inner_split(cohort, outer, fold.index, 2)
        assert inner.name == f"internal_cv/inner{fold.index}"
        assert sorted(case for entry in inner.folds for case in entry.test) == sorted(fold.train)
        for entry in inner.folds:
            parts = [set(patient.loc[list(part)]) for part in (entry.train, entry.val, entry.test)]
            assert {*entry.train, *entry.val, *entry.test} == set(fold.train) and all(parts)
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
    assert {method.label for method in results.methods} == {"constant", "tumour_size"}


def test_thresholds_come_from_inner_predictions_of_the_training_part(planned: Plan):
    results = results_of_store(planned.cohort, planned.split, planned.store)
    found = next(method for method in results.methods if method.label == "tumour_size").thresholds
    binary = [task.name for task in planned.cohort.tasks if task.kind == "binary"]
    assert len(found) == len(binary) * len(planned.split.folds) * len(RULES)
    assert {entry.source for entry in found} == {INNER}
    first = next(entry for entry in found if (entry.task, entry.fold, entry.rule) == ("er", 0, "youden"))
    cells = [
        inner_cell
        for inner_cell in planned.inner_cells
        if (inner_cell.split, inner_cell.method) == ("internal_cv/inner0", "tumour_size")
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
        if record.method == "tumour_size"
    ]
    before = chosen_thresholds(cohort, split, found, planned.store)
    for fold in split.folds:
        altered = cohort.table.copy()
        binary = [task.name for task in cohort.tasks if task.kind == "binary"]
        altered.loc[list(fold.test), binary] = 1 - altered.loc[list(fold.test), binary]
        assert not altered.equals(cohort.table)
        after = chosen_thresholds(replace(cohort, table=altered), split, found, planned.store)
        # A case tested here trains elsewhere, so only this fold's own thresholds are held against it.
        mine = [entry for entry in before if entry.fold == fold.index]
        assert mine and mine == [entry for entry in after if entry.fold == fold.index]


def test_inner_cells_of_another_cut_of_the_split_do_not_count(planned: Plan):
    moved = planned.split.folds[0]
    swapped = replace(moved, train=(*moved.train[1:], moved.test[0]), test=(*moved.test[1:], moved.train[0]))
    other = replace(planned.split, folds=(swapped, *planned.split.folds[1:]))
    found = [
        (record, folder)
        for folder, record in planned.store.records(planned.cohort.name, planned.split.name)
        if record.fold == 0
    ]
    assert {
        chosen_threshold.reason != ""
        for chosen_threshold in chosen_thresholds(planned.cohort, other, found, planned.store)
    } == {True}


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


def test_the_store_folder_of_an_inner_cell_is_apart_from_that_of_the_split(planned: Plan):
    folders = {path.name for path in (planned.store.folder / "cells" / planned.cohort.name).iterdir()}
    assert {"internal_cv", "internal_cv_inner0"} <= folders
    assert Path(planned.store.folder / "splits").is_dir()
