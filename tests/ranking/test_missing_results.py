"""Methods with missing predictions: imputed, ranked at chance or apart."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import StoreError, UsageError
from bench.predictions.missing import at_chance
from bench.predictions.results import MethodResult
from bench.report.board import leaderboard
from bench.report.formats.text import to_markdown
from bench.running.experiment import Experiment
from bench.running.plan import make_plan
from bench.running.run import run_experiment
from bench.scoring.scores import score_results
from bench.store.collect import results_of_store
from bench.store.export import export_predictions
from bench.store.record import CellRecord
from bench.store.store import RECORD, write_record
from tests.example_results import by_name, constant, method, results
from tests.ranking.partial_methods import without_fold

NOTHING = pd.DataFrame(columns=["seed", "fold", "case_id", "task", "prediction"])


def test_imputation_leaves_complete_methods_as_they_are(partial_results):
    completed = at_chance(partial_results)
    assert completed.methods[:3] == partial_results.methods[:3]
    before, after = (by_name(score_results(entry)) for entry in (partial_results, completed))
    for name in ("good", "weak", "constant"):
        assert after[name].value == pytest.approx(before[name].value)
        assert after[name].interval == pytest.approx(before[name].interval)


def test_what_is_missing_becomes_the_constant_predictor_of_its_fold(partial_results, truth):
    partial = at_chance(partial_results).methods[3]
    whole = method("partial", truth, 3.0, salt=2).predictions
    both = partial.predictions.merge(whole, on=["seed", "fold", "case_id", "task"], suffixes=("", "_whole"))
    assert len(both) == len(whole) == len(partial.predictions)
    kept = both["fold"] != 3
    assert (both["prediction"] == both["prediction_whole"])[kept].all()
    assert set(both.loc[~kept & (both["task"] == "er"), "prediction"]) == {0.6 + 3 / 50}
    assert set(both.loc[~kept & (both["task"] == "ki67"), "prediction"]) == {23.0}


def test_an_imputed_fold_has_an_area_of_one_half(truth):
    alone = without_fold(method("alone", truth, 30.0), 3)
    fold = np.arange(74) % 5
    pairs = [truth["er"][fold == code].sum() * (1 - truth["er"][fold == code]).sum() for code in range(5)]
    score = by_name(score_results(at_chance(results(alone, constant(truth)))))["alone"]
    assert score.value == pytest.approx(1 - pairs[3] / sum(pairs) / 2)
    assert score.n == 74


def test_apart_is_without_rank_and_chance_is_ranked_and_marked(partial_results):
    apart, chance = (score_results(entry) for entry in (partial_results, at_chance(partial_results)))
    reason = "failed: out of memory (1 of 5 cells missing)"
    assert (by_name(apart)["partial"].rank, by_name(apart)["partial"].status) == (None, reason)
    assert [by_name(chance)[name].rank for name in ("good", "partial", "weak", "constant")] == [1, 2, 3, 3]
    assert by_name(chance)["partial"].imputed == 15
    board = leaderboard(at_chance(partial_results))
    assert "partial (imputed at chance for 15 of 74 cases)" in to_markdown(board)
    assert f"partial: imputed at chance for 15 of 74 cases ({reason})." in board.notes
    row = next(record for record in board.records if record["method"] == "partial")
    assert row["status"] == f"imputed at chance for 15 of 74 cases ({reason})"


def test_only_scored_cases_are_counted_as_imputed(truth):
    holes = truth.copy()
    holes.loc[[f"case{number:04d}" for number in (3, 8, 10)], "er"] = np.nan
    partial = without_fold(method("partial", holes, 1.0), 3)
    found = score_results(at_chance(results(partial, constant(holes), truth=holes)))
    assert by_name(found)["partial"].imputed == 13
    assert by_name(found, "ki67")["partial"].imputed == 15


def test_one_failed_seed_is_imputed_for_that_seed_alone(truth):
    both = method("both", truth, 3.0, seeds=2)
    one = replace(both, predictions=both.predictions.query("seed == 0"), seeds=(0, 1), status="failed: x")
    score = by_name(score_results(at_chance(results(one, constant(truth)))))["both"]
    alone = by_name(score_results(results(method("both", truth, 3.0), constant(truth))))["both"]
    assert score.value == pytest.approx((alone.value + 0.5) / 2)
    assert (score.seeds, score.imputed) == (2, 74)


def test_predictions_that_lack_single_cases_are_imputed_too(truth):
    whole = method("sent", truth, 3.0)
    sent = replace(whole, predictions=whole.predictions[whole.predictions["case_id"] != "case0007"])
    board = leaderboard(at_chance(results(sent, constant(truth))))
    row = next(record for record in board.records if record["method"] == "sent")
    assert row["status"] == "imputed at chance for 1 of 74 cases"


def test_a_method_without_any_planned_cell_is_never_imputed(truth):
    declined = MethodResult("declined", NOTHING, status="skipped: needs images")
    failed = MethodResult("failed", NOTHING, status="failed: x", seeds=(0,))
    found = by_name(score_results(at_chance(results(constant(truth), declined, failed))))
    assert (found["declined"].rank, found["declined"].status) == (None, "skipped: needs images")
    assert (found["failed"].rank, found["failed"].value, found["failed"].imputed) == (1, 0.5, 74)


def test_a_case_that_no_method_predicts_is_not_dropped(truth):
    methods = [without_fold(method(name, truth, 3.0, salt=3), 3, label=name) for name in ("a", "b")]
    tested = {case_id: number % 5 for number, case_id in enumerate(truth.index)}
    made = results(*methods, tested=tested)
    assert [score.n for score in score_results(made)] == [74] * 4
    assert [score.imputed for score in score_results(at_chance(made))] == [15, 15, 15, 15]
    incomplete = replace(made, methods=tuple(replace(entry, status="ok") for entry in methods))
    status = by_name(score_results(incomplete))["a"].status
    assert status == "incomplete: no prediction for 15 of 74 cases"


def test_without_constants_nothing_can_be_imputed(truth):
    partial = without_fold(method("partial", truth, 3.0), 3, constants={})
    tested = {case_id: number % 5 for number, case_id in enumerate(truth.index)}
    with pytest.raises(StoreError, match=r"what the baseline predictor says about er in fold 3.*bench run"):
        at_chance(results(partial, tested=tested))


@pytest.mark.parametrize(
    ("made_on", "what"),
    [(("12" * 32, "cd" * 32), "cohort phantom"), (("ab" * 32, "12" * 32), "split external_cv")],
)
def test_a_method_of_another_cohort_or_split_is_refused_with_both_fingerprints(truth, made_on, what):
    ours = replace(method("ours", truth, 1.0), made_on=("ab" * 32, "cd" * 32))
    theirs = replace(method("theirs", truth, 1.0), made_on=made_on)
    now = "abababababab" if what.startswith("cohort") else "cdcdcdcdcdcd"
    message = f"theirs was run on the {what} with the fingerprint 121212121212, this table is about {now}"
    with pytest.raises(StoreError, match=message):
        leaderboard(results(ours, theirs))
    assert len(leaderboard(results(ours)).rows) == 2


def stored(folder: Path) -> Experiment:
    return Experiment(
        methods=("constant",), split="internal_cv", cohort="phantom-tiny", store=str(folder), device="cpu"
    )


def test_a_partial_method_is_ranked_at_chance_from_the_store(tmp_path: Path) -> None:
    run_experiment(stored(tmp_path), quiet=True)
    plan = make_plan(stored(tmp_path))
    broken = plan.store.cell_folder(plan.cells[0]) / RECORD
    record = json.loads(broken.read_text())
    record["status"], record["reason"] = "failed", "out of memory"
    write_record(broken.parent, CellRecord.from_json(record))
    found = results_of_store(plan.cohort, plan.split, plan.store)
    (apart,), (chance,) = found.methods, at_chance(found).methods
    assert apart.status == "failed: out of memory (1 of 5 cells missing)"
    tested = found.truth.loc[list(plan.split.folds[0].test)]
    assert len(apart.predictions) == sum(len(fold.test) for fold in plan.split.folds[1:]) * len(found.tasks)
    assert chance.imputed == {task.name: tested[task.name].notna().sum() for task in found.tasks}
    whole = [score.value for score in score_results(at_chance(found)) if score.metric.name == "auc"]
    assert whole == [0.5] * len(whole)


def test_cells_of_another_cut_are_listed_with_both_fingerprints_and_not_ranked(tmp_path: Path) -> None:
    run_experiment(stored(tmp_path), quiet=True)
    plan = make_plan(stored(tmp_path))
    other = replace(plan.split, fingerprint="ef" * 32)
    reason = f"run on the split with fingerprint {plan.split.fingerprint[:12]}, which is now efefefefefef"
    with pytest.raises(UsageError, match=f"5 cells are there, not comparable: {reason}; run it again"):
        results_of_store(plan.cohort, other, plan.store)
    for cell in plan.cells[1:]:
        path = plan.store.cell_folder(cell) / RECORD
        record = json.loads(path.read_text())
        record["identity"]["split"], record["method"] = "ef" * 32, "newer"
        write_record(path.parent, CellRecord.from_json(record))
    mixed = results_of_store(plan.cohort, other, plan.store)
    newer, refused = mixed.methods
    assert (newer.label, newer.status) == ("newer", "1 of 5 cells missing")
    assert (refused.label, refused.status) == ("constant", f"not comparable: {reason}; run it again")
    assert at_chance(mixed).methods[1] is refused
    with pytest.raises(StoreError, match="cells of two cuts of the split internal_cv, with the fingerprints"):
        export_predictions(plan.cohort, None, plan.store)


def test_the_command_line_ranks_at_chance_and_shows_the_sensitivity(tmp_path: Path) -> None:
    run_experiment(stored(tmp_path), quiet=True)
    broken = make_plan(stored(tmp_path))
    shutil.rmtree(broken.store.cell_folder(broken.cells[0]))
    asked = ["leaderboard", "--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path)]
    apart, chance, other = (
        json.loads(CliRunner().invoke(app, [*asked, "--format", "json", *more]).stdout)
        for more in ([], ["--missing", "chance"], ["--missing", "chance", "--sensitivity"])
    )
    assert {(row["rank"], row["status"]) for row in apart["rows"]} == {(None, "1 of 5 cells missing")}
    assert {row["rank"] for row in chance["rows"]} == {1}
    assert all(row["status"].endswith("cases (1 of 5 cells missing)") for row in chance["rows"])
    assert (other["missing"], other["rows"][0]["board_first"]) == ("chance", ["constant"])
