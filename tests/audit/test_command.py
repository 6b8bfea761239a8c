"""``bench audit``: what it prints and writes, and its exit code."""

import json
from pathlib import Path

import pandas as pd
import pytest

from bench.audit.audit import CHECKS
from bench.audit.check import DEEP
from bench.cohorts.cohort import Cohort
from tests.command import bench

WORDS = ("audit", "--cohort", "phantom-tiny", "--split", "internal_cv")


@pytest.fixture
def leaking(tiny: Cohort, tmp_path: Path) -> Path:
    """The small phantom's table in a folder, with a patient who is in both groups."""
    table = pd.read_csv(tiny.folder / "cases.csv").drop(columns=["image", "mask"])
    table.loc[table["group"] == "external", "patient_id"] = table["patient_id"].iloc[0]
    table["receptor"] = 0
    table.to_csv(tmp_path / "cases.csv", index=False)
    tasks = "".join(f'[tasks.{task.name}]\nkind = "{task.kind}"\n' for task in tiny.tasks)
    ignored = [name for name in table if name in tiny.roles]
    columns = f'[columns]\nclinical = ["receptor"]\nignore = {json.dumps(ignored)}\n'
    (tmp_path / "cohort.toml").write_text(f'name = "leaking"\nsynthetic = true\n{tasks}{columns}')
    return tmp_path


def test_every_check_stands_on_the_terminal(tiny: Cohort) -> None:
    ended = bench(*WORDS)
    assert ended.returncode == 0
    assert all(check.code in ended.stdout for check in CHECKS)
    assert "SYNTHETIC" in ended.stdout
    assert f": {DEEP}." in " ".join(ended.stdout.split())


def test_a_store_adds_the_checks_of_results(finished_store: Path) -> None:
    ended = bench(*WORDS, "--store", str(finished_store), "--format", "json")
    verdicts = {row["code"]: row["verdict"] for row in json.loads(ended.stdout)["rows"]}
    assert verdicts["BA012"] == verdicts["BA013"] == verdicts["BA014"] == "pass"
    assert verdicts["BA020"] == "not applicable"


def test_explain_says_what_a_check_means() -> None:
    ended = bench("audit", "--explain", "ba001")
    assert ended.stdout.startswith("BA001: Patient in two parts of a fold (fail)\n")
    assert "patient_id" in ended.stdout
    unknown = bench("audit", "--explain", "BA999")
    assert (unknown.returncode, "unknown check 'BA999'" in unknown.stderr) == (2, True)


def test_without_a_split_the_remedy_is_named() -> None:
    ended = bench("audit")
    assert (ended.returncode, "needs --split" in ended.stderr) == (2, True)


def test_a_leak_sets_the_exit_code_and_is_written(leaking: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.md"
    words = ("audit", "--cohort", str(leaking), "--split", "internal_cv")
    assert bench(*words, "--out", str(out)).returncode == 1
    text = out.read_text(encoding="utf-8")
    assert "BA004 fail. patient 'P-A0001' has " in text
    assert "Remedy: Keep the patient's cases in one group." in text


def test_a_muted_check_is_shown_and_no_failure(leaking: Path) -> None:
    words = ("audit", "--cohort", str(leaking), "--split", "internal_cv", "--format", "json")
    ended = bench(*words, "--mute", "BA004=moved between hospitals")
    row = next(row for row in json.loads(ended.stdout)["rows"] if row["code"] == "BA004")
    assert (row["verdict"], row["muted"], row["found"]) == ("fail", "moved between hospitals", 1)
    assert ended.returncode == 0
    unknown = bench(*words, "--mute", "BA999=none")
    assert (unknown.returncode, "unknown check" in unknown.stderr) == (2, True)


def test_warnings_fail_where_that_is_asked_for(tiny: Cohort, leaking: Path) -> None:
    table = pd.read_csv(tiny.folder / "cases.csv")[
        pd.read_csv(leaking / "cases.csv").columns.drop("receptor")
    ]
    table["receptor"] = table["er"] + pd.Series(range(len(table))) % 7 / 5
    table.to_csv(leaking / "cases.csv", index=False)
    words = ("audit", "--cohort", str(leaking), "--split", "internal_cv")
    assert "BA007  warn" in bench(*words).stdout
    assert [bench(*words).returncode, bench(*words, "--fail-on", "warn").returncode] == [0, 1]
