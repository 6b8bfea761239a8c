"""Cells one by one in this very process: for a debugger, and for tests of what is around a cell."""

import time
from pathlib import Path

from bench.methods.registry import load_registry
from bench.running.executors.batch import Work
from bench.running.monitor import RunView
from bench.running.queue import SECONDS_BETWEEN_TRIES, Pending
from bench.running.run_cell import require_device, run_cell
from bench.store.claims import release
from bench.store.store import is_tried_again


def run_here(work: Work, view: RunView) -> None:
    """Run the cells; limits cannot be enforced here, and a crash of a method is a crash of the run.

    Nothing keeps a method from labels in memory and on disk: records say ``sealed: no``.
    """
    if work.cells:
        require_device(work.compute.device)
    pending = Pending(work.store, work.cells, view.end)
    while pending.waiting:
        claimed = pending.claim_next()
        if claimed is None:
            time.sleep(SECONDS_BETWEEN_TRIES / 5)
            continue
        cell, held = claimed
        view.begin(cell)
        load_registry(
            map(Path, work.plugins)
        )  # a plugin's classes are new, as in a process of the cell's own
        try:
            record = run_cell(work.of(cell), view.reporter(cell))
        finally:
            release(held)
        if is_tried_again(record):
            view.again(cell, record)
            pending.put_back(cell)
        else:
            view.end(cell, record)
