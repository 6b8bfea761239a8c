"""A feature table of 100,000 rows: seconds and memory to check, split and describe it as a cohort.

    python -m tests.benchmarks.table_speed [--rows 100000] [--features 20]

Each step is a process of its own, as a user's command is. Fails where check, split and describe take more
than 60 s together, or one of them more than 4 GB. Measure on a machine that does nothing else.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.figure import Figure, tell

SECONDS, GIGABYTES = 60, 4
COLUMNS = "--id exam --patient patient --tasks er,ki67 --site hospital --covariates age --acquisition vendor"
SPLIT = """
import sys, bench
split = bench.make_split(bench.open_cohort(sys.argv[1], quiet=True), "internal_cv")
print(len(split.folds), sum(len(fold.test) for fold in split.folds))
"""


def main() -> None:
    """Make a table, import it, and measure the steps."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--rows", type=int, default=100_000)
    wanted.add_argument("--features", type=int, default=20)
    options = wanted.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_table(options.rows, options.features).to_csv(folder / "table.csv", index=False)
        place = str(folder / "cohort")
        bench = [sys.executable, "-m", "bench", "cohort"]
        measured(
            "import", [*bench, "import", "table", f"{folder}/table.csv", *COLUMNS.split(), "--out", place]
        )
        steps = {
            "check": [*bench, "check", place],
            "split": [sys.executable, "-c", SPLIT, place],
            "describe": [
                *bench,
                "describe",
                place,
                "--figures",
                f"{folder}/figures",
                "--out",
                f"{folder}/t.md",
            ],
        }
        took = [measured(step, command) for step, command in steps.items()]
    seconds = sum(one[0] for one in took)
    print(f"check, split and describe: {seconds:.0f} s of {SECONDS}")
    tell(
        Figure(f"check, split and describe {options.rows} rows", "s", seconds, limit=SECONDS),
        Figure(
            f"memory of the same with {options.rows} rows", "GB", max(one[1] for one in took), limit=GIGABYTES
        ),
    )
    if seconds > SECONDS or max(one[1] for one in took) > GIGABYTES:
        sys.exit(1)


def made_table(rows: int, features: int) -> pd.DataFrame:
    """Exams of patients who have one to three each, with labels that some lack."""
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(rows), rng.integers(1, 4, rows))[:rows]
    er = rng.integers(0, 2, rows).astype(object)
    er[rng.random(rows) < 0.1] = ""
    known = {
        "exam": [f"E{number:06d}" for number in range(rows)],
        "patient": [f"P{number:06d}" for number in patients],
        "hospital": [f"hospital {number % 12}" for number in patients],
        "vendor": np.array(["GE", "Siemens", "Philips"])[patients % 3],
        "age": rng.integers(25, 90, rows),
        "er": er,
        "ki67": rng.integers(1, 95, rows),
    }
    measures = {f"feature_{number}": rng.normal(size=rows).round(6) for number in range(features)}
    return pd.DataFrame({**known, **measures})


def measured(step: str, command: list[str]) -> tuple[float, float]:
    """Seconds and the most gigabytes of a command and those that it starts."""
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    gigabytes = usage.ru_maxrss / 1e6
    print(
        f"{step:10} {seconds:6.1f} s, at most {gigabytes:.2f} GB so far, cpu so far {usage.ru_utime:.1f} s",
        flush=True,
    )
    return seconds, gigabytes


if __name__ == "__main__":
    main()
