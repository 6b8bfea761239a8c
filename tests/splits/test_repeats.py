"""Repeated cross-validation end to end: cuts of their own, cells that serve every run, what is compared."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.errors import SplitError, UsageError
from bench.inference.resampled_t import nadeau_bengio
from bench.running.monitor import cell_title
from bench.scoring.procedures import compare_procedures, holm, procedure_scores
from bench.splits.config import load_split_config, with_seed
from bench.splits.make import make_split
from bench.splits.repeats import repeated_splits
from bench.store.cell import Cell
from bench.store.collect import results_of_store
from bench.store.store import Store

METHODS = ("constant", "tumour_size")
REPEATS = 3


def called(*words: str) -> str:
    """What a command that goes well prints."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def store(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which one cross-validation ran before its repeats were asked for."""
    folder = tmp_path_factory.mktemp("repeats")
    run(tiny, folder)
    run(tiny, folder, "--repeats", str(REPEATS))
    return folder


def run(cohort: Cohort, store: Path, *more: str) -> str:
    """What a run of the methods prints."""
    asked = ["-m", ",".join(METHODS), "-c", cohort.name, "-s", "internal_cv", "--device", "cpu"]
    return called("run", "-q", *asked, "--store", str(store), "--format", "json", *more)


def test_a_split_with_another_seed_has_a_name_of_its_own(tiny: Cohort, tmp_path: Path) -> None:
    config = load_split_config("internal_cv@3")
    assert (config.name, config.seed, config.protocol) == ("internal_cv@3", 3, "internal_cv")
    assert load_split_config("internal_cv@0") == load_split_config("internal_cv")
    assert make_split(tiny, config).folds == make_split(tiny, load_split_config("internal_cv"), 3).folds
    own = tmp_path / "mine.toml"
    own.write_text('protocol = "internal_cv"\ntitle = "t"\nestimand = "e."\nseed = 5\nfolds = 4\n')
    assert load_split_config(own).name == "mine"
    assert load_split_config(f"{own}@6") == with_seed(load_split_config(own), 6)


def test_repeats_test_every_case_once_each_in_cuts_of_their_own(tiny: Cohort) -> None:
    splits = repeated_splits(tiny, load_split_config("internal_cv"), REPEATS)
    assert [entry.name for entry in splits] == ["internal_cv", "internal_cv@1", "internal_cv@2"]
    assert len({entry.fingerprint for entry in splits}) == REPEATS
    tested = [sorted(case for fold in entry.folds for case in fold.test) for entry in splits]
    assert all(entry == sorted(tiny.table.index[tiny.groups == "internal"]) for entry in tested)
    patients = tiny.table["patient_id"]
    for split in splits:
        for fold in split.folds:
            assert not set(patients[list(fold.test)]) & set(patients[[*fold.train, *fold.val]])


@pytest.mark.parametrize("name", ["internal", "external_cv", "leave_site_out", "external_frozen"])
def test_only_a_cross_validation_of_one_population_is_repeated(tiny: Cohort, name: str) -> None:
    with pytest.raises(SplitError, match="does not cross-validate one population"):
        repeated_splits(tiny, load_split_config(name), 2)
    assert len(repeated_splits(tiny, load_split_config(name), 1)) == 1


def test_no_repeat_is_refused(tiny: Cohort) -> None:
    with pytest.raises(UsageError, match="expected 1"):
        repeated_splits(tiny, load_split_config("internal_cv"), 0)


@pytest.mark.slow
def test_cells_of_an_earlier_run_serve_and_the_mean_over_folds_and_repeats_is_printed(
    tiny: Cohort, store: Path
) -> None:
    folders = {entry.name for entry in (store / "cells" / tiny.name).iterdir()}
    assert folders == {"internal_cv", "internal_cv@1", "internal_cv@2"}
    before = {entry: entry.stat().st_mtime_ns for entry in store.rglob("record.json")}
    assert len(before) == len(METHODS) * REPEATS * 5
    rows = json.loads(run(tiny, store, "--repeats", str(REPEATS)))["rows"]
    assert {entry: entry.stat().st_mtime_ns for entry in store.rglob("record.json")} == before
    assert len(rows) == len(METHODS) * len(tiny.tasks)
    (row,) = (entry for entry in rows if (entry["task"], entry["method"]) == ("ki67", "tumour_size"))
    means = []
    for split in repeated_splits(tiny, load_split_config("internal_cv"), REPEATS):
        (method,) = (
            entry
            for entry in results_of_store(tiny, split, Store(store)).methods
            if entry.label == "tumour_size"
        )
        said = method.predictions[method.predictions["task"] == "ki67"]
        said = said.assign(error=(said["prediction"] - said["case_id"].map(tiny.table["ki67"])).abs())
        means.append(said.groupby("fold")["error"].mean().mean())
    assert row["value"] == pytest.approx(np.mean(means), rel=1e-5)
    assert row["repeat_sd"] == pytest.approx(np.std(means, ddof=1), rel=1e-4)
    assert (row["lowest"], row["highest"]) == pytest.approx((min(means), max(means)), rel=1e-5)
    assert row["n"] == tiny.table.loc[tiny.groups == "internal", "ki67"].notna().sum()


