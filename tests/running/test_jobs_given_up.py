"""Jobs that a cluster ends by itself are submitted again, so often; those that a person ends are not."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.errors import BenchError
from bench.running.executors import slurm, watching
from bench.running.executors.batch import Work
from bench.running.monitor import RunView

SCONTROL = """#!/bin/sh
echo "JobId=8 ArrayJobId=7 ArrayTaskId=0 JobName=bench JobState={state} Reason=None Requeue=1"
echo "JobId=7 ArrayJobId=7 ArrayTaskId=1 JobName=bench JobState=COMPLETED Reason=None Requeue=1"
"""


class Cells:
    """Cells that wait until as many submissions were made as they need."""

    def __init__(self, needed: int) -> None:
        self.needed, self.submissions = needed, 0
        self.waiting = [SimpleNamespace(id="cell")]

    def drop_ended(self) -> bool:
        return self.submissions < self.needed


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_QUEUE_LOOKS", -1.0)
    (tmp_path / slurm.JOBS).mkdir()
    (tmp_path / slurm.JOBS / "plan.json").write_text('["7_0", "7_1"]')
    program = tmp_path / "squeue"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return []


def watch(folder: Path, said: list[str], state: str, needed: int, monkeypatch: pytest.MonkeyPatch) -> Cells:
    program = folder / "scontrol"
    program.write_text(SCONTROL.format(state=state))
    program.chmod(0o755)
    cells = Cells(needed)
    monkeypatch.setattr(watching, "Pending", lambda *_: cells)

    def again(left: Sequence[Any]) -> None:
        assert left == tuple(cells.waiting)
        cells.submissions += 1

    store: Any = SimpleNamespace(folder=folder, claims=folder / "claims")
    work: Any = SimpleNamespace(store=store, cells=())
    view: Any = SimpleNamespace(end=None, begin=None, say=said.append)
    any_left, why = (lambda: bool(slurm._queued(store, "plan"))), (lambda: slurm._why_gone(store, "plan"))
    watching.watch(cast(Work, work), cast(RunView, view), any_left, why, again)
    return cells


def test_the_end_of_each_job_is_read_by_the_id_that_it_was_submitted_with(
    tmp_path: Path, said: list[str]
) -> None:
    (tmp_path / "scontrol").write_text(SCONTROL.format(state="NODE_FAIL"))
    (tmp_path / "scontrol").chmod(0o755)
    ends = slurm.ends_of_jobs(["7_0", "7_1", "9_0"])
    assert ends == {"7_0": "NODE_FAIL", "7_1": "COMPLETED"}


@pytest.mark.parametrize("state", slurm.ENDED_BY_THE_CLUSTER)
def test_jobs_that_the_cluster_ended_are_submitted_again(
    tmp_path: Path, said: list[str], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watch(tmp_path, said, state, 2, monkeypatch).submissions == 2
    assert said[-1] == "the cluster has ended the jobs; submission 2 of 3 more"


def test_a_cluster_that_goes_on_ending_them_is_not_asked_for_ever(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        BenchError, match=r"no job is left \(COMPLETED, NODE_FAIL; see .*\) and 1 cells are not run"
    ):
        watch(tmp_path, said, "NODE_FAIL", 9, monkeypatch)
    assert len(said) == watching.SUBMISSIONS_AGAIN


def test_jobs_that_a_person_ended_are_not_submitted_again(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BenchError, match="they were cancelled or failed to start"):
        watch(tmp_path, said, "CANCELLED", 1, monkeypatch)
    assert said == []
