"""The commands as a user types them: exit codes, messages, files written."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cohorts.cohort import Cohort
from tests.command import bench


def where(folder: Path) -> tuple[str, ...]:
    return ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(folder))


def test_version_and_help_exit_with_0() -> None:
    assert bench("--version").stdout.startswith("dcebench ")
    assert bench("--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--method", "spatial_mlt"), "did you mean spatial_mtl"),
        (("run", "--method", "constant", "--split", "external_cvv"), "did you mean external_cv"),
        (("run", "--method", "constant", "--cohort", "phantom-rimm"), "did you mean phantom-rim"),
        (("run", "--method", "spatial_mtl", "--set", "epoch=1"), "did you mean epochs"),
        (("run", "--method", "spatial_mtl", "--preset", "gpuu"), "did you mean gpu"),
        (("run", "--method", "constant", "--seeds", "a"), "--seeds expects integers"),
        (("run", "--split", "internal"), "name at least one method"),
        (("run", "--methods", "constant"), "No such option"),
        (("cohort", "make", "phantm"), "did you mean phantom"),
        (("new", "method", "My-Method"), "lower-case Python name"),
    ],
)
def test_what_does_not_exist_is_a_usage_error_with_the_nearest_name(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = bench(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["methods", "splits", "cohorts"])
def test_lists_come_as_json_too(command: str) -> None:
    rows = json.loads(bench(command, "--format", "json").stdout)
    assert all("summary" in row for row in rows)


def test_a_run_says_that_the_cohort_is_synthetic(tmp_path: Path) -> None:
    done = bench("run", "--method", "constant,tumour_size", *where(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "synthetic" in done.stdout.lower()


def test_external_cv_is_called_site_adapted(tmp_path: Path) -> None:
    done = bench(
        *("run", "--method", "constant", "--cohort", "phantom-tiny", "--split", "external_frozen"),
        *("--store", str(tmp_path)),
    )
    assert done.returncode == 0, done.stderr
    assert "external validation" in done.stdout


def test_a_leaderboard_csv_has_a_row_a_method_and_task(finished_store: Path, tmp_path: Path) -> None:
    out = tmp_path / "board.csv"
    done = bench("leaderboard", *where(finished_store), "--format", "csv", "--out", str(out))
    assert done.returncode == 0, done.stderr
    with out.open() as file:
        rows = list(csv.DictReader(file))
    columns = "rank,method,task,metric,value,ci_low,ci_high,n,status,fit_seconds,parameters,"
    columns += "rank_low,rank_high,best_share,patients,against_constant"
    assert list(rows[0]) == columns.split(",")
    assert {(row["method"], row["task"]) for row in rows} == {
        (method, task) for method in ("constant", "tumour_size") for task in ("er", "pr", "her2", "ki67")
    }


def test_a_leaderboard_in_markdown_says_what_it_was_made_from(finished_store: Path) -> None:
    text = bench("leaderboard", *where(finished_store), "--format", "md").stdout
    assert "SYNTHETIC" in text and "constant" in text and "Fingerprint" in text


def test_predictions_are_exported_beside_their_truth(
    finished_store: Path, tmp_path: Path, tiny: Cohort
) -> None:
    out = tmp_path / "predictions.csv"
    done = bench("predictions", "--csv", str(out), *where(finished_store))
    assert done.returncode == 0, done.stderr
    with out.open() as file:
        rows = list(csv.DictReader(file))
    columns = "cohort,split,method,seed,fold,group,site,patient_id,case_id,task,truth,prediction"
    assert list(rows[0]) == columns.split(",")
    row = rows[0]
    truth = tiny.labels(row["task"])[tiny.case_ids.index(row["case_id"])]
    assert row["truth"] == "" if truth != truth else float(row["truth"]) == truth


def test_an_empty_store_is_an_error_that_says_so(tmp_path: Path) -> None:
    done = bench("leaderboard", *where(tmp_path))
    assert done.returncode == 2 and "no finished cell" in done.stderr


@pytest.mark.slow
def test_a_new_method_is_complete_and_passes_its_own_test(tmp_path: Path) -> None:
    assert bench("new", "method", "my_rim", cwd=tmp_path).returncode == 0
    assert len((tmp_path / "my_rim.py").read_text().splitlines()) <= 40
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_rim.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    ran = bench("run", "--method", "my_rim", "--plugin", "my_rim.py", *where(tmp_path / "runs"), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    again = bench("new", "method", "my_rim", cwd=tmp_path)
    assert again.returncode == 2 and "is there already" in again.stderr


def test_an_experiment_file_says_what_to_run(tmp_path: Path) -> None:
    bench("new", "method", "my_core", cwd=tmp_path)
    (tmp_path / "experiment.toml").write_text(
        'methods = ["my_core"]\ncohort = "phantom-tiny"\nsplit = "internal_cv"\n'
        '[set]\nstrength = 10\n[plugins]\nfiles = ["my_core.py"]\n'
    )
    done = bench("run", "--config", "experiment.toml", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "my_core[strength=10]" in done.stdout


def test_a_comparison_comes_as_json_with_its_verdicts(finished_store: Path) -> None:
    done = bench("compare", "tumour_size", "constant", *where(finished_store), "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert {row["task"] for row in rows} == {"er", "pr", "her2", "ki67"}
    assert all(row["verdict"] and row["family"] == "a single comparison" for row in rows)
    wrong = bench("compare", "tumour_sise", "constant", *where(finished_store))
    assert wrong.returncode == 2 and "did you mean tumour_size" in wrong.stderr


def test_methods_are_compared_by_another_metric(finished_store: Path) -> None:
    words = ("compare", "tumour_size", "constant", *where(finished_store), "--format", "json")
    done = bench(*words, "--metric", "average_precision", "--metric", "ki67=rmse")
    assert done.returncode == 0, done.stderr
    rows = {row["task"]: row for row in json.loads(done.stdout)["rows"]}
    assert {task: row["metric"] for task, row in rows.items()} == {
        **dict.fromkeys(("er", "pr", "her2"), "average_precision"),
        "ki67": "rmse",
    }
    wrong = bench(*words, "--metric", "er=rmse")
    assert wrong.returncode == 2 and "metric 'rmse' is for continuous tasks" in wrong.stderr
    decided = bench(*words, "--metric", "sensitivity", "--rule", "sensitivity_90")
    assert decided.returncode == 0, decided.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--missing", "chance"], "--missing"),
        (["--sensitivity", "--columns", "rank,method"], "--sensitivity, --columns"),
        (["--out", "board.md"], "--out"),
        (["--rank-by", "worst_site", "--recalibrate", "0.3"], "--rank-by, --recalibrate"),
    ],
)
def test_what_would_change_a_kept_board_is_refused(
    finished_store: Path, tmp_path: Path, words: list[str], named: str
) -> None:
    done = bench(
        "leaderboard", *where(finished_store), "--freeze", str(tmp_path / "boards"), *words, cwd=tmp_path
    )
    assert done.returncode == 2
    assert (
        f"--freeze keeps the standard board, in its own folder, and does not go with {named};" in done.stderr
    )
    assert "leave out --freeze for a board of your own" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_worst_site_orders_a_board_and_recalibration_needs_a_centre_apart(finished_store: Path) -> None:
    done = bench("leaderboard", *where(finished_store), "--rank-by", "worst_site", "--format", "json")
    rows = {(row["task"], row["method"]): row for row in json.loads(done.stdout)["rows"]}
    assert rows["ki67", "tumour_size"]["worst_site"] in ("A", "B", "C")
    assert rows["er", "tumour_size"]["status"] == "no value: 0 of 3 sites count, expected 2"
    refused = bench("metrics", *where(finished_store), "--recalibrate", "0.3")
    assert refused.returncode == 2 and "internal_cv learns from A, B, C" in refused.stderr


def test_sites_come_with_their_spread(finished_store: Path) -> None:
    done = bench("sites", "--method", "tumour_size,constant", *where(finished_store), "--format", "md")
    assert done.returncode == 0, done.stderr
    assert "within sites" in done.stdout and "all sites" in done.stdout and "worst at" in done.stdout
