"""Run stores merged: nothing that is there is lost or replaced by something worse."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import UsageError
from bench.store.merge import merge_stores
from bench.store.record import CellRecord
from bench.store.store import FAILED, PREDICTIONS, Store, write_record

WHERE = ["--cohort", "phantom-tiny", "--split", "internal"]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stores, ``a`` with the cell of one method and ``b`` with those of two."""
    folder = tmp_path_factory.mktemp("stores")
    for name, methods in (("a", "constant"), ("b", "constant,clinical")):
        words = ["run", "--method", methods, *WHERE, "--store", str(folder / name), "--executor", "here"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def two(stores: Path, tmp_path: Path) -> tuple[Store, Store]:
    """Copies of the two."""
    for name in "ab":
        shutil.copytree(stores / name, tmp_path / name)
    return Store(tmp_path / "a"), Store(tmp_path / "b")


def constant(store: Store) -> tuple[Path, CellRecord]:
    """Folder and record of the cell of ``constant``."""
    return next((folder, record) for folder, record in store.records() if record.method == "constant")


def test_what_is_lacking_is_taken_and_a_second_time_nothing(two: tuple[Store, Store]) -> None:
    merged = merge_stores(two[0], [two[1]])
    assert (len(merged.taken), len(merged.present)) == (1, 1)
    assert {record.method for _, record in two[0].records()} == {"constant", "clinical"}
    again = merge_stores(two[0], [two[1]])
    assert (len(again.taken), len(again.present)) == (0, 2)
    assert not list((two[0].folder / "work").glob("merged.*"))


def test_the_merged_store_gives_the_board(two: tuple[Store, Store]) -> None:
    done = CliRunner().invoke(app, ["merge", str(two[0].folder), str(two[1].folder)])
    assert done.exit_code == 0 and "1 cells taken" in done.output
    board = CliRunner().invoke(app, ["leaderboard", *WHERE, "--store", str(two[0].folder), "--format", "csv"])
    assert "clinical" in board.output and "constant" in board.output


def test_a_damaged_cell_is_not_taken(two: tuple[Store, Store]) -> None:
    (folder,) = (folder for folder, record in two[1].records() if record.method == "clinical")
    (folder / PREDICTIONS).write_bytes(b"short")
    merged = merge_stores(two[0], [two[1]])
    assert merged.damaged == (folder,) and not merged.taken


def test_another_result_of_a_cell_stays_out(two: tuple[Store, Store]) -> None:
    folder, record = constant(two[1])
    table = pd.read_parquet(folder / PREDICTIONS)
    table.assign(prediction=table["prediction"] / 2).to_parquet(folder / PREDICTIONS, index=False)
    digest = hashlib.sha256((folder / PREDICTIONS).read_bytes()).hexdigest()
    write_record(folder, replace(record, tables={**record.tables, PREDICTIONS: digest}))
    before = pd.read_parquet(constant(two[0])[0] / PREDICTIONS)
    merged = merge_stores(two[0], [two[1]])
    assert merged.different == (folder,)
    pd.testing.assert_frame_equal(pd.read_parquet(constant(two[0])[0] / PREDICTIONS), before)


def test_a_completed_cell_replaces_a_failed_one(two: tuple[Store, Store]) -> None:
    ((folder, record),) = two[0].records()
    write_record(folder, replace(record, status=FAILED, reason="it broke"))
    merge_stores(two[0], [two[1]])
    assert {record.status for _, record in two[0].records()} == {"ok"}


def test_a_folder_that_is_no_store_is_named(two: tuple[Store, Store], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no run store"):
        merge_stores(two[0], [Store(tmp_path / "absent")])
    with pytest.raises(UsageError, match="name another one"):
        merge_stores(two[0], [two[0]])
