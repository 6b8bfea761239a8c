"""The store gives back what was written whole, and nothing else."""

import json
import resource
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import StoreError
from bench.running.dry_run import dry_run_rows
from bench.running.experiment import Experiment
from bench.running.plan import Plan, make_plan
from bench.running.run import run_experiment
from bench.running.run_cell import opening_record
from bench.store.collect import results_of_store
from bench.store.record import CellRecord
from bench.store.store import CRASHED, LOG, OK, PREDICTIONS, RECORD, VALIDATION, write_record


def experiment(store: Path) -> Experiment:
    methods, split = ("constant",), "internal_cv"
    return Experiment(methods, split, "phantom-tiny", store=str(store), device="cpu")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan that has run."""
    assert run_experiment(experiment(tmp_path), quiet=True).complete
    return make_plan(experiment(tmp_path))


def cut_record(folder: Path) -> None:
    text = (folder / RECORD).read_text()
    (folder / RECORD).write_text(text[: len(text) // 2])


def edit_record(folder: Path) -> None:
    record = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps(record | {"fit_seconds": 1.5}))


def cut_predictions(folder: Path) -> None:
    path = folder / PREDICTIONS
    path.write_bytes(path.read_bytes()[:-10])


def swap_predictions(folder: Path) -> None:
    (folder / PREDICTIONS).write_bytes((folder / VALIDATION).read_bytes())


def write_year(folder: Path) -> None:
    """An end that is no time, with a checksum that holds."""
    record = CellRecord.from_json(json.loads((folder / RECORD).read_text()))
    write_record(folder, replace(record, ended="2026"))


@pytest.mark.parametrize("damage", [cut_record, edit_record, cut_predictions, swap_predictions, write_year])
def test_a_damaged_cell_is_no_result_is_quarantined_and_runs_again(
    plan: Plan, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    damage(plan.store.cell_folder(plan.cells[2]))
    assert plan.missing() == [plan.cells[2]]
    (row,) = results_of_store(plan.cohort, plan.split, plan.store).methods
    assert row.status == "1 of 5 cells missing"
    assert run_experiment(experiment(tmp_path), quiet=True).complete
    assert not plan.missing()
    (away,) = (tmp_path / "damaged").iterdir()
    assert (away / LOG).is_file()


def test_an_ended_cell_leaves_nothing_in_work_and_claims(plan: Plan, tmp_path: Path) -> None:
    assert not list((tmp_path / "work").iterdir())
    assert not list((tmp_path / "claims").iterdir())


def test_a_cell_that_ended_before_it_logged_a_word_has_its_record(plan: Plan) -> None:
    cell = plan.cells[0]
    opening = opening_record(plan.work([cell]).of(cell))
    kept = plan.store.commit(cell, replace(opening, status=CRASHED, reason="signal SIGKILL"), {})
    assert plan.store.record(cell) == kept and plan.to_run() == ([], {CRASHED: 1})
    assert plan.to_run([CRASHED]) == ([cell], {})
    assert dry_run_rows(plan.experiment, quiet=True)[0]["done"] == 5
    assert dry_run_rows(plan.experiment, quiet=True, retry=[CRASHED])[0]["done"] == 4


def test_a_store_that_cannot_be_written_says_so() -> None:
    with pytest.raises(StoreError, match="cannot write to the run store /proc/no_such_folder"):
        run_experiment(experiment(Path("/proc/no_such_folder")), quiet=True)


def test_a_full_disk_is_an_error_and_keeps_what_was_done(plan: Plan, tmp_path: Path) -> None:
    """Files that may not grow past a size fail as on a full disk: the write itself raises."""
    again = replace(experiment(tmp_path), methods=("constant", "acquisition"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(StoreError, match="cannot write to the run store"):
            run_experiment(again, quiet=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert {plan.store.record(cell).status for cell in plan.cells} == {OK}  # type: ignore[union-attr]
