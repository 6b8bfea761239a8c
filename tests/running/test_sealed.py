"""A fence changes no number, and the record and the board say which one held."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from bench.cohorts.cohort import Cohort
from bench.door.boards import leaderboard
from bench.predictions.results import Results
from bench.running.executors.method_process import _files_named
from bench.running.experiment import read_experiment
from bench.running.fence import landlock
from bench.running.fit_predict import Ended, Outcome
from bench.running.plan import Plan
from bench.running.run import run_experiment
from bench.running.run_cell import Performed, PlannedCell, run_cell
from bench.store.store import OK, PREDICTIONS, VALIDATION, Store

METHODS = ("constant", "tumour_size", "acquisition", "multi_task_cnn")
STRONGEST = "kernel" if landlock.version() else "python"


@pytest.fixture(scope="module")
def run(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Store, Results]]:
    """A store and its results after a run behind the fence, and in this process without one."""

    def ran(executor: str) -> tuple[Store, Results]:
        store = tmp_path_factory.mktemp(executor)
        asked = {"methods": METHODS, "cohort": tiny.name, "split": "external_frozen", "device": "cpu"}
        asked |= {"store": str(store), "executor": executor, "set": {"multi_task_cnn.epochs": 1}}
        outcome = run_experiment(read_experiment(None, asked), quiet=True)
        assert outcome.complete
        return Store(store), outcome.results[0]

    return {executor: ran(executor) for executor in ("workers", "here")}


def test_what_a_method_reports_is_checked_by_the_side_that_holds_the_truth(
    planned: Plan, tmp_path: Path
) -> None:
    cell = planned.every_cell[0]
    found = {task.name: np.full(3, 0.5) for task in planned.cohort.tasks}
    lie = Ended(OK, outcome=Outcome(found, found, 0.0, 0.0, 0.0, 1, None, {}))
    variant, split = planned.variants[cell.method], planned.split_of(cell)
    asked = PlannedCell(cell, variant, planned.cohort, split, Store(tmp_path), planned.compute)
    record = run_cell(asked, lambda *_: None, perform=lambda *_: Performed(lie, "kernel", ()))
    assert (record.status, record.sealed) == ("failed", "kernel")
    assert "returned (3,) for task 'er', expected" in record.reason


def test_a_file_that_a_hyperparameter_names_is_in_reach_unless_it_is_the_cohorts(
    tiny: Cohort, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.touch()
    values = [str(weights), 3, "a" * 5000, "no\0path", ("Rscript", str(tiny.folder / "cases.csv"))]
    assert _files_named(values, (tiny.folder,)) == (weights,)


@pytest.mark.slow
def test_predictions_are_equal_with_and_without_a_fence(run: dict[str, tuple[Store, Results]]) -> None:
    for name in (PREDICTIONS, VALIDATION):
        tables = [
            {record.method: pd.read_parquet(folder / name) for folder, record in run[executor][0].records()}
            for executor in ("workers", "here")
        ]
        assert len(tables[0]) == len(METHODS) and tables[0].keys() == tables[1].keys()
        for method in tables[0]:
            assert_frame_equal(tables[0][method], tables[1][method])


@pytest.mark.slow
def test_the_record_and_the_board_say_which_fence_held(run: dict[str, tuple[Store, Results]]) -> None:
    for executor, fence in (("workers", STRONGEST), ("here", "no")):
        store, results = run[executor]
        assert {record.sealed for _, record in store.records()} == {fence}
        notes = "\n".join(leaderboard(results).notes)
        assert f"Sealed: {fence} (constant, tumour_size, acquisition and multi" in notes
        assert notes.count("Sealed: ") == 1


@pytest.mark.slow
def test_a_board_of_records_without_the_field_says_nothing(run: dict[str, tuple[Store, Results]]) -> None:
    _, results = run["here"]
    earlier = [
        [{key: one[key] for key in one if key != "sealed"} for one in m.records] for m in results.methods
    ]
    pairs = zip(results.methods, earlier, strict=True)
    bare = replace(
        results, methods=tuple(replace(method, records=tuple(records)) for method, records in pairs)
    )
    assert "Sealed" not in "\n".join(leaderboard(bare).notes)
