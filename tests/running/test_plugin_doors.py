"""A cohort in one file and a split of a plugin, through every command that takes their names."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from bench.running.fence import landlock
from tests.cohorts.planted_sources import CASES
from tests.command import Ended, bench

pytestmark = pytest.mark.slow

PLUGIN = """
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import CohortSpec, MethodSpec, SplitSpec, hookimpl
from tests.cohorts.planted_sources import Exams
from tests.splits.planted_splits import by_column, halves

FILE = Path(__file__).parent / "exam_store" / "exams.json"


@hookimpl
def bench_cohorts():
    return [CohortSpec("exams", f"{__name__}:Exams", "Exams", files=("exam_store/exams.json",))]


@hookimpl
def bench_splits():
    words = ("Two halves", "Accuracy here.")
    return [SplitSpec("halves", f"{__name__}:halves", *words, one_population=True)]


@hookimpl
def bench_methods():
    return [
        MethodSpec("peeks", f"{__name__}:Peeks", "Reads the file of the cohort", needs=()),
        MethodSpec("breaks", f"{__name__}:Breaks", "Fails", needs=()),
        MethodSpec("looks", f"{__name__}:Looks", "Reads whole images"),
    ]


@dataclass
class Peeks:
    def fit(self, train, val, run):
        FILE.read_text()
        return self

    def predict(self, cohort):
        return {task.name: np.full(len(cohort), 0.5) for task in cohort.tasks}


@dataclass
class Looks:
    def fit(self, train, val, run):
        self.mean = np.mean([train.volume(case).array("image").mean() for case in train.case_ids])
        return self

    def predict(self, cohort):
        means = [cohort.volume(case).array("image").mean() for case in cohort.case_ids]
        brighter = np.array([mean > self.mean for mean in means], float)
        return {task.name: 0.25 + brighter / 2 for task in cohort.tasks}


@dataclass
class Breaks(Peeks):
    def fit(self, train, val, run):
        raise RuntimeError("no reason")
"""
WHERE = ("--cohort", "exams", "--split", "halves", "--plugin", "doors_plugin.py")


@pytest.fixture(scope="module")
def folder(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin, its file of cases, and a store of finished cells."""
    folder = tmp_path_factory.mktemp("author")
    (folder / "doors_plugin.py").write_text(PLUGIN)
    # A package, whose files a method may read, as it may read the modules beside its plugin.
    (folder / "exam_store").mkdir()
    (folder / "exam_store" / "__init__.py").touch()
    (folder / "exam_store" / "exams.json").write_text(json.dumps({f"e{at}": at for at in range(CASES)}))
    done = asked(
        folder, "run", "--method", "constant,tumour_size,looks,peeks", *WHERE, "--executor", "workers"
    )
    assert done.returncode == 1, done.stderr
    return folder


def asked(folder: Path, *words: str) -> Ended:
    return bench(*words, cwd=folder)


def test_methods_run_sealed_on_a_source_and_cannot_read_what_it_is_read_from(folder: Path) -> None:
    run = ("run", "--method", "looks,peeks", *WHERE, "--executor", "workers", "--store", "sealed")
    assert asked(folder, *run).returncode == (1 if landlock.version() else 0)
    cells = json.loads(asked(folder, "status", "--store", "sealed", "--cells", "--format", "json").stdout)
    ended = {(cell["method"], cell["status"]) for cell in cells}
    assert ("looks", "ok") in ended
    if landlock.version():
        assert ("peeks", "failed") in ended
        told = [str(cell) for cell in cells if cell["method"] == "peeks"]
        assert len(told) == 2 and all("PermissionError" in text and "exams.json" in text for text in told)


def test_a_failed_cell_says_in_which_line_and_where_its_log_is(folder: Path) -> None:
    told = asked(folder, "run", "--method", "breaks", *WHERE, "--store", "broken").stderr
    plugin = folder / "doors_plugin.py"
    line = plugin.read_text().splitlines().index('        raise RuntimeError("no reason")') + 1
    assert told.count(f"    at {plugin}:{line} in fit\n") == 2
    logs = [line.partition("log: ")[2] for line in told.splitlines() if "log: " in line]
    assert len(logs) == 2 and all("RuntimeError: no reason" in (folder / log).read_text() for log in logs)


