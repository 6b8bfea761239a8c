"""Watching a store whose cells run elsewhere, in jobs of a scheduler, until they have ended."""

import time
from collections.abc import Callable, Sequence

from bench.errors import BenchError
from bench.running.executors.batch import Work
from bench.running.monitor import RunView
from bench.running.queue import Pending
from bench.store.cell import Cell
from bench.store.claims import claimed, owner_of

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_QUEUE_LOOKS = 10.0
SUBMISSIONS_AGAIN = 3


def watch(
    work: Work,
    view: RunView,
    any_left: Callable[[], bool],
    why_gone: Callable[[], tuple[bool, str]],
    submit: Callable[[Sequence[Cell]], object],
) -> None:
    """Tell of cells as they begin and end; returns when all have ended.

    Parameters
    ----------
    any_left
        Whether the scheduler has a job that waits or runs.
    why_gone
        Whether the cluster itself has ended the jobs, and in words how they ended.
    submit
        Submits jobs for the cells that are left; up to :data:`SUBMISSIONS_AGAIN` times.

    Raises
    ------
    BenchError
        No job is left, cells are, and they are not submitted again.
    """
    pending = Pending(work.store, work.cells, view.end)
    begun: set[str] = set()
    looked, gone, submissions = time.monotonic(), False, 0
    while pending.drop_ended():
        _tell_begun(pending, begun, work, view)
        if gone:
            by_the_cluster, how = why_gone()
            if submissions == SUBMISSIONS_AGAIN or not by_the_cluster:
                raise BenchError(
                    f"no job is left{how} and {len(pending.waiting)} cells are not run: they were cancelled "
                    "or failed to start; the same command submits them again"
                )
            submissions += 1
            view.say(f"the cluster has ended the jobs; submission {submissions} of {SUBMISSIONS_AGAIN} more")
            submit(tuple(pending.waiting))
            looked, gone = time.monotonic(), False
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if time.monotonic() - looked > SECONDS_BETWEEN_QUEUE_LOOKS:
            looked, gone = time.monotonic(), not any_left()


def _tell_begun(pending: Pending, begun: set[str], work: Work, view: RunView) -> None:
    """Tell of cells that somebody has claimed since; the claims are listed once, whatever waits."""
    held = claimed(work.store.claims)
    for cell in pending.waiting:
        if cell.id[:16] in held and cell.id not in begun and owner_of(work.store.claims, cell.id):
            begun.add(cell.id)
            view.begin(cell)
