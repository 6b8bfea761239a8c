"""Predictions made elsewhere: checked as strictly as our own, and marked on the board."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.errors import BenchError, UsageError
from bench.inference import Bootstrap
from bench.scoring.scores import score_results
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.splits.split import Split
from bench.store.collect import results_of_store
from bench.store.doubts import doubts
from bench.store.store import Store
from bench.store.submission import submit
from bench.store.submission_file import cut_short, read_predictions


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
        (lambda table: pd.concat([table, table["prediction"]], axis=1), "column 'prediction' is there twice"),
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


def with_values(table: pd.DataFrame, task: str, change: Callable[[np.ndarray], object]) -> pd.DataFrame:
    """The table with the predictions of one task changed."""
    rows = table["task"] == task
    return table.assign(prediction=table["prediction"].where(~rows, change(table["prediction"].to_numpy())))


@pytest.fixture(scope="module")
def plausible(tiny: Cohort, table: pd.DataFrame) -> pd.DataFrame:
    """Predictions of a good method: probabilities that follow the labels, Ki-67 in percentage points."""
    rng = np.random.default_rng(1)
    truth = np.array([tiny.table.loc[row.case_id, row.task] for row in table.itertuples()], dtype=float)
    ki67 = table["task"].to_numpy() == "ki67"
    known = np.where(np.isnan(truth), np.where(ki67, 20.0, 0.5), truth)
    noise = rng.normal(size=len(table))
    values = np.where(ki67, np.clip(known + 8 * noise, 1, 99), 1 / (1 + np.exp(-3 * (known - 0.5) - noise)))
    return table.assign(prediction=values)


def test_predictions_of_some_tasks_have_rows_on_these_and_a_reason_on_the_others(
    tiny: Cohort, split: Split, table: pd.DataFrame, tmp_path: Path
) -> None:
    store = Store(tmp_path / "runs")
    submit(written(table, tmp_path), "all", tiny, split, store)
    some = table[table["task"].isin(["er", "ki67"])]
    submit(written(some, tmp_path), "some", tiny, split, store)
    scores = {
        (score_result.method, score_result.task.name): score_result
        for score_result in score_results(results_of_store(tiny, split, store), Bootstrap(200))
    }
    for task in ("er", "ki67"):
        assert scores["some (submitted)", task].status == "ok"
        assert scores["some (submitted)", task].value == scores["all (submitted)", task].value
    for task in ("pr", "her2"):
        lacking = scores["some (submitted)", task]
        assert lacking.status == "not predicted: it has no prediction of this task" and np.isnan(
            lacking.value
        )
        assert scores["all (submitted)", task].status == "ok"


def test_a_task_is_predicted_for_every_case_and_seed_or_for_none(
    tiny: Cohort, split: Split, table: pd.DataFrame, tmp_path: Path
) -> None:
    of_er = table[table["task"] == "er"]
    uneven = pd.concat([table.assign(seed=0), of_er.assign(seed=1)])
    with pytest.raises(
        UsageError, match=r"lacks .* for the seed 1; every tested case is predicted once, or a"
    ):
        submit(written(uneven, tmp_path), "ours", tiny, split, Store(tmp_path / "runs"))


@pytest.mark.parametrize(
    ("task", "change", "told"),
    [
        (
            "ki67",
            lambda x: x / 100,
            "ki67: predicted from .* known values .* percentage points; multiply by 100",
        ),
        ("er", lambda x: (x > 0.5).astype(float), "er: every prediction is 0 or 1"),
        ("er", lambda x: 1 - x, r"er: AUC 0\.\d+ \[.*\] lies below 0.5; probabilities of the negative class"),
    ],
)
def test_predictions_on_another_scale_are_warned_of_with_the_evidence(
    tiny: Cohort, plausible: pd.DataFrame, task: str, change: Callable[[np.ndarray], object], told: str
) -> None:
    found = doubts(with_values(plausible, task, change).assign(seed=0), tiny)
    assert len(found) == 1 and re.match(told, found[0])


def test_plausible_predictions_raise_no_doubt(
    tiny: Cohort, plausible: pd.DataFrame, table: pd.DataFrame
) -> None:
    assert doubts(plausible.assign(seed=0), tiny) == []
    rounded = plausible.assign(prediction=plausible["prediction"].round(3), seed=0)
    assert doubts(rounded, tiny) == []
    assert doubts(with_values(plausible, "her2", lambda x: np.full_like(x, 0.3)).assign(seed=0), tiny) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda x: np.log(x / (1 - x)), "expected P\\(positive\\), from 0 to 1; logits look so"),
        (lambda x: 100 * x, "expected P\\(positive\\), from 0 to 1; per cent look so: divide by 100"),
    ],
)
def test_a_status_on_another_scale_is_refused_with_the_way_to_convert_it(
    tiny: Cohort,
    split: Split,
    plausible: pd.DataFrame,
    tmp_path: Path,
    change: Callable[[np.ndarray], object],
    told: str,
) -> None:
    path = written(with_values(plausible, "er", lambda x: change(np.clip(x, 1e-6, 1 - 1e-6))), tmp_path)
    with pytest.raises(UsageError, match=told):
        submit(path, "ours", tiny, split, Store(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_the_command_prints_its_doubts(plausible: pd.DataFrame, tmp_path: Path) -> None:
    path = written(with_values(plausible, "ki67", lambda x: x / 100), tmp_path)
    where = ["--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path / "runs")]
    done = CliRunner().invoke(app, ["submit", str(path), "--method", "ours", *where])
    assert done.exit_code == 0 and "warning: " in done.output and "multiply by 100" in done.output


def test_the_rows_of_several_methods_are_refused_by_name(
    tiny: Cohort, split: Split, table: pd.DataFrame, tmp_path: Path
) -> None:
    both = pd.concat([table.assign(method="a"), table.assign(method="b")])
    with pytest.raises(UsageError, match="holds predictions of 2 methods \\(a, b\\); keep the rows of one"):
        submit(written(both, tmp_path), "ours", tiny, split, Store(tmp_path / "runs"))


def test_a_cohort_of_tables_alone_is_scored_on_every_case(
    tiny: Cohort, plausible: pd.DataFrame, tmp_path: Path
) -> None:
    """Nobody learns, so there is no constant predictor's Ki-67 to be better than."""
    folder = tmp_path / "outside"
    folder.mkdir()
    header = (tiny.folder / "cohort.toml").read_text(encoding="utf-8")
    (folder / "cohort.toml").write_text(header.partition("[phantom]")[0], encoding="utf-8")
    cases = pd.read_csv(tiny.folder / "cases.csv", dtype=str, keep_default_na=False)
    cases.drop(columns=["image", "mask"]).to_csv(folder / "cases.csv", index=False)
    rng = np.random.default_rng(2)
    rows = [
        {
            "case_id": case_id,
            "task": task.name,
            "prediction": rng.uniform(5, 40) if task.unit else rng.random(),
        }
        for case_id in cases["case_id"]
        for task in tiny.tasks
    ]
    path = written(pd.DataFrame(rows), tmp_path)
    where = ["--cohort", str(folder), "--split", "all_tested", "--store", str(tmp_path / "runs")]
    for words in (
        ["submit", str(path), "--method", "theirs"],
        ["leaderboard", "--format", "json", "--out", str(tmp_path / "board.json")],
    ):
        done = CliRunner().invoke(app, [*words, *where])
        assert done.exit_code == 0, done.output
    board = {row["task"]: row for row in json.loads((tmp_path / "board.json").read_text())["rows"]}
    for task in tiny.tasks:
        known = pd.to_numeric(cases[task.name]).notna()
        assert board[task.name]["n"] == int(known.sum()) and board[task.name]["status"] == "ok"
    truth = pd.to_numeric(cases.set_index("case_id")["ki67"])
    said = pd.DataFrame(rows).query("task == 'ki67'").set_index("case_id")["prediction"]
    assert board["ki67"]["value"] == pytest.approx((said - truth).abs().mean())
    assert board["ki67"]["constant"] is None


