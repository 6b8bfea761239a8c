"""Every way in which a method can break hurts its own cell alone, and has a row that says how."""

import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.cohorts.cohort import Cohort
from tests.command import bench
from tests.running.torture import WAYS

pytestmark = pytest.mark.slow

PLUGIN = Path(__file__).with_name("torture.py")
ENDLESS = ("sleeps", "stops_listening")
GOOD = ("constant", "acquisition", "talks")
EXPECTED = {
    "raises": ("failed", "ValueError: no convergence"),
    "segfaults": ("crashed", "signal SIGSEGV"),
    "exits": ("crashed", "exit code 3"),
    "exits_silently": ("crashed", "exit code 0"),
    "leaves": ("failed", "SystemExit: I am done here"),
    "hogs": ("out-of-memory", "over its limit of 1,024 MiB"),
    "hogs_in_a_child": ("out-of-memory", "over its limit of 1,024 MiB"),
    "sleeps": ("timeout", "ran longer than its limit of 8 s"),
    "stops_listening": ("timeout", "ran longer than its limit of 8 s"),
    "returns_nan": ("failed", "values that are not finite"),
    "wrong_shape": ("failed", "expected (20,)"),
    "out_of_range": ("failed", "expected 0 to 1"),
    "writes_to_store": ("failed", "outside the fence of the method, not to be written to"),
}


@pytest.fixture(scope="module")
def tortured(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store after runs of all broken methods beside good ones; the endless ones have their own limit."""
    store = tmp_path_factory.mktemp("tortured")
    methods = ("constant", *WAYS, "acquisition")
    quick = [name for name in methods if name not in ENDLESS]
    for some, limit in ((quick, "300s"), (methods, "8s")):
        ran = bench(
            *("run", "--executor", "workers", "--method", ",".join(some), "--plugin", str(PLUGIN)),
            *("--cohort", "phantom-tiny", "--split", "external_frozen", "--cell-timeout", limit),
            *("--memory-limit", "1g", "--device", "cpu", "--store", str(store)),
        )
        assert ran.returncode == 1 and "Traceback" not in ran.stderr, ran.stderr
    return store


@pytest.fixture(scope="module")
def rows(tortured: Path) -> dict[str, dict[str, Any]]:
    said = json.loads(bench("status", "--store", str(tortured), "--cells", "--format", "json").stdout)
    return {row["method"]: row for row in said}


def test_the_good_methods_are_complete(rows: dict[str, dict[str, Any]]) -> None:
    assert {name: (rows[name]["status"], rows[name]["detail"]) for name in GOOD} == dict.fromkeys(
        GOOD, ("ok", "")
    )
    assert set(rows) == {*EXPECTED, *GOOD}


@pytest.mark.parametrize("way", EXPECTED)
def test_a_bad_method_has_its_status_and_reason(way: str, rows: dict[str, dict[str, Any]]) -> None:
    status, reason = EXPECTED[way]
    assert rows[way]["status"] == status, rows[way]["detail"]
    assert reason in rows[way]["detail"]
    assert any("about to be one that" in line for line in rows[way]["last_log_lines"])


def test_a_crash_leaves_its_signal_and_where_it_was(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["segfaults"]["signal"] == "SIGSEGV"
    assert any("torture.py" in line and "_segfaults" in line for line in rows["segfaults"]["last_log_lines"])
    assert rows["hogs"]["peak_memory_mb"] > 1024


def test_the_board_says_so(tortured: Path) -> None:
    board = bench(
        *("leaderboard", "--store", str(tortured), "--cohort", "phantom-tiny"),
        *("--split", "external_frozen", "--format", "md"),
    ).stdout
    for _, reason in EXPECTED.values():
        assert reason.replace("_", r"\_") in board or reason in board


def test_no_process_is_left_behind(tortured: Path) -> None:
    time.sleep(0.5)
    folders = [process.info["cwd"] or "/" for process in psutil.process_iter(["cwd"])]
    assert not [folder for folder in folders if Path(folder).is_relative_to(tortured)]


def test_the_same_command_again_runs_none_of_them_unless_told_to(tortured: Path) -> None:
    again = bench(
        *("run", "--executor", "workers", "--method", "raises,sleeps,constant", "--plugin", str(PLUGIN)),
        *("--cohort", "phantom-tiny", "--split", "external_frozen", "--device", "cpu", "--retry", "failed"),
        *("--store", str(tortured)),
    )
    assert "[1/1] raises seed 0 fold 0 failed: ValueError: no convergence" in again.stderr
    assert "not run again: 1 timeout; --retry timeout does it" in again.stderr
    assert again.returncode == 1
