"""One command runs the benchmarks: every script is in it, limits are judged, and the history is kept."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import SCRIPTS, Script, run
from tests.benchmarks.figure import Figure

PARTS = {"__init__", "__main__", "figure", "made_results"}


def test_every_script_is_run() -> None:
    found = {path.stem for path in (Path(__file__).parent / "benchmarks").glob("*.py")}
    assert found - PARTS == {script.name for script in SCRIPTS}


@pytest.mark.parametrize(
    ("figure", "kept"),
    [
        (Figure("a", "s", 2.0), True),
        (Figure("a", "s", 2.0, limit=2.0), True),
        (Figure("a", "s", 2.1, limit=2.0), False),
        (Figure("a", "s", 2.1, 10.0, "another", 0.2), False),
        (Figure("a", "s", 1.9, 10.0, "another", 0.2), True),
        (Figure("a", "1/s", 90.0, 10.0, "another", 8.0, at_least=True), True),
        (Figure("a", "1/s", 70.0, 10.0, "another", 8.0, at_least=True), False),
    ],
)
def test_a_limit_is_of_the_ratio_where_there_is_a_peer(figure: Figure, kept: bool) -> None:
    assert figure.is_kept is kept
    assert figure.cells[-1] == ("kept" if kept else "MISSED")


def test_a_script_that_fails_and_one_that_lacks_its_data_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    assert run(Script("split_speed", "--no-such-option"), quick=True).status == "failed with 2"
    assert run(Script("combat_sites", needs="BENCH_DATA"), quick=True).status == "left out: needs $BENCH_DATA"
    assert run(Script("kills", None), quick=True).status == "left out: takes minutes"


def test_the_command_prints_a_table_and_adds_to_the_history(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    words = ["--quick", "--only", "split_speed", "--history", str(history)]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks", *words], capture_output=True, text=True, check=False
        )
        assert "split internal of 20000 cases, CPU" in done.stdout
    first, second = (json.loads(line) for line in history.read_text().splitlines())
    assert first["quick"] and second["scripts"][0]["name"] == "split_speed"
    assert first["scripts"][0]["figures"][0]["limit"] == 2.0
