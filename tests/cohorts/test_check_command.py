"""The commands that meet invalid folders: what they print, refuse, remember and exit with."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bench.cli import main
from bench.cohorts.checking.check import check_folder, load_valid
from bench.cohorts.folder import load_folder
from bench.errors import CohortError
from tests.cohorts.checked_folders import CASES, VIOLATIONS, a_mask, ball, found, put, truncated

Bench = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    """The command line in this process: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_the_command_groups_violations_by_kind_errors_first_and_exits_with_1_where_a_run_would_fail(
    folder: Path, tmp_path: Path, bench: Bench
) -> None:
    code, out, _ = bench("cohort", "check", str(folder))
    assert code == 0 and "a run would take this cohort" in out
    a_mask(ball((8, 3, 20)))(folder)
    for row in (3, 4, 5, 6, 7):
        put(row, "image", "gone.nii.gz")(folder)
    put(2, "er", "7")(folder)
    code, out, _ = bench("cohort", "check", str(folder))
    headings = [line for line in out.splitlines() if line.startswith(("error: ", "warning: "))]
    assert headings == [
        "error: missing file (5)",
        "error: label outside its range (1)",
        "warning: lesion at the border (1)",
    ]
    assert code == 1 and "and 2 more: c6, c7" in out and "expected 0, 1 or empty" in " ".join(out.split())
    as_json = json.loads(bench("cohort", "check", str(folder), "--format", "json")[1])
    assert not as_json["would_run"] and [entry["violations"] for entry in as_json["kinds"]] == [5, 1, 1]
    assert [entry["case"] for entry in as_json["violations"]][:5] == ["c3", "c4", "c5", "c6", "c7"]
    assert bench("cohort", "check", str(folder / "none"))[0] == 2
    for name in ("violations.csv", "violations.json"):
        assert bench("cohort", "check", str(folder), "--out", str(tmp_path / name))[0] == 1
    rows = pd.read_csv(tmp_path / "violations.csv")
    label = rows[rows["kind"] == "label outside its range"].iloc[0]
    assert len(rows) == 7 and (label["line"], label["column"], label["case"]) == (4, "er", "c2")
    assert json.loads((tmp_path / "violations.json").read_text())["violations"] == as_json["violations"]
    code, _, err = bench("cohort", "check", str(folder), "--out", str(tmp_path / "violations.txt"))
    assert code == 2 and "is a .csv or .json file, got 'violations.txt'" in err


def test_what_a_terminal_of_80_columns_shows_of_the_violations_fits(folder: Path, bench: Bench) -> None:
    for rule in ("different grids", "column without a role", "label outside its range"):
        VIOLATIONS[rule][0](folder)
    out = bench("cohort", "check", str(folder))[1]
    assert all(len(line) <= 80 for line in out[: out.index("group ")].splitlines())


def test_a_run_refuses_a_broken_case_and_goes_on_without_it_when_told_to_once(
    folder: Path, tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(1, "image", "gone.nii.gz")(folder)
    where = ("--cohort", str(folder), "--split", "external_frozen", "--store", str(tmp_path / "runs"))
    code, _, err = bench("run", "--method", "constant", *where)
    assert code == 1 and "case 'c1': its image 'gone.nii.gz' is missing" in err and "--skip-broken" in err
    code, out, err = bench("run", "--method", "constant", *where, "--skip-broken")
    assert code == 0 and "left out as invalid: c1: case 'c1': its image 'gone.nii.gz' is missing" in err
    assert "1 broken case(s) left out" in " ".join(out.split())
    (record,) = [json.loads(path.read_text()) for path in tmp_path.rglob("record.json")]
    assert list(record["skipped_cases"]) == ["c1"]
    monkeypatch.setattr("bench.cohorts.checking.check.read_case", _never_read)
    for again in ((), ("--skip-broken",)):
        code, out, _ = bench("leaderboard", *where, *again, "--format", "md")
        assert code == 0 and "1 broken case(s) left out" in out


def _never_read(*_: object) -> None:
    raise AssertionError("images are read again, though the cohort remembers which cases are broken")


def test_the_check_remembers_broken_cases_and_says_which_of_them_are_sound_again(
    folder: Path, bench: Bench
) -> None:
    image = (folder / "c1.nii.gz").read_bytes()
    truncated(folder)
    put(2, "image", "gone.nii.gz")(folder)
    assert not check_folder(folder, quiet=True).would_run
    code, out, _ = bench("cohort", "check", str(folder), "--skip-broken")
    assert code == 0 and "warning: left out (2)" in out and "14 cases, 0 errors" in out
    kept = load_folder(folder)
    assert len(kept) == CASES - 2 and list(kept.skipped_cases) == ["c1", "c2"]
    (folder / "c1.nii.gz").write_bytes(image)
    rules = {violation.case_id: violation.kind for violation in found(folder)}
    assert rules == {"c1": "left out though valid", "c2": "left out"}
    assert load_folder(folder).fingerprint == kept.fingerprint
    (folder / "skipped.csv").write_text("case_id,reason\nc2,gone\n")
    assert len(load_folder(folder)) == CASES - 1 and load_folder(folder).fingerprint != kept.fingerprint


def test_a_list_of_cases_left_out_that_is_none_is_an_error_of_check_and_of_run(folder: Path) -> None:
    (folder / "skipped.csv").write_text("who\nc2\n")
    assert [(violation.kind, violation.severity) for violation in found(folder)] == [("skipped.csv", "error")]
    with pytest.raises(CohortError, match=r"skipped\.csv: expected the columns case_id, reason"):
        load_folder(folder)


def test_a_folder_that_cannot_be_written_is_read_at_every_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(1, "image", "gone.nii.gz")(folder)
    shutil.rmtree(folder / "skipped.csv", ignore_errors=True)
    (folder / f".skipped.csv.{os.getpid()}").mkdir()
    assert list(load_valid(folder, quiet=True).skipped_cases) == ["c1"]
    assert "cannot be written" in capsys.readouterr().err and not (folder / "skipped.csv").exists()


@pytest.mark.parametrize("command", ["leaderboard", "predictions"])
def test_an_empty_store_is_named_without_a_phantom_being_made(
    command: str, tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    more = {"leaderboard": (), "predictions": ("--csv", str(tmp_path / "p.csv"))}[command]
    code, _, err = bench(
        command, "--split", "internal", "--store", str(tmp_path / "runs"), "--cohort", "phantom-tiny@5", *more
    )
    assert code == 2 and "no finished cell of phantom-tiny@5" in err
    assert not (tmp_path / "cache").exists()