def as_spreadsheets_write(text: str) -> str:
    return "\n".join(line.replace(",", ";").replace(".", ",") for line in text.splitlines()) + "\n"


@pytest.mark.parametrize(
    ("rewritten", "encoding"),
    [
        (as_spreadsheets_write, "utf-8"),
        (lambda text: text.replace("\n", ",\n"), "utf-8"),
        (lambda text: text.replace("\n", ",,,\n").replace("prediction,,,", "prediction", 1), "utf-8"),
        (lambda text: text.replace("\n", "\r\n"), "utf-8-sig"),
        (lambda text: text.replace("\n", "\r"), "utf-8"),
        (lambda text: text.replace(",", " , "), "utf-8"),
        (lambda text: text.replace("\n", "\n\n"), "utf-8"),
        (lambda text: text.removesuffix("\n"), "utf-8"),
    ],
)
def test_a_file_in_another_dialect_is_read_as_meant(
    table: pd.DataFrame, tmp_path: Path, rewritten: Callable[[str], str], encoding: str
) -> None:
    path = written(table, tmp_path)
    sound = read_predictions(path).reset_index(drop=True)
    text = path.read_text(encoding="utf-8")
    path.write_bytes(rewritten(text).encode(encoding))
    assert rewritten(text) != text
    pd.testing.assert_frame_equal(read_predictions(path).reset_index(drop=True), sound)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case_id,task,prediction\na,er,0,25\n", "line 2: 4 cells, expected the 3 of the header; put a cell"),
        ('case_id,task,prediction\na,er,0.5\nb,er,"0,25"\n', "line 3 has the prediction '0,25', expected a"),
        (
            "case_id,task,prediction\n\na,er,0.5\nb,er\n",
            "line 4: 2 cells, expected the 3 of the header; the line is cut off",
        ),
        ("", "is empty; expected a line of column names"),
        ("case_id,task,prediction\na,er,0.5\nb,er,h\x00\n", "line 3"),
    ],
)
def test_a_line_that_can_be_read_in_two_ways_is_refused_by_its_number(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as told:
        read_predictions(path)
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_text_or_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("case_id,task,prediction\nü,er,0.5\n".encode("latin-1"))
    with pytest.raises(UsageError, match="line 2: byte 0xfc is no UTF-8 text"):
        read_predictions(tmp_path / "latin.csv")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_predictions(tmp_path)


def test_a_file_that_is_cut_within_its_last_number_is_doubted(table: pd.DataFrame, tmp_path: Path) -> None:
    path = written(table.assign(prediction=table["prediction"].map("{:.6f}".format)), tmp_path)
    assert cut_short(path) is None
    whole = path.read_text()
    path.write_text(whole.removesuffix("\n"))
    assert cut_short(path) is None
    path.write_text(whole[:-3])
    assert "is the file cut short?" in str(cut_short(path))
