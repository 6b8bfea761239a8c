"""Boards and comparisons at any size: seconds, CPU seconds and peak memory, and how they grow with the cases.

    python -m tests.benchmarks.board_sizes --methods 100 --tasks 4 --cases 1000
    python -m tests.benchmarks.board_sizes --methods 20 --cases 2000,8000,32000 --growth
    python -m tests.benchmarks.board_sizes --methods 20 --cases 1000 --compare

Each size is computed in a process of its own, on made predictions in five folds. ``--growth`` fits the
exponent of CPU time in the number of cases by least squares of logarithms.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np

from tests.benchmarks.figure import Figure, tell

MOST_GROWTH = 1.1


def one_size(methods: int, tasks: int, cases: int, compared: bool) -> dict[str, float]:
    """Seconds, CPU seconds and peak MiB of one board or comparison, in this process."""
    from bench.report.board import leaderboard
    from bench.scoring.comparison import compare
    from tests.benchmarks.made_results import made_results

    results = made_results(methods, tasks, cases)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter(), time.process_time()
    if compared:
        compare(results, [method.label for method in results.methods])
    else:
        leaderboard(results)
    return {
        "seconds": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "data": held,
    }


def in_process(methods: int, tasks: int, cases: int, compared: bool) -> dict[str, float]:
    """The same in a process of its own, with one thread of BLAS."""
    words = ["--methods", str(methods), "--tasks", str(tasks), "--cases", str(cases), "--one"]
    command = [sys.executable, "-m", "tests.benchmarks.board_sizes", *words]
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command += ["--compare"] if compared else []
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **threads})
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def exponent(cases: list[int], seconds: list[float]) -> float:
    """The power of the cases that time grows with."""
    return float(np.polyfit(np.log(cases), np.log(seconds), 1)[0])


def main() -> None:
    """Print a row a size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--cases", default="1000")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.cases.split(",")]
    if asked.one:
        print(json.dumps(one_size(asked.methods, asked.tasks, sizes[0], asked.compare)))
        return
    spent, what = [], "compare" if asked.compare else "board"
    for cases in sizes:
        found = in_process(asked.methods, asked.tasks, cases, asked.compare)
        spent.append(found["cpu"])
        print(
            f"{what} of {asked.methods} methods, {asked.tasks} tasks, {cases} cases: "
            f"{found['seconds']:.1f} s, CPU {found['cpu']:.1f} s, at most {found['peak']:.0f} MiB "
            f"(data {found['data']:.0f})",
            flush=True,
        )
        peak = Figure(f"memory of a {what} of {asked.methods} methods, {cases} cases", "MiB", found["peak"])
        tell(Figure(f"{what} of {asked.methods} methods, {cases} cases, CPU", "s", found["cpu"]), peak)
    if asked.growth:
        grown = exponent(sizes, spent)
        tell(Figure("power of the cases that a board's CPU time grows with", "", grown, limit=MOST_GROWTH))
        print(f"CPU time grows with the cases to the power of {grown:.2f}")


if __name__ == "__main__":
    main()
