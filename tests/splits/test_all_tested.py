"""The split in which every case is tested: predictions made elsewhere, on a set that nobody learned from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.errors import SplitError
from bench.splits.config import load_split_config
from bench.splits.make import make_split

WHERE = ["--cohort", "phantom-tiny", "--split", "all_tested"]


@pytest.fixture(scope="module")
def store(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two submissions: one that knows something of every label, and one that knows nothing."""
    folder = tmp_path_factory.mktemp("all_tested")
    rng = np.random.default_rng(0)
    for name, known in (("knows", 1.0), ("guesses", 0.0)):
        rows = []
        for task in tiny.tasks:
            scale = 1.0 if task.kind == "binary" else 100.0
            truth = np.nan_to_num(tiny.labels(task.name), nan=0.5 * scale)
            said = 0.3 * known * truth + (1 - 0.3 * known) * scale * rng.random(len(tiny))
            rows += [(case_id, task.name, value) for case_id, value in zip(tiny.case_ids, said, strict=True)]
        pd.DataFrame(rows, columns=["case_id", "task", "prediction"]).to_csv(
            folder / f"{name}.csv", index=False
        )
        called("submit", str(folder / f"{name}.csv"), "--method", name, store=folder / "runs")
    return folder / "runs"


def called(*words: str, store: Path) -> str:
    """What a command that goes well prints."""
    done = CliRunner().invoke(app, [*words, *WHERE, "--store", str(store)])
    assert done.exit_code == 0, done.output
    return done.output


def test_every_case_is_tested_and_none_learned_from(tiny: Cohort) -> None:
    split = make_split(tiny, load_split_config("all_tested"))
    (fold,) = split.folds
    assert (fold.train, fold.val, fold.test) == ((), (), tuple(sorted(tiny.case_ids)))
    assert not split.learns
    assert make_split(tiny, load_split_config("internal")).learns


def test_no_method_is_fitted_on_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["run", "-q", "--method", "constant", *WHERE, "--store", str(tmp_path)])
    assert done.exit_code != 0 and not list(tmp_path.iterdir())
    assert str(done.exception) == (
        "split 'all_tested' tests every case and leaves none to learn from, so no method can be fitted: "
        "submit predictions made elsewhere (`bench submit FILE --split all_tested`), or use another split "
        "(see `bench splits`)"
    )


def test_submissions_are_ranked_on_every_labelled_case(tiny: Cohort, store: Path) -> None:
    rows = json.loads(called("leaderboard", "--format", "json", store=store))["rows"]
    for task in tiny.tasks:
        mine = {row["method"]: row for row in rows if row["task"] == task.name}
        assert mine["knows (submitted)"]["n"] == np.isfinite(tiny.labels(task.name)).sum()
        assert mine["knows (submitted)"]["rank"] == 1
        # An area has the constant .5 whoever says it; what a median would say nobody has learned.
        assert mine["knows (submitted)"]["constant"] == (0.5 if task.kind == "binary" else None)
        assert (mine["knows (submitted)"]["better_by"] is None) == (task.kind != "binary")


def test_every_table_of_submissions_works(store: Path, tmp_path: Path) -> None:
    both = ["knows (submitted)", "guesses (submitted)"]
    assert "knows (submitted) is better than" in called("compare", *both, store=store)
    for words in (
        ["metrics"],
        ["sites", "--method", both[0]],
        ["thresholds"],
        ["leaderboard", "--sensitivity"],
        ["subtypes", "--rule", "receptor_only"],
        ["predictions", "--csv", str(tmp_path / "p.csv")],
    ):
        assert called(*words, store=store)
    assert set(pd.read_csv(tmp_path / "p.csv")["fold"]) == {0}


def test_a_metric_that_needs_a_learned_constant_has_no_value(store: Path) -> None:
    rows = json.loads(called("metrics", "--format", "json", store=store))["rows"]
    skill = [row for row in rows if row["metric"] == "brier_skill"]
    assert skill and all(row["value"] is None for row in skill)
    assert all(row["value"] is not None for row in rows if row["metric"] == "brier")


def test_a_kept_board_verifies(store: Path, tmp_path: Path) -> None:
    called("leaderboard", "--freeze", str(tmp_path / "boards"), store=store)
    done = CliRunner().invoke(app, ["verify", str(tmp_path / "boards")])
    assert done.exit_code == 0, done.output


def test_a_ranked_task_needs_both_classes_among_all_cases(tiny: Cohort) -> None:
    single = replace(tiny, table=tiny.table.assign(er=1.0))
    with pytest.raises(SplitError, match="task 'er' has 0 cases with a negative label among the 68 labelled"):
        make_split(single, load_split_config("all_tested"))
