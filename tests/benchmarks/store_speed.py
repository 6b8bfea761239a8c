"""What the harness itself costs: a cell beyond its method's own time, and a store of many cells.

    python tests/benchmarks/store_speed.py --cells 200 --stored 20000

The first figure is the wall time of a run of `constant` on a small cohort, once its worker is up, less what
the method took, a cell. The second is the time to list a store of many cells and to rank one of its boards.
"""

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import replace
from itertools import product

import numpy as np
import psutil

from bench.predictions.table import long_predictions
from bench.report.board import leaderboard
from bench.running.executors.processes import run_in_workers
from bench.running.experiment import Experiment
from bench.running.monitor import run_view
from bench.running.plan import Plan, make_plan
from bench.running.run_cell import PlannedCell, now, opening_record
from bench.store.cell import Cell
from bench.store.collect import results_of_store
from bench.store.record import CellRecord
from bench.store.store import OK, PREDICTIONS, RECORD, VALIDATION, write_record
from tests.benchmarks.figure import Figure, tell


def planned(store: str, cells: int) -> Plan:
    """Cells of `constant` on phantom-tiny, five a seed."""
    seeds = tuple(range(-(-cells // 5)))
    return make_plan(
        Experiment(("constant",), "internal_cv", "phantom-tiny", seeds, store=store, device="cpu"), quiet=True
    )


def overhead(cells: int) -> tuple[float, float]:
    """Seconds a cell beyond the method's own, and MiB by which this process grew over the second half."""
    with tempfile.TemporaryDirectory() as store, run_view(cells, quiet=True) as view:
        plan = planned(store, cells)
        ended: list[tuple[float, float]] = []
        tell = view.end

        def end(cell: Cell, record: CellRecord) -> None:
            tell(cell, record)
            ended.append((time.perf_counter(), psutil.Process().memory_info().rss / 2**20))

        view.end = end  # type: ignore[method-assign]
        run_in_workers(plan.work(plan.cells), view)
        records = [plan.store.record(cell) for cell in plan.cells[1:]]
        own = sum(entry.fit_seconds + entry.predict_seconds for entry in records if entry)
    wall = ended[-1][0] - ended[0][0]  # from the end of the first cell: the worker is up
    return (wall - own) / (len(ended) - 1), ended[-1][1] - ended[len(ended) // 2][1]


def fill(plan: Plan, boards: int) -> None:
    """Write cells of twenty methods on a board, each with its own predictions, and copies as more boards."""
    generator = np.random.default_rng(0)
    for number, (method, base) in enumerate(product(range(20), plan.cells)):
        name = f"m{method:02}"
        identity = {**base.identity, "method": name}
        write(plan, replace(base, method=name, identity=identity, id=f"{number:064x}"), generator)
    first = plan.store.folder / "cells" / plan.cohort.name / plan.split.name
    for number, (board, folder) in enumerate(product(range(1, boards), sorted(first.glob("*/*")))):
        copy = first.parent / f"board_{board}" / folder.relative_to(first)
        shutil.copytree(folder, copy)
        record = CellRecord.from_json(json.loads((copy / RECORD).read_text()))
        write_record(copy, replace(record, split=f"board_{board}", id=f"{number + 2**32:064x}"))


def write(plan: Plan, cell: Cell, generator: np.random.Generator) -> None:
    """Write one cell as a run would, with random predictions."""
    fold, tables = plan.split.folds[cell.fold], {}
    for name, ids in ((PREDICTIONS, fold.test), (VALIDATION, fold.val)):
        cases = plan.cohort.take(ids)
        said = {task.name: generator.uniform(0.01, 0.99, len(cases)) for task in plan.cohort.tasks}
        tables[name] = long_predictions(cell.method, said, cases, cell.fold, cell.seed)
    opening = opening_record(
        PlannedCell(cell, plan.variants["constant"], plan.cohort, plan.split, plan.store, plan.compute)
    )
    ended = replace(opening, status=OK, fit_seconds=1.0, predict_seconds=0.1, ended=now())
    plan.store.work_folder(cell).mkdir(parents=True, exist_ok=True)
    plan.store.commit(cell, ended, tables)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--stored", type=int, default=20_000)
    asked = parser.parse_args()
    seconds, grown = overhead(asked.cells)
    print(f"{asked.cells} cells of constant: {seconds:.3f} s a cell above the method's own time")
    print(f"memory of the parent grew by {grown:.1f} MiB over the second half of them")
    with tempfile.TemporaryDirectory() as store:
        plan = planned(store, 50)
        fill(plan, boards=asked.stored // 1000)
        started = time.perf_counter()
        listed = sum(1 for _ in plan.store.records())
        read = time.perf_counter()
        board = leaderboard(results_of_store(plan.cohort, plan.split, plan.store))
        ranked = time.perf_counter()
        print(f"{listed} cells listed in {read - started:.1f} s")
        print(f"a board of 20 methods, 10 seeds and 5 folds of them read and ranked in {ranked - read:.1f} s")
        assert len(board.records)
        tell(
            Figure(f"a cell beside the method's own time, of {asked.cells}", "s", seconds),
            Figure(f"{listed} cells listed", "ms a cell", 1000 * (read - started) / listed),
            Figure("a board of 20 methods, 10 seeds, 5 folds read and ranked", "s", ranked - read),
        )


if __name__ == "__main__":
    main()
