"""How long a cohort of many cases takes to be split: CPU seconds of `internal` and `internal_cv`.

    python -m tests.benchmarks.split_speed --cases 100000

Patients have one to three cases at twelve sites; one binary and one continuous task.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

import bench
from bench.cohorts.cohort import Cohort
from bench.task import Task
from tests.benchmarks.figure import Figure, tell

SITES, SECONDS = 12, 2.0


def made_cohort(cases: int) -> Cohort:
    """Cases without images."""
    rng = np.random.default_rng(0)
    ids = [f"E{number:06d}" for number in range(cases)]
    patient = np.repeat(np.arange(cases), rng.integers(1, 4, cases))[:cases]
    er = rng.integers(0, 2, cases).astype(float)
    er[rng.random(cases) < 0.1] = np.nan
    table = pd.DataFrame(
        {
            "patient_id": [f"P{number:06d}" for number in patient],
            "site": [f"hospital {number % SITES}" for number in patient],
            "group": "internal",
            "er": er,
            "ki67": rng.integers(1, 95, cases).astype(float),
        },
        index=ids,
    )
    files = pd.DataFrame({"image": "", "mask": ""}, index=ids)
    tasks = (Task("er", "binary"), Task("ki67", "continuous"))
    return Cohort("made", tasks, table, files, Path(), "none", True)


def main() -> None:
    """Print a row a split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    cases = parser.parse_args().cases
    cohort = made_cohort(cases)
    for name in ("internal", "internal_cv"):
        started = time.process_time()
        split = bench.make_split(cohort, name)
        seconds = time.process_time() - started
        print(f"{name} of {cases} cases: CPU {seconds:.2f} s, {len(split.folds)} fold(s)")
        tell(Figure(f"split {name} of {cases} cases, CPU", "s", seconds, limit=SECONDS))


if __name__ == "__main__":
    main()
