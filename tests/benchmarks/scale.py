"""A study of many methods on many cohorts, computed from slopes that are measured here at small sizes.

    python -m tests.benchmarks.scale                          # prints both tables
    python -m tests.benchmarks.scale --write bench/docs/scale.md

Seconds are of the processor. Slopes are differences between two sizes; time and size of a board and of a page
grow with a power of the methods, which is fitted by least squares of logarithms and carried to the study's.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.page.html import page
from bench.report.full_report import full_report
from bench.running.estimate import SAMPLE
from bench.running.experiment import Experiment
from bench.running.plan import Plan, make_plan, write_plan
from bench.running.run import run_experiment
from bench.running.stored_plan import stored_plan
from bench.store.claims import claim, release
from bench.store.collect import results_of_store
from bench.store.store import Store
from bench.tuning.tune import JOURNAL
from tests.benchmarks.board_sizes import in_process
from tests.benchmarks.figure import Figure, tell
from tests.benchmarks.made_results import made_results
from tests.benchmarks.store_speed import write

METHODS, COHORTS, FOLDS, SEEDS, TRIALS = 200, 50, 5, 5, 30
BOARD_CELLS = METHODS * FOLDS * SEEDS
CELLS = COHORTS * BOARD_CELLS
CASES, TASKS = 200, 4
RANKED, DRAWN = (50, 100), (10, 20, 40)
LOOK = "ms to look whether a cell has ended"
RANK, DRAW = (f"s to {verb} of {METHODS} methods" for verb in ("rank a board", "draw a page"))
PAGE = f"MB of a page of {METHODS} methods"
MEASURED, STUDY, END = "<!-- measured -->", "<!-- study -->", "<!-- end -->"
PLUGIN = """
from dataclasses import dataclass
import numpy as np
from bench import Float, MethodSpec, hookimpl

@hookimpl
def bench_methods():
    return [MethodSpec("instant", f"{__name__}:Instant", "", needs=())]

@dataclass
class Instant:
    shift: float = 0.5
    @classmethod
    def search_space(cls):
        return {"shift": Float(0.1, 0.9)}
    def fit(self, train, val, run):
        return self
    def predict(self, cohort):
        return {task.name: np.full(len(cohort), self.shift) for task in cohort.tasks}
