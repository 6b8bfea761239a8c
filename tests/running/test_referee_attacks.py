"""Each way to a test label, or to what lies outside a cell, is shut by the fence, and open without it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.running.fence import landlock
from bench.store.store import Store
from tests.running.attacks import HONEST, NOTES, WAYS

pytestmark = pytest.mark.slow

PLUGIN = Path(__file__).with_name("attacks.py")
WHAT_IT_ASKED_FOR = {
    "reads_cases": "phantom-tiny/cases.csv",
    "names_cases": "phantom-tiny/cases.csv",
    "reads_oracle": "oracles/generator-2/phantom-tiny.csv",
    "calls_generator": "bench/cohorts/phantom/__init__.py",
    "reads_other_cells": "/cells",
    "reads_test_images": "phantom-tiny/images",
    "changes_images": "/cases/images/",
    "asks_the_server": "",
    "asks_the_network": "",
    "leaves_notes": NOTES,
}
# A fence of Python's own does not see other programs, nor know one process from another.
BY_THE_KERNEL_ALONE = {"reads_cases_by_program": "phantom-tiny/cases.csv", "asks_the_run": "/mem"}
# Nothing is there to be found: the process never held it.
FIND_NOTHING = ("searches_memory", "searches_stack")
STEAL_LABELS = ("reads_cases", "reads_cases_by_program", "calls_generator")

Rows = dict[str, tuple[str, str]]


def run(store: Path, fence: str, methods: Sequence[str], *words: str) -> Rows:
    """Status and reason of each method after a run of all of them."""
    asked = ("run", "--executor", "workers", "--method", ",".join(methods), "--plugin", str(PLUGIN))
    place = (
        "--cohort",
        "phantom-tiny",
        "--split",
        "external_frozen",
        "--device",
        "cpu",
        "--store",
        str(store),
    )
    command = [sys.executable, "-m", "bench", *asked, *place, *words]
    ended = subprocess.run(
        command, env={**os.environ, "BENCH_FENCE": fence}, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    found = [record for _, record in Store(store).records()]
    assert {record.sealed for record in found} == {fence}
    return {record.method: (record.status, record.reason) for record in found}


def predicted(store: Path, method: str) -> pd.DataFrame:
    """The predictions of a method in a store."""
    (path,) = store.glob(f"cells/*/*/{method}/*/predictions.parquet")
    return pd.read_parquet(path)


@pytest.fixture(scope="module", params=["kernel", "python"])
def fenced(
    request: pytest.FixtureRequest, tiny: Cohort, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Rows]:
    """A store after a run of every attack behind a fence."""
    if request.param == "kernel" and not landlock.version():
        pytest.skip("this kernel has no Landlock")
    store = tmp_path_factory.mktemp("attacked")
    return request.param, store, run(store, request.param, ["constant", *WAYS])


def test_an_attack_is_stopped_and_its_row_names_what_it_asked_for(fenced: tuple[str, Path, Rows]) -> None:
    fence, _, rows = fenced
    expected = WHAT_IT_ASKED_FOR | (BY_THE_KERNEL_ALONE if fence == "kernel" else {})
    for way, path in expected.items():
        status, reason = rows[way]
        assert status == "failed" and "PermissionError" in reason and path in reason, (way, reason)


def test_no_label_of_a_test_case_is_in_the_process(fenced: tuple[str, Path, Rows]) -> None:
    _, store, rows = fenced
    for way in FIND_NOTHING:
        assert rows[way] == ("ok", "")
        assert set(predicted(store, way)["prediction"]) == {HONEST}


def test_a_method_may_use_what_is_its_own(fenced: tuple[str, Path, Rows]) -> None:
    _, _, rows = fenced
    assert rows["uses_its_own"] == rows["constant"] == ("ok", "")


def test_nothing_of_a_cell_is_left_but_the_cell(fenced: tuple[str, Path, Rows]) -> None:
    _, store, _ = fenced
    assert not list((store / "views").iterdir())


def test_without_a_fence_the_same_methods_have_the_labels(tiny: Cohort, tmp_path: Path) -> None:
    rows = run(tmp_path, "no", ["constant", *STEAL_LABELS, "reads_other_cells", "reads_test_images"])
    for way in STEAL_LABELS:
        assert rows[way] == ("ok", "")
        table = predicted(tmp_path, way)
        truth = np.array([tiny.table.loc[case, task] for case, task in table[["case_id", "task"]].to_numpy()])
        away = np.abs(table["prediction"].to_numpy() - truth)[~np.isnan(truth)]
        assert away.max() <= 0.051  # cases.csv has Ki-67 to 0.1 points
    assert len(set(predicted(tmp_path, "reads_other_cells")["prediction"])) > 1
    assert "AssertionError: read" in rows["reads_test_images"][1]
