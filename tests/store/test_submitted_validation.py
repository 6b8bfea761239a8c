"""Validation predictions that come with a submission: thresholds are chosen from them as from our own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.predictions.thresholds import youden
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.splits.split import Split
from bench.store.collect import results_of_store
from bench.store.store import Store
from bench.store.submission import submit
from tests.splits.random_cohorts import random_cohort


@pytest.fixture(scope="module")
def split(tiny: Cohort) -> Split:
    return make_split(tiny, load_split_config("internal_cv"))


def predicted(tiny: Cohort, split: Split, part: str, seed: int = 0) -> pd.DataFrame:
    """Predictions that know something of each label, for the cases of one part of every fold."""
    rng = np.random.default_rng(seed)
    rows = []
    for fold in split.folds:
        for task in tiny.tasks:
            scale = 1.0 if task.kind == "binary" else 100.0
            truth = pd.Series(np.nan_to_num(tiny.labels(task.name), nan=0.5 * scale), index=tiny.case_ids)
            for case_id in getattr(fold, part):
                said = 0.4 * truth[case_id] + 0.6 * scale * rng.random()
                rows.append((case_id, fold.index, task.name, float(said)))
    return pd.DataFrame(rows, columns=["case_id", "fold", "task", "prediction"])


def written(table: pd.DataFrame, file: Path) -> Path:
    table.to_csv(file, index=False)
    return file


def test_thresholds_come_from_the_validation_file(tmp_path: Path) -> None:
    large = random_cohort(0, internal=1000)
    split = make_split(large, load_split_config("internal_cv"))
    test = written(predicted(large, split, "test"), tmp_path / "test.csv")
    judged = predicted(large, split, "val", 1)
    submit(test, "ours", large, split, Store(tmp_path / "with"), written(judged, tmp_path / "val.csv"))
    submit(test, "ours", large, split, Store(tmp_path / "without"))
    (found,) = results_of_store(large, split, Store(tmp_path / "with")).methods
    (bare,) = results_of_store(large, split, Store(tmp_path / "without")).methods
    assert all(threshold.reason for threshold in bare.thresholds)
    truth = pd.Series(large.labels("er"), index=large.case_ids).dropna()
    chosen = [
        threshold
        for threshold in found.thresholds
        if threshold.task == "er" and threshold.rule == "youden" and threshold.source == "validation"
    ]
    assert len(chosen) == len(split.folds)
    for threshold in chosen:
        mine = judged[(judged["task"] == "er") & (judged["fold"] == threshold.fold)]
        mine = mine[mine["case_id"].isin(truth.index)]
        expected = youden(truth[mine["case_id"]].to_numpy(), mine["prediction"].to_numpy())
        assert threshold.value == pytest.approx(expected)


def test_the_command_takes_the_file(tiny: Cohort, split: Split, tmp_path: Path) -> None:
    test = written(predicted(tiny, split, "test"), tmp_path / "test.csv")
    val = written(predicted(tiny, split, "val"), tmp_path / "val.csv")
    where = ["--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path / "runs")]
    words = ["submit", str(test), "--method", "ours", "--validation", str(val), *where]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(app, ["thresholds", *where, "--format", "json"])
    assert "positives in the validation part of fold 0, 20 needed" in shown.output


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda table: table.iloc[1:], "every validation case is predicted once"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "twice in fold"),
        (lambda table: table.assign(case_id="stranger"), "validates on 'stranger'"),
        (lambda table: table.assign(fold=(table["fold"] + 1) % 5), "does not validate on"),
        (lambda table: table.assign(task="grade"), "predicts the task 'grade'"),
    ],
)
def test_a_validation_file_with_faults_is_refused_and_nothing_is_stored(
    tiny: Cohort, split: Split, tmp_path: Path, change: object, expected: str
) -> None:
    assert callable(change)
    test = written(predicted(tiny, split, "test"), tmp_path / "test.csv")
    val = written(change(predicted(tiny, split, "val")), tmp_path / "val.csv")
    with pytest.raises(UsageError, match=expected):
        submit(test, "ours", tiny, split, Store(tmp_path / "runs"), val)
    assert not list((tmp_path / "runs").rglob("*.parquet"))


def test_without_a_column_fold_a_case_of_several_folds_is_named(
    tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    several = [case for fold in split.folds for case in fold.val]
    assert len(set(several)) < len(several)
    test = written(predicted(tiny, split, "test"), tmp_path / "test.csv")
    val = written(predicted(tiny, split, "val").drop(columns="fold"), tmp_path / "val.csv")
    with pytest.raises(UsageError, match="no column fold"):
        submit(test, "ours", tiny, split, Store(tmp_path / "runs"), val)
