"""What a trial sees, how it ends, and what comes of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.metrics import roc_auc_score

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, SplitError
from bench.metrics.skill import mean_skill
from bench.running.plan import make_plan
from bench.running.run import run_experiment
from bench.splits.split import Split
from bench.task import Task
from bench.tuning.tune import JOURNAL, load_trials
from tests.tuning.tunable import experiment, task, tuned

# What a trial sees.


def test_what_a_trial_writes_into_its_cases_reaches_no_other(
    plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    study = task(plugin_file, tiny, split, tmp_path)
    first, expected = study.blind(0), study.parts[0].evaluated.blind()
    assert first.is_blind and first.case_ids == expected.case_ids
    first.table["note"] = "of the first trial"
    first.table.iloc[0, 0] = "somebody else"
    assert_frame_equal(study.blind(0).table, expected.table)
    assert_frame_equal(study.parts[0].evaluated.blind().table, expected.table)


@pytest.mark.parametrize("inner_folds", [0, 2])
def test_test_cases_are_out_of_reach(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path, inner_folds: int
) -> None:
    found = tuned(plugin_file, tiny, split, tmp_path, trials=2, inner_folds=inner_folds)
    fold = split.folds[0]
    fits = [(train, val) for folder, train, val in plugin.seen if folder is not None]
    predicted = [(ids, blind) for folder, ids, blind in plugin.seen if folder is None]
    touched = {entry for train, val in fits for entry in (*train, *val)} | {
        name for ids, _ in predicted for name in ids
    }
    assert all(blind for _, blind in predicted)
    if inner_folds:
        assert touched == set(fold.train) and found.record["inner_folds"] == 2
        judged = [name for ids, _ in predicted for name in ids]
        assert sorted(judged) == sorted([*fold.train, *fold.train])
        pairs = zip(fits, predicted, strict=True)
        assert not any(set(ids) & {*train, *val} for (train, val), (ids, _) in pairs)
    else:
        assert touched == {*fold.train, *fold.val}
        assert fits[0] == (fold.train, fold.val) and predicted[0][0] == fold.val


def test_a_trial_that_falls_behind_is_pruned_and_stops(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    found = tuned(plugin_file, tiny, split, tmp_path, trials=12)
    trials = load_trials(tmp_path / JOURNAL)
    pruned = [trial for trial in trials if trial.state.name == "PRUNED"]
    assert pruned and found.record["pruned"] == len(pruned)
    assert all(len(entry.intermediate_values) < 4 for entry in pruned)
    assert all(len(trial.intermediate_values) == 4 for trial in trials if trial.state.name == "COMPLETE")


def test_a_trial_that_raises_is_a_failed_one_and_the_study_goes_on(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ValueError("no convergence")

    plugin.events["trial-0", 0] = plugin.events["trial-2", 1] = fail
    found = tuned(plugin_file, tiny, split, tmp_path, trials=5)
    trials = load_trials(tmp_path / JOURNAL)
    assert [trial.state.name == "FAIL" for trial in trials] == [True, False, True, False, False]
    assert trials[2].user_attrs["reason"] == "ValueError: no convergence"
    assert found.record["failed"] == 2 and found.record["inner_default"] is None


def test_where_no_trial_completes_the_cell_fails_with_the_reason(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ValueError("no convergence")

    plugin.events.update({(f"trial-{number}", 0): fail for number in range(40)})
    with pytest.raises(PluginError, match="none of 10 trials completed; the first: ValueError: no converg"):
        tuned(plugin_file, tiny, split, tmp_path, trials=40)


def test_judged_cases_that_score_no_task_are_refused(
    plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    fold = split.folds[0]
    lone = replace(split, folds=(replace(fold, val=fold.val[:0]), *split.folds[1:]))
    with pytest.raises(SplitError, match="no ranked task can be scored on the 0 cases"):
        tuned(plugin_file, tiny, lone, tmp_path)


# What comes of it.


def test_a_tuned_cell_predicts_as_one_with_these_parameters_fixed(plugin_file: Path, tmp_path: Path) -> None:
    asked = experiment(tmp_path, plugin_file, "tunable", trials=6)
    assert run_experiment(asked, quiet=True).complete
    planned = make_plan(asked)
    assert {entry.method for entry in planned.cells} == {"tunable", "tunable[trials=6]"}
    pairs = [(cell, planned.store.record(cell)) for cell in planned.cells[5:]]
    cell, record = next(pair for pair in pairs if pair[1].tuning["best_trial"] > 0)
    fixed = replace(asked, trials=0, set=record.tuning["params"])
    assert run_experiment(fixed, quiet=True).complete
    again = make_plan(fixed)
    assert_frame_equal(planned.store.predictions(cell), again.store.predictions(again.cells[cell.fold]))
    assert record.fit_seconds >= record.tuning["seconds"] > 0


def test_the_objective_is_the_mean_skill_of_the_ranked_tasks() -> None:
    rng = np.random.default_rng(0)
    ids, fold = [f"c{i}" for i in range(40)], np.arange(40) % 2
    er, ki67 = (rng.random(40) < 0.5).astype(float), rng.uniform(0, 100, 40)
    er[3], ki67[5] = np.nan, np.nan
    truth = pd.DataFrame({"er": er, "ki67": ki67, "lone": 1.0, "aside": ki67}, index=ids)
    tasks = [
        Task("er", "binary"),
        Task("ki67", "continuous"),
        Task("lone", "binary"),
        Task("aside", "continuous", ranked=False),
    ]
    said = {name: rng.random(40) * (1 if name in ("er", "lone") else 100) for name in truth}
    table = pd.concat(
        pd.DataFrame({"case_id": ids, "task": name, "fold": fold, "prediction": values})
        for name, values in said.items()
    )
    constants = {0: {"ki67": 40.0, "aside": 1.0}, 1: {"ki67": 60.0, "aside": 1.0}}
    known = ~np.isnan(er)
    areas, pairs = [], []
    for entry in (0, 1):
        mine = known & (fold == entry)
        areas.append(roc_auc_score(er[mine], said["er"][mine]))
        pairs.append((er[mine] == 1).sum() * (er[mine] == 0).sum())
    constant = np.where(fold == 0, 40.0, 60.0)
    skills = [
        (np.average(areas, weights=pairs) - 0.5) / 0.5,
        1 - np.nanmean(abs(said["ki67"] - ki67)) / np.nanmean(abs(constant - ki67)),
    ]
    assert mean_skill(tasks, truth, table, constants) == pytest.approx(np.mean(skills))
    assert np.isnan(mean_skill(tasks[2:3], truth, table, constants))
    perfect = table.assign(prediction=[truth.loc[row.case_id, row.task] for row in table.itertuples()])
    assert mean_skill(tasks, truth, perfect.fillna(0.0), constants) == pytest.approx(1.0)
