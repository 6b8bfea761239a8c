"""Adjusted p of all pairs of many methods: steps by later maxima against steps pair by pair, in one run.

    python -m tests.benchmarks.many_methods --methods 100 --cases 1000

Prints seconds of one block of 2,000 resamples of one task, and of its steps by either rule, with their ratio
and whether the counts are equal, and the peak memory of the process before the plain rule is run.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.inference import adjusted_p, draw_patients, mean_influence, multiplicity, patients_of
from tests.benchmarks.figure import Figure, tell
from tests.inference.test_many_methods import pair_by_pair


def timed(function: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    """Seconds that a call takes, and what it returns."""
    start = time.perf_counter()
    found = function(*given)
    return time.perf_counter() - start, found


def main() -> None:
    """Time both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", type=int, default=100)
    parser.add_argument("--cases", type=int, default=1000)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    loss = rng.standard_normal((asked.methods, asked.cases)) + np.linspace(0, 0.3, asked.methods)[:, None]
    patients = patients_of(np.arange(asked.cases))
    drawn, steps = draw_patients(patients), []
    ours = multiplicity._reached

    def seen(*given: Any) -> Any:
        steps.append(given)
        return ours(*given)

    multiplicity._reached = seen
    values, influence = loss.mean(axis=1), mean_influence(loss, patients)
    whole, _ = timed(lambda: adjusted_p(values, influence, patients, drawn, levels=()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fast, counts = timed(ours, *steps[0])
    plain, expected = timed(pair_by_pair, *steps[0])
    print(f"{asked.methods} methods, {asked.cases} cases: p in {whole:.1f} s, at most {peak:.0f} MiB")
    print(f"steps {fast:.2f} s   pair by pair {plain:.2f} s   ratio {plain / fast:.1f}")
    print(f"equal counts: {np.array_equal(counts, expected)}")
    assert np.array_equal(counts, expected)
    tell(Figure(f"steps of {asked.methods} methods", "s", fast, plain, "pair by pair", 0.2))


if __name__ == "__main__":
    main()
