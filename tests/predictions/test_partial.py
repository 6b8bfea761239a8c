"""A board while a run goes on has the same cases for all of its methods."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.predictions.partial import on_finished_folds
from bench.running.experiment import Experiment
from bench.running.plan import Plan, make_plan
from bench.running.run import run_experiment
from bench.scoring.scores import score_results
from bench.store.collect import results_of_store


@pytest.fixture(scope="module")
def whole_store(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods with all of their folds."""
    folder = tmp_path_factory.mktemp("whole")
    run_experiment(experiment(folder), quiet=True)
    return folder


def experiment(store: Path) -> Experiment:
    return Experiment(("constant", "clinical"), "internal_cv", "phantom-tiny", store=str(store), device="cpu")


@pytest.fixture
def plan(whole_store: Path, tmp_path: Path) -> Plan:
    """Two methods, of which the second lacks two folds."""
    shutil.copytree(whole_store, tmp_path, dirs_exist_ok=True)
    found = make_plan(experiment(tmp_path))
    assert not found.missing()
    for cell in found.cells[-2:]:
        shutil.rmtree(found.store.cell_folder(cell))
    return found


def test_methods_are_ranked_on_the_folds_that_all_have_finished(plan: Plan) -> None:
    whole = results_of_store(plan.cohort, plan.split, plan.store)
    partial = on_finished_folds(whole)
    cases = {case_id for fold in plan.split.folds[:3] for case_id in fold.test}
    assert [set(method.predictions["case_id"]) for method in partial.methods] == [cases, cases]
    assert partial.split == "internal_cv, PARTIAL: folds 0, 1, 2 of 5"
    scores = score_results(partial)
    assert all(score.rank is not None for score in scores)
    assert {score.task.name: score.n for score in scores}["er"] == partial.truth["er"].notna().sum()


def test_complete_results_are_not_touched(plan: Plan) -> None:
    run_experiment(plan.experiment, quiet=True)
    whole = results_of_store(plan.cohort, plan.split, plan.store)
    assert on_finished_folds(whole) is whole


def test_without_a_shared_fold_there_is_no_board(plan: Plan) -> None:
    for cell in plan.cells[:3]:
        shutil.rmtree(plan.store.cell_folder(cell))
    with pytest.raises(
        UsageError, match=r"no fold is finished by all that have begun \(clinical, constant\)"
    ):
        on_finished_folds(results_of_store(plan.cohort, plan.split, plan.store))


def test_the_command_line_says_that_it_is_partial(plan: Plan) -> None:
    asked = ["leaderboard", "--cohort", plan.cohort.name, "--split", "internal_cv", "--partial"]
    asked += ["--store", str(plan.store.folder)]
    printed = CliRunner().invoke(app, asked).stdout
    assert "PARTIAL: folds 0, 1, 2 of 5" in printed
    board = json.loads(CliRunner().invoke(app, [*asked, "--format", "json"]).stdout)
    assert {row["method"] for row in board["rows"]} == {"constant", "clinical"}
