"""Cells that fail because of the machine: no failures of methods, and tried again by every run."""

import errno
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError, MachineError
from bench.running.experiment import Experiment
from bench.running.fit_predict import status_of
from bench.running.plan import make_plan
from bench.running.run import run_experiment
from bench.store.store import FAILED, MACHINE, OK, OUT_OF_MEMORY, write_record

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MachineError("cannot write the crop cache: the disk is full"), MACHINE),
        (OSError(errno.ENOSPC, "No space left on device"), MACHINE),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), MACHINE),
        (OSError(errno.EROFS, "Read-only file system"), MACHINE),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), FAILED),
        (OSError(errno.ENOENT, "No such file"), FAILED),
        (CohortError("mask of case 'a' is empty"), FAILED),
        (MemoryError(), OUT_OF_MEMORY),
    ],
)
def test_a_full_disk_is_not_a_failure_of_the_method(error: Exception, status: str) -> None:
    assert status_of(error) == status


@pytest.mark.parametrize(("status", "again"), [(MACHINE, True), (FAILED, False)])
def test_the_same_command_tries_again_what_the_machine_failed(
    tmp_path: Path, status: str, again: bool
) -> None:
    experiment = Experiment(
        ("constant",), cohort="phantom-tiny", store=str(tmp_path / "runs"), executor="here"
    )
    run_experiment(experiment, quiet=True)
    planned = make_plan(experiment, quiet=True)
    ((folder, record),) = planned.store.records()
    write_record(folder, replace(record, status=status, reason="MachineError: the disk is full"))
    wanted, kept = planned.to_run()
    assert bool(wanted) == again and bool(kept) != again
    outcome = run_experiment(experiment, quiet=True)
    assert outcome.complete == again
    assert {found.status for _, found in planned.store.records()} == {OK if again else status}


def test_a_process_that_a_method_declares_and_the_machine_ended_is_no_failure_of_the_method() -> None:
    assert status_of(BrokenPipeError(), ("acme.measuring",)) == MACHINE


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache on a disk that can only be read."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "ro,size=64m", "tmpfs", str(disk)]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    monkeypatch.setenv("BENCH_CACHE", str(disk))
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_cache_that_can_only_be_read_is_the_machines_fault_tried_so_often_and_goes_on_later(
    tiny: Cohort, tmp_path: Path, read_only: Path
) -> None:
    experiment = Experiment(
        ("multi_task_cnn",),
        cohort=str(tiny.folder),
        split="external_frozen",
        store=str(tmp_path / "runs"),
        executor="here",
        set={"epochs": 1},
    )
    assert not run_experiment(experiment, quiet=True).complete
    planned = make_plan(experiment, quiet=True)
    ((_, record),) = planned.store.records()
    assert (record.status, record.tries) == (MACHINE, 3) and "cannot write the crop cache" in record.reason
    subprocess.run(["mount", "-o", "remount,rw", str(read_only)], check=True)
    assert run_experiment(experiment, quiet=True).complete
    ((_, record),) = planned.store.records()
    assert (record.status, record.tries) == (OK, None)
