"""A board while a run goes on has the same cases for all of its methods."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.config import Experiment
from bench.errors import UsageError
from bench.experiment import Plan, make_plan, run_experiment
from bench.listing import Format
from bench.partial import on_finished_folds
from bench.results import results_of_store
from bench.scores import score_results


@pytest.fixture
def plan(tiny: Cohort, tmp_path: Path) -> Plan:
    """Two methods, of which the second lacks two folds."""
    asked = Experiment(("constant", "clinical"), "internal_cv", tiny.name, store=str(tmp_path), device="cpu")
    run_experiment(asked, quiet=True, wanted=Format.json)
    found = make_plan(asked)
    for cell in found.cells[-2:]:
        shutil.rmtree(found.store.cell_folder(cell))
    return found


def test_methods_are_ranked_on_the_folds_that_all_have_finished(plan: Plan) -> None:
    whole = results_of_store(plan.cohort, plan.split, plan.store)
    partial = on_finished_folds(whole)
    cases = {case_id for fold in plan.split.folds[:3] for case_id in fold.test}
    assert [set(its.predictions["case_id"]) for its in partial.methods] == [cases, cases]
    assert partial.split == "internal_cv, PARTIAL: folds 0, 1, 2 of 5"
    scores = score_results(partial)
    assert all(its.rank is not None for its in scores)
    assert {its.task.name: its.n for its in scores}["er"] == partial.truth["er"].notna().sum()


def test_complete_results_are_not_touched(plan: Plan) -> None:
    run_experiment(plan.experiment, quiet=True, wanted=Format.json)
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
