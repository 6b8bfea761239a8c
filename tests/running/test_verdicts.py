"""Methods from outside pass the contract before they run, once for each code, and the board says so."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.store.store import Store
from tests.command import Ended, bench

PLUGIN = """
from dataclasses import dataclass
import numpy as np
from bench import MethodSpec, hookimpl

@hookimpl
def bench_methods():
    return [MethodSpec(name, f"{__name__}:{name}", "", needs=()) for name in ("Good", "Bad")]

@dataclass
class Good:
    shift: float = 0.5

    def fit(self, train, val, run):
        return self

    def predict(self, cohort):
        return {task.name: np.full(len(cohort), self.shift) for task in cohort.tasks}

@dataclass
class Bad(Good):
    def predict(self, cohort):
        return {task.name: np.linspace(0, 1, len(cohort)) for task in cohort.tasks}
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("BENCH_CONTRACT")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / f"verdicts_{abs(hash(tmp_path))}.py"
    path.write_text(PLUGIN)
    yield path
    sys.modules.pop(path.stem, None)


def run(plugin: Path, *words: str) -> Ended:
    sys.modules.pop(plugin.stem, None)
    importlib.invalidate_caches()
    where = ("--cohort", "phantom-tiny", "--split", "internal", "--store", str(plugin.parent / "runs"))
    return bench("run", "--method", "constant,Good,Bad", "--plugin", str(plugin), *where, *words)


def verdicts(plugin: Path) -> dict[str, str | None]:
    return {record.method: record.contract for _, record in Store(plugin.parent / "runs").records()}


def board(plugin: Path) -> dict[str, str | None]:
    where = ("--cohort", "phantom-tiny", "--split", "internal", "--store", str(plugin.parent / "runs"))
    rows = json.loads(bench("leaderboard", *where, "--format", "json").stdout)["rows"]
    return {row["method"]: row["contract"] for row in rows}


@pytest.mark.slow
def test_a_new_method_is_checked_once_and_the_board_says_what_came_of_it(plugin: Path) -> None:
    first = run(plugin)
    assert "contract of Bad: failed BC04" in first.stderr
    expected = {"constant": None, "Good": "passed", "Bad": "failed BC04"}
    assert verdicts(plugin) == expected == board(plugin)
    again = run(plugin, "--seeds", "1")
    assert "contract of" not in again.stderr
    changed = plugin.read_text().replace("linspace(0, 1,", "linspace(0.5, 0.5,")
    plugin.write_text(changed)
    assert "contract of Bad: its code is new" in run(plugin).stderr


def test_who_wants_no_check_has_it_on_the_record(plugin: Path) -> None:
    assert "contract of" not in run(plugin, "--no-contract").stderr
    assert verdicts(plugin) == {"constant": None, "Good": "not run", "Bad": "not run"} == board(plugin)


def test_status_says_why_cells_are_to_be_run(plugin: Path) -> None:
    run(plugin, "--no-contract")
    store = ("--store", str(plugin.parent / "runs"))
    assert bench("status", *store, "--why", "Good").stdout == "every cell of Good is current\n"
    plugin.write_text(plugin.read_text().replace("shift: float = 0.5", "shift: float = 0.25"))
    sys.modules.pop(plugin.stem)
    rows = json.loads(bench("status", *store, "--why", "Good", "--format", "json").stdout)
    rows = rows["rows"] if isinstance(rows, dict) else rows
    found = {row["what"]: (row["was"], row["is"], row["cells"]) for row in rows}
    assert found["hyperparameter: shift"] == ("0.5", "0.25", 1)
    assert found.keys() == {"hyperparameter: shift", "code that the method's class reaches"}
    assert bench("status", *store, "--why", "Nobody").returncode == 2