@pytest.mark.parametrize(
    "words",
    [
        ("leaderboard", *WHERE),
        ("metrics", *WHERE),
        ("compare", "constant", "tumour_size", *WHERE),
        ("thresholds", *WHERE),
        ("sites", "--method", "tumour_size", *WHERE),
        ("report", *WHERE, "--out", "report.html"),
        ("cases", "--task", "er", "--method", "tumour_size", *WHERE),
        ("predictions", "--csv", "predictions.csv", "--cohort", "exams", "--plugin", "doors_plugin.py"),
        ("export", *WHERE, "--out", "exported", "--size", "16", "--spacing", "4"),
        ("audit", *WHERE, "--store", "runs", "--mute", "BA010=sixteen cases"),
        ("case", "e3", "--cohort", "exams", "--plugin", "doors_plugin.py", "--out", "case.png"),
        ("cohort", "describe", "exams", "--plugin", "doors_plugin.py"),
        ("cohort", "check", "exams", "--plugin", "doors_plugin.py"),
        ("run", "--dry-run", "--method", "tumour_size", *WHERE),
        ("status", "--why", "tumour_size"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_command_takes_the_names_that_a_plugin_offers(words: tuple[str, ...], folder: Path) -> None:
    done = asked(folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "broken" not in done.stderr


def test_lists_show_what_a_plugin_offers(folder: Path) -> None:
    for command, name in (("splits", "halves"), ("cohorts", "exams")):
        rows = json.loads(asked(folder, command, "--plugin", "doors_plugin.py", "--format", "json").stdout)
        (row,) = [row for row in rows if row[command.removesuffix("s")] == name]
        assert row["plugin"].endswith("doors_plugin.py")


def test_predictions_made_elsewhere_are_submitted(folder: Path) -> None:
    done = asked(folder, "export", *WHERE, "--out", "elsewhere", "--size", "16", "--spacing", "4")
    assert done.returncode == 0, done.stderr
    folds = pd.read_csv(folder / "elsewhere" / "folds.csv")
    tested = folds[folds["part"] == "test"]
    rows = [
        {"case_id": case, "fold": fold, "task": task, "prediction": 0.4}
        for case, fold in zip(tested["case_id"], tested["fold"], strict=True)
        for task in ("er", "ki67")
    ]
    pd.DataFrame(rows).to_csv(folder / "theirs.csv", index=False)
    done = asked(folder, "submit", "theirs.csv", "--method", "theirs", *WHERE)
    assert done.returncode == 0, done.stderr
    assert "theirs" in asked(folder, "leaderboard", *WHERE).stdout


def test_a_cell_of_a_frozen_board_is_run_again(folder: Path) -> None:
    done = asked(folder, "leaderboard", *WHERE, "--freeze", "boards")
    assert done.returncode == 0, done.stderr
    board = next((folder / "boards").rglob("board.md")).parent.relative_to(folder)
    done = asked(folder, "verify", str(board), "--rerun", "tumour_size:0:1", "--plugin", "doors_plugin.py")
    assert done.returncode == 0 and "equal" in done.stdout, done.stdout + done.stderr


def test_without_the_plugin_the_name_is_unknown_and_the_remedy_is_told(folder: Path) -> None:
    done = asked(folder, "leaderboard", "--cohort", "exams", "--split", "halves")
    assert done.returncode == 2 and "unknown split 'halves'" in done.stderr


def test_a_changed_case_is_another_cohort_and_a_changed_comment_is_not(folder: Path) -> None:
    """Comes last: it changes the file of the cases."""
    why = ("status", "--why", "tumour_size")
    plugin, file = folder / "doors_plugin.py", folder / "exam_store" / "exams.json"
    plugin.write_text(plugin.read_text().replace("FILE = ", "# Where the cases lie.\nFILE = "))
    assert "every cell of tumour_size is current" in asked(folder, *why).stdout
    file.write_text(json.dumps({f"e{at}": at + (at == 3) for at in range(CASES)}))
    os.utime(file, (1, 1))
    assert "fingerprint of the cohort" in asked(folder, *why).stdout
