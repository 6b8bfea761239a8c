"""Cells one by one in this very process: for a debugger, and for tests of what is around a cell."""

import time

from bench.claims import release
from bench.executors.work import Work
from bench.pending import SECONDS_BETWEEN_TRIES, Pending
from bench.run_view import RunView
from bench.runner import require_device, run_cell


def run_here(work: Work, view: RunView) -> None:
    """Run the cells; limits cannot be enforced here, and a crash of a method is a crash of the run."""
    if work.cells:
        require_device(work.settings.device)
    pending = Pending(work.store, work.cells, view.end)
    while pending.waiting:
        claimed = pending.claim_next()
        if claimed is None:
            time.sleep(SECONDS_BETWEEN_TRIES / 5)
            continue
        cell, held = claimed
        view.begin(cell)
        try:
            record = run_cell(*work.of(cell), report=view.reporter(cell))
        finally:
            release(held)
        view.end(cell, record)
