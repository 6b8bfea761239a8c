"""What the harness itself costs: a cell beyond its method's own time, and a store of many cells.

    python tests/benchmarks/store_speed.py --cells 200 --stored 20000

The first figure is the wall time of a run of `constant` on a small cohort, once its worker is up, less what the
method took, a cell. The second is the time to read and rank a store of many cells.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from bench.cells import Cell
from bench.config import Experiment
from bench.executors.workers import run_in_workers
from bench.experiment import Plan, make_plan
from bench.leaderboard import leaderboard
from bench.predictions import long_predictions
from bench.results import results_of_store
from bench.run_view import run_view
from bench.runner import opening_record
from bench.store import OK, PREDICTIONS, VALIDATION, Record


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

        def end(cell: Cell, record: Record) -> None:
            tell(cell, record)
            ended.append((time.perf_counter(), psutil.Process().memory_info().rss / 2**20))

        view.end = end  # type: ignore[method-assign]
        run_in_workers(plan.work(plan.cells), view)
        records = [plan.store.record(cell) for cell in plan.cells[1:]]
        own = sum(its["fit_seconds"] + its["predict_seconds"] for its in records if its)
    wall = ended[-1][0] - ended[0][0]  # from the end of the first cell: the worker is up
    return (wall - own) / (len(ended) - 1), ended[-1][1] - ended[len(ended) // 2][1]


def fill(plan: Plan, cells: int) -> None:
    """Write cells of twenty methods by turns, each with predictions of its own."""
    choice, generator = plan.choices["constant"], np.random.default_rng(0)
    for number in range(cells):
        base = plan.cells[(number // 20) % len(plan.cells)]
        identity = dict(base.identity) | {"method": f"m{number % 20:02}"}
        cell = replace(base, method=f"m{number % 20:02}", identity=identity, id=f"{number:064x}")
        fold = plan.split.folds[cell.fold]
        tables = {}
        for name, ids in ((PREDICTIONS, fold.test), (VALIDATION, fold.val)):
            cases = plan.cohort.take(ids)
            said = {task.name: generator.uniform(0.01, 0.99, len(cases)) for task in plan.cohort.tasks}
            tables[name] = long_predictions(cell.method, said, cases, cell.fold, cell.seed)
        opening = opening_record(cell, choice, plan.cohort, plan.split, plan.settings)
        record = opening | {"status": OK, "reason": "", "fit_seconds": 1.0, "predict_seconds": 0.1, "ended": "2026"}
        plan.store.work_folder(cell).mkdir(parents=True, exist_ok=True)
        plan.store.commit(cell, record, tables)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--stored", type=int, default=20_000)
    asked = parser.parse_args()
    seconds, grown = overhead(asked.cells)
    print(f"{asked.cells} cells of constant: {seconds:.3f} s a cell above the method's own time")
    print(f"memory of the parent grew by {grown:.1f} MiB over the second half of them")
    with tempfile.TemporaryDirectory() as store:
        plan = planned(store, asked.stored // 20)
        started = time.perf_counter()
        fill(plan, asked.stored)
        print(f"wrote {asked.stored} cells in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        started = time.perf_counter()
        results = results_of_store(plan.cohort, plan.split, plan.store)
        read = time.perf_counter()
        leaderboard(results)
        ranked = time.perf_counter()
        print(f"{asked.stored} cells: read in {read - started:.1f} s, ranked in {ranked - read:.1f} s")


if __name__ == "__main__":
    main()
