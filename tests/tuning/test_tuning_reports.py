"""What boards and commands say of tuned methods."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.boards.snapshot import board_files, freeze, thaw
from bench.cohorts.cohort import Cohort
from bench.report.board import leaderboard
from bench.running.dry_run import dry_run_rows
from bench.running.plan import make_plan
from bench.running.run import run_experiment
from bench.splits.split import Split
from bench.store.collect import results_of_store
from bench.store.store import RECORD
from bench.tuning.overtuning import default_gap, tuned_gap, tuned_methods
from tests.tuning.tunable import bench, experiment


def test_a_board_names_budgets_and_over_tuning(
    store: Path, tiny: Cohort, split: Split, plugin_file: Path, tmp_path: Path
) -> None:
    asked = experiment(store, plugin_file, "constant", "tunable")
    assert not make_plan(asked).missing()
    results = results_of_store(tiny, split, make_plan(asked).store)
    files = board_files(leaderboard(results))
    rows = {row["method"]: row["budget"] for row in csv.DictReader(files["board.csv"].splitlines())}
    assert rows == {"constant": "untuned", "tunable": "default", "tunable[trials=3]": "3 trials"}
    assert "| Fit s | Budget" in files["board.md"] and "Untuned: constant." in files["board.md"]
    (row,) = tuned_methods(results)
    gap, without = tuned_gap(row, results), default_gap(row, results)
    records = [record["tuning"] for record in row.records]
    assert gap.inner == pytest.approx(np.mean([record["inner_best"] for record in records]))
    assert without is not None and without.inner == pytest.approx(
        np.mean([record["inner_default"] for record in records])
    )
    assert f"gap {gap.value:+.3f} (its defaults: " in files["board.md"]
    place = freeze(results, tmp_path)
    assert board_files(leaderboard(thaw(place))) == {
        name: (place / name).read_text(encoding="utf-8") for name in files
    }


def test_a_board_without_tuned_rows_says_nothing_of_budgets(store: Path, tiny: Cohort, split: Split) -> None:
    from bench.store.store import Store

    results = results_of_store(tiny, split, Store(store))
    untuned = replace(
        results, methods=tuple(method for method in results.methods if "trials" not in method.label)
    )
    files = board_files(leaderboard(untuned))
    assert "udget" not in files["board.md"] + files["board.csv"]


def test_tuning_shows_history_parameters_importances_and_figures(store: Path, tmp_path: Path) -> None:
    words = ("tuning", "--method", "tunable", "--split", "internal_cv", "--out", str(tmp_path / "figures"))
    found = json.loads(bench(*words, "--format", "json", store=store))
    assert [row["fold"] for row in found["history"]] == [0, 1, 2, 3, 4]
    assert {"trials", "best_trial", "inner_default", "inner_best", "outer_default", "outer_tuned", "gap"} <= (
        found["history"][0].keys()
    )
    assert len(found["parameters"]) == 6 and found["synthetic"] is True
    pictures = sorted((tmp_path / "figures").iterdir())
    assert [path.name for path in pictures] == ["history.png", "importances.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_a_time_budget_is_marked_as_not_reproducible(plugin_file: Path, tiny: Cohort, tmp_path: Path) -> None:
    asked = experiment(tmp_path, plugin_file, "tunable", split="internal", trials=0, tune_time="1s")
    assert run_experiment(asked, quiet=True).complete
    planned = make_plan(asked)
    record = planned.store.record(planned.cells[1])
    assert record is not None and record.method == "tunable[tune_time=1s]"
    assert record.tuning["reproducible"] is False and record.tuning["trials"] > 1
    board = board_files(leaderboard(results_of_store(tiny, planned.split, planned.store)))["board.md"]
    assert "1s a cell" in board
    assert "Not reproducible, as time set the number of trials: tunable[tune_time=1s]." in board


def test_a_dry_run_counts_the_trials(plugin_file: Path, tmp_path: Path) -> None:
    asked = experiment(tmp_path, plugin_file, "tunable", trials=400)
    default, best, _ = dry_run_rows(asked, quiet=True)
    assert default["cells"] == best["cells"] == 5
    assert best["estimated_from"] == f"{default['estimated_from']}, for 400 trials"
    assert best["seconds"] == pytest.approx(401 * default["seconds"], abs=401)
    assert not list(tmp_path.rglob(RECORD))