"""


def spent(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    started = time.process_time()
    work()
    return time.process_time() - started


def tuned_cells(folder: Path) -> dict[str, float]:
    """A cell on disk, and what a trial adds to it, from runs of a method that learns nothing."""
    plugin = folder / "instant_plugin.py"
    plugin.write_text(PLUGIN)
    few, many = 4, 24
    found = {}
    for trials in (few, many):
        store = Store(folder / f"trials{trials}")
        asked = Experiment(("instant",), "internal_cv", "phantom-tiny", device="cpu", trials=trials)
        asked = replace(
            asked, store=str(store.folder), plugins=(str(plugin),), executor="here", contract=False
        )
        seconds = spent(lambda asked=asked: run_experiment(asked, quiet=True))
        places = [place for place, record in store.records() if record.tuning]
        files = [file for place in places for file in place.rglob("*")]
        journals = sum(file.stat().st_size for file in files if file.name == JOURNAL)
        size = sum(file.stat().st_size for file in files if file.is_file())
        found[trials] = np.array([seconds, journals, size - journals, len(files) + len(places)]) / len(places)
    trial = (found[many] - found[few]) / (many - few)
    return {
        "files and folders a cell": found[many][3],
        "bytes a cell beside its trials": found[many][2],
        "bytes a trial": trial[1],
        "ms a trial beside its fit": 1000 * trial[0],
    }


def planned(folder: Path, seeds: int) -> tuple[Plan, float, float]:
    """A plan of five cells a seed, CPU seconds to make it again, and its bytes."""
    asked = Experiment(("constant",), "internal_cv", "phantom-tiny", tuple(range(seeds)), device="cpu")
    asked = replace(asked, store=str(folder / f"plan{seeds}"))
    plan = make_plan(asked, quiet=True)
    stored = write_plan(plan)
    size = (plan.store.folder / "plans" / f"{stored.id}.json").stat().st_size
    return plan, spent(lambda: (stored_plan(plan.store, stored.id), make_plan(asked, quiet=True))), size


def store_slopes(folder: Path) -> dict[str, float]:
    """Plans, claims, records and results, a cell."""
    (_, few, small), (plan, many, large) = planned(folder, 10), planned(folder, 210)
    cells, generator = plan.cells[:150], np.random.default_rng(0)
    claimed = spent(lambda: [release(held) for cell in cells if (held := claim(plan.store.claims, cell.id))])
    committed = spent(lambda: [write(plan, cell, generator) for cell in cells])
    read = spent(plan.store.records)
    collected = spent(lambda: results_of_store(plan.cohort, plan.split, plan.store))
    looks = spent(lambda: [plan.store.written(cell) for cell in plan.cells])
    each = 1000 / len(cells)
    return {
        "bytes of a plan a cell": (large - small) / 1000,
        "ms to plan a cell": many - few,
        "ms to claim and release a cell": each * claimed,
        "ms to write a cell": each * committed,
        "ms to read a record": each * read,
        "ms to read a cell for a board": each * collected,
        LOOK: 1000 * looks / len(plan.cells),
    }


def grown(sizes: Sequence[int], measured: Sequence[float]) -> float:
    """A value for the methods of the study, from those for a few, by the power that fits them."""
    power, level = np.polyfit(np.log(sizes), np.log(measured), 1)
    return float(np.exp(level) * METHODS**power)


def drawn(methods: int) -> tuple[float, float]:
    """CPU seconds and bytes of a page, its values computed before in a process of its own, on one thread."""
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--page", str(methods)]
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=alone)
    seconds, size = map(float, done.stdout.split())
    return seconds, size


def print_page(methods: int) -> None:
    """Print CPU seconds and bytes of the page of a board, once all that it needs is imported."""
    page(full_report(made_results(2, TASKS, 50)))
    results = made_results(methods, TASKS, CASES)
    text: list[str] = []
    seconds = spent(lambda: text.append(page(full_report(results))))
    print(seconds, len(text[0].encode()))


def board_slopes() -> dict[str, float]:
    """A board and a page of so many methods, as their growth says."""
    ranked = [in_process(methods, TASKS, CASES, False)["cpu"] for methods in RANKED]
    seconds, sizes = zip(*map(drawn, DRAWN), strict=True)
    return {RANK: grown(RANKED, ranked), DRAW: grown(DRAWN, seconds), PAGE: grown(DRAWN, sizes) / 1e6}


def measured() -> dict[str, float]:
    """Every slope, with three digits."""
    with tempfile.TemporaryDirectory() as name:
        found = {**tuned_cells(Path(name)), **store_slopes(Path(name)), **board_slopes()}
    return {what: float(f"{value:.3g}") for what, value in found.items()}


HOUR = 3600.0 * 1000
# What the study comes to: a quantity, from what it is computed, the slope, its number, unit and digits.
STUDY_ROWS: tuple[tuple[str, str, str, float, float, int], ...] = (
    ("files and folders, million", "cells", "files and folders a cell", CELLS, 1e6, 1),
    ("tables, records and logs, GB", "cells", "bytes a cell beside its trials", CELLS, 1e9, 1),
    ("journals of the trials, GB", "trials", "bytes a trial", CELLS * TRIALS, 1e9, 1),
    ("trials beside their fits, CPU h", "trials", "ms a trial beside its fit", CELLS * TRIALS, HOUR, 1),
    ("claims, CPU h", "cells", "ms to claim and release a cell", CELLS, HOUR, 2),
    ("records and tables written, CPU h", "cells", "ms to write a cell", CELLS, HOUR, 2),
    ("a plan, MB", "cells of a board", "bytes of a plan a cell", BOARD_CELLS, 1e6, 1),
    ("a job reads its plan, s", "cells of a board", "ms to plan a cell", BOARD_CELLS, 1000, 1),
    ("before: it reads all plans, s", "cells", "ms to plan a cell", CELLS, 1000, 0),
    ("a job reads what its parcel has ended, s", "1,000 cells", "ms to read a record", 1000, 1000, 1),
    ("before: all that has ended, s", "cells of a board", "ms to read a record", BOARD_CELLS, 1000, 1),
    ("a look at what has ended, s", "cells of a board", LOOK, BOARD_CELLS, 1000, 2),
    (
        "needs of all methods, s",
        f"{SAMPLE} records a method",
        "ms to read a record",
        SAMPLE * METHODS,
        1000,
        1,
    ),
    ("before: all records a method, h", "cells x methods", "ms to read a record", CELLS * METHODS, HOUR, 1),
    ("a board is read, s", "cells of a board", "ms to read a cell for a board", BOARD_CELLS, 1000, 1),
    ("a board is ranked, s", "methods", RANK, 1, 1, 0),
    ("a page is drawn, s", "methods", DRAW, 1, 1, 0),
    ("a page, MB", "methods", PAGE, 1, 1, 1),
    ("boards ranked, CPU h", "cohorts", RANK, COHORTS, 3600, 2),
    ("pages drawn, CPU h", "cohorts", DRAW, COHORTS, 3600, 2),
)


def study(slopes: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """What the study comes to: a quantity, from what it is computed, and its value."""
    sizes = [
        ("cells", f"{METHODS} x {COHORTS} x {FOLDS} x {SEEDS}", f"{CELLS:,}"),
        ("cells of a board", f"{METHODS} x {FOLDS} x {SEEDS}", f"{BOARD_CELLS:,}"),
        ("trials", f"cells x {TRIALS}", f"{CELLS * TRIALS:,}"),
    ]
    return sizes + [
        (what, source, f"{slopes[slope] * number / unit:,.{digits}f}")
        for what, source, slope, number, unit, digits in STUDY_ROWS
    ]


def tables(slopes: Mapping[str, float]) -> dict[str, str]:
    """Both tables of the page by the mark that they stand behind."""
    rows = [f"| {what} | {value:g} |" for what, value in slopes.items()]
    lines = [f"| {what} | {source} | {value} |" for what, source, value in study(slopes)]
    return {
        MEASURED: "\n".join(["| measured | value |", "|---|---|", *rows]),
        STUDY: "\n".join(["| in the study | computed of | value |", "|---|---|---|", *lines]),
    }


def slopes_of(text: str) -> dict[str, float]:
    """The slopes that a page shows."""
    part = text.split(MEASURED)[1].split(END)[0]
    return {what: float(value) for what, value in re.findall(r"(?m)^\| (.+?) \| ([\d.e+-]+) \|$", part)}


def written(text: str, slopes: Mapping[str, float]) -> str:
    """The page with tables of these slopes."""
    for mark, table in tables(slopes).items():
        before, rest = text.split(mark)
        text = f"{before}{mark}\n{table}\n{END}{rest.split(END, 1)[1]}"
    return text


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path)
    parser.add_argument("--page", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.page:
        print_page(asked.page)
        return
    slopes = measured()
    for table in tables(slopes).values():
        print(f"{table}\n")
    tell(*(Figure(what, "", value) for what, value in slopes.items()))
    if asked.write:
        asked.write.write_text(written(asked.write.read_text(encoding="utf-8"), slopes), encoding="utf-8")


if __name__ == "__main__":
    main()