def test_procedures_are_compared_by_the_corrected_resampled_t_test(tiny: Cohort, store: Path) -> None:
    asked = ["compare", *METHODS, "--cohort", tiny.name, "--split", "internal_cv", "--store", str(store)]
    rows = json.loads(called(*asked, "--repeats", str(REPEATS), "--format", "json"))["rows"]
    assert len(rows) == len(tiny.tasks)
    splits = repeated_splits(tiny, load_split_config("internal_cv"), REPEATS)
    scores = procedure_scores([results_of_store(tiny, split, Store(store)) for split in splits], splits)
    errors = {score.method: score.folds for score in scores if score.task.name == "ki67"}
    assert errors["constant"].shape == (REPEATS, 5)
    by_hand = nadeau_bengio(errors["constant"] - errors["tumour_size"], 48 * 0.8, 48 * 0.2).difference
    (row,) = (
        entry
        for entry in rows
        if (entry["task"], entry["first"], entry["second"]) == ("ki67", "constant", "tumour_size")
    )
    assert row["difference"] == pytest.approx(-by_hand.value, rel=1e-5)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        (-by_hand.interval.high, -by_hand.interval.low), 1e-5
    )
    assert row["p"] == pytest.approx(by_hand.p, rel=1e-5)
    assert row["adjusted_p"] >= row["p"]
    assert "procedure" in row["verdict"]
    (against,) = {
        compare_procedure.second.method
        for compare_procedure in compare_procedures(scores, splits, "tumour_size")
    }
    assert against == "tumour_size"


def test_a_repeat_that_did_not_run_is_named(tiny: Cohort, store: Path) -> None:
    asked = ["compare", *METHODS, "--cohort", tiny.name, "--split", "internal_cv", "--store", str(store)]
    done = CliRunner().invoke(app, [*asked, "--repeats", str(REPEATS + 1)])
    assert done.exit_code != 0
    assert f"{tiny.name} and internal_cv@3" in str(done.exception)


def test_one_repeat_can_be_read_as_a_split(tiny: Cohort, store: Path) -> None:
    asked = ["--cohort", tiny.name, "--split", "internal_cv@2", "--store", str(store), "--format", "json"]
    rows = json.loads(called("leaderboard", *asked))["rows"]
    assert {row["method"] for row in rows} == set(METHODS)


def test_the_better_procedure_is_found_and_equal_ones_are_not_told_apart(tiny: Cohort, store: Path) -> None:
    splits = repeated_splits(tiny, load_split_config("internal_cv"), REPEATS)
    scores = procedure_scores([results_of_store(tiny, split, Store(store)) for split in splits], splits)
    ki67 = [score for score in scores if score.task.name == "ki67"]
    noise = np.random.default_rng(0).normal(size=ki67[0].folds.shape)
    verdicts = [
        compare_procedures([ki67[0], replace(ki67[0], method="other", folds=ki67[0].folds + added)], splits)[
            0
        ].verdict
        for added in (0.0, noise - noise.mean(), -5.0, -5.0 + 0.01 * noise)
    ]
    assert verdicts[:2] == ["not separable as procedures over 3 repeats of 5 folds"] * 2
    assert verdicts[2] == "not separable: the same difference in every fold"
    assert verdicts[3].startswith("as a procedure, other is better than") and "5.00 percentage" in verdicts[3]


def test_a_cell_of_a_repeat_is_named_with_its_split() -> None:
    cells = [Cell("c", name, "constant", 2, 0, {}, "id") for name in ("internal_cv", "internal_cv@2")]
    assert [cell_title(cell) for cell in cells] == [
        "constant seed 0 fold 2",
        "constant seed 0 fold 2 of internal_cv@2",
    ]


def test_holms_correction_is_that_of_r() -> None:
    # p.adjust(c(.01, .04, .03, .005), "holm")
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.9])).max() <= 1


def test_folds_are_counted_from_0_wherever_they_are_shown(tiny: Cohort, store: Path, tmp_path: Path) -> None:
    where = ["--cohort", tiny.name, "--split", "internal_cv", "--store", str(store)]
    called("predictions", *where, "--csv", str(tmp_path / "p.csv"))
    stored = sorted(pd.read_csv(tmp_path / "p.csv")["fold"].unique())
    assert stored == [0, 1, 2, 3, 4]
    cells = json.loads(called("status", "--store", str(store), "--cells", "--format", "json"))
    assert sorted({cell["fold"] for cell in cells}) == stored
    thresholds = json.loads(called("thresholds", *where, "--format", "json"))
    assert sorted({threshold["fold"] for threshold in thresholds}) == stored
    split = make_split(tiny, load_split_config("internal_cv"))
    assert [entry.label for entry in split.folds] == [f"internal fold {fold}" for fold in stored]
    asked = ["run", "-m", "constant", "-c", tiny.name, "-s", "internal_cv", "--device", "cpu", "--seeds", "7"]
    said = CliRunner().invoke(app, [*asked, "--store", str(store)]).stderr
    assert [f"constant seed 7 fold {fold} ok" in said for fold in range(6)] == [True] * 5 + [False]
