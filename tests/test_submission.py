"""Predictions made elsewhere: checked as strictly as our own, and marked on the board."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.errors import BenchError, UsageError
from bench.results import results_of_store
from bench.split import Split, load_split_config, make_split
from bench.store import Store
from bench.submission import submit


@pytest.fixture(scope="module")
def split(tiny: Cohort) -> Split:
    return make_split(tiny, load_split_config("internal_cv"))


@pytest.fixture(scope="module")
def table(tiny: Cohort, split: Split) -> pd.DataFrame:
    """A prediction of every tested case of every task."""
    rng = np.random.default_rng(0)
    tested = [(case_id, fold.index) for fold in split.folds for case_id in fold.test]
    rows = [
        {"case_id": case_id, "fold": fold, "task": task.name, "prediction": float(rng.random())}
        for case_id, fold in tested
        for task in tiny.tasks
    ]
    return pd.DataFrame(rows)


def written(table: pd.DataFrame, folder: Path) -> Path:
    path = folder / "predictions.csv"
    table.to_csv(path, index=False)
    return path


def test_submitted_predictions_are_on_the_board_as_they_were_given(
    tiny: Cohort, split: Split, table: pd.DataFrame, tmp_path: Path
) -> None:
    cells = submit(written(table, tmp_path), "ours", tiny, split, Store(tmp_path / "runs"))
    assert len(cells) == len(split.folds)
    (found,) = results_of_store(tiny, split, Store(tmp_path / "runs")).methods
    assert found.label == "ours (submitted)" and found.status == "ok" and found.fit_seconds is None
    both = found.predictions.merge(table, on=["case_id", "task", "fold"], suffixes=("", "_given"))
    assert len(both) == len(table)
    np.testing.assert_array_equal(both["prediction"], both["prediction_given"])


def test_what_bench_predictions_writes_can_be_submitted(tiny: Cohort, tmp_path: Path) -> None:
    where = ["--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path / "runs")]
    csv, said = tmp_path / "p.csv", []
    for words in (
        ["run", "-q", "--method", "tumour_size"],
        ["predictions", "--csv", str(csv)],
        ["submit", str(csv), "--method", "copy"],
        ["submit", str(csv), "--method", "copy"],
        ["leaderboard", "--format", "json", "--out", str(tmp_path / "board.json")],
    ):
        done = CliRunner().invoke(app, [*words, *where])
        assert done.exit_code == 0, done.output
        said.append(done.output)
    assert "in the place of" not in said[2] and "in the place of those submitted before" in said[3]
    rows = json.loads((tmp_path / "board.json").read_text())["rows"]
    values = {(row["task"], row["method"]): row["value"] for row in rows}
    for task in tiny.tasks:
        assert values[task.name, "copy (submitted)"] == values[task.name, "tumour_size"]


def test_without_a_fold_the_right_one_is_found_and_two_seeds_are_two(
    tiny: Cohort, split: Split, table: pd.DataFrame, tmp_path: Path
) -> None:
    bare = table.drop(columns="fold")
    path = written(pd.concat([bare.assign(seed=0), bare.assign(seed=4)]), tmp_path)
    cells = submit(path, "ours", tiny, split, Store(tmp_path / "runs"))
    assert {(cell.seed, cell.fold) for cell in cells} == {(s, f.index) for s in (0, 4) for f in split.folds}


def moved(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(fold=(table["fold"] + (table.index == 0)) % 5)


def set_first(column: str, value: object):
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table = table.astype({column: object})
        table.loc[0, column] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="task"), "expected case_id, task, prediction too"),
        (lambda table: table.iloc[1:], "lacks 1 predictions of fold 0, such as "),
        (lambda table: pd.concat([table, table.iloc[:1]]), "twice for the seed 0, expected once"),
        (moved, "it is tested in fold 0 of internal_cv"),
        (set_first("task", "grade"), "predicts the task 'grade'; phantom-tiny has er, pr, her2, ki67"),
        (set_first("case_id", "nobody"), "predicts 'nobody' and 0 more cases that internal_cv does not test"),
        (set_first("prediction", None), "line 2 has no prediction"),
        (set_first("prediction", 1.5), "values from .* to 1.5 for task 'er', expected 0 to 1"),
        (set_first("prediction", "high"), "line 2 has the prediction 'high', expected a number"),
        (set_first("prediction", "nan"), "lacks 1 predictions of fold 0, such as "),
        (lambda table: table.iloc[:0], "has no row under its header"),
        (
            lambda table: table.assign(seed=0.5),
            "line 2 has the seed '0.5', expected a whole number from 0 on",
        ),
        (lambda table: table.assign(seed=-1), "line 2 has the seed '-1', expected a whole number"),
        (lambda table: table.assign(seed="1e300"), "line 2 has the seed '1e300', expected a whole number"),
        (lambda table: pd.concat([table, table["prediction"]], axis=1), "the column prediction twice"),
        (set_first("prediction", "inf"), "not finite"),
    ],
)
def test_a_file_that_is_not_whole_and_right_is_refused_by_name(
    tiny: Cohort, split: Split, table: pd.DataFrame, tmp_path: Path, change, message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        submit(written(change(table), tmp_path), "ours", tiny, split, Store(tmp_path / "runs"))


def test_a_refused_file_leaves_the_submission_before_it_on_the_board(
    tiny: Cohort, split: Split, table: pd.DataFrame, tmp_path: Path
) -> None:
    store = Store(tmp_path / "runs")
    submit(written(table, tmp_path), "ours", tiny, split, store)
    last = table.index[table["fold"] == table["fold"].max()][-1]
    bad = table.assign(prediction=table["prediction"].where(table.index != last, np.inf))
    with pytest.raises(BenchError, match="not finite"):
        submit(written(bad, tmp_path), "ours", tiny, split, store)
    (found,) = results_of_store(tiny, split, store).methods
    assert found.status == "ok" and len(found.predictions) == len(table)


def test_a_row_without_a_name_is_refused(
    tiny: Cohort, split: Split, table: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="has no name"):
        submit(written(table, tmp_path), " ", tiny, split, Store(tmp_path / "runs"))
