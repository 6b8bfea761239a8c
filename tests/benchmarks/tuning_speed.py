"""What a tuning trial costs beyond its fit, against bare Optuna on the same space, in one run.

    python -m tests.benchmarks.tuning_speed --trials 200

Prints milliseconds a trial, of the wall and of the processor, of the first and of the last quarter of a study
of a method that does nothing, the same of Optuna with a study in memory, and their ratio.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import optuna

from bench.cohorts.catalogue import open_cohort
from bench.cohorts.cohort import Cohort
from bench.methods.method import MethodSpec, Run
from bench.methods.search_space import Float, Int, SearchBudget
from bench.methods.variant import choose
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.store.cell import cells_of
from bench.tuning.tune import JOURNAL, StudyTask, tune, tuning_parts
from tests.benchmarks.figure import Figure, tell

ENDED: list[tuple[float, float]] = []
MOST = 6.0
SPACE = {"shift": Float(0.0, 1.0), "scale": Float(1e-3, 1.0, log=True), "power": Int(1, 3)}


@dataclass
class Instant:
    """Predicts a number that its parameters make, without learning."""

    shift: float = 0.5
    scale: float = 0.1
    power: int = 1
    fitted: bool = field(default=False, init=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> "Instant":
        """Learn nothing."""
        self.fitted = True
        return self

    def predict(self, cohort: Cohort) -> Mapping[str, np.ndarray]:
        """The same values for every task."""
        ENDED.append(clocks())
        values = np.abs(np.linspace(0, 1, len(cohort)) - self.shift) ** self.power * self.scale
        return {task.name: values for task in cohort.tasks}


def clocks() -> tuple[float, float]:
    """Seconds of the wall and of the processor."""
    return time.perf_counter(), time.process_time()


def ours(trials: int) -> np.ndarray:
    """Seconds between trials of a study of the benchmark, wall and CPU, shape (trials - 1, 2)."""
    cohort = open_cohort("phantom-tiny", quiet=True)
    split = make_split(cohort, load_split_config("internal_cv"))
    spec = MethodSpec("instant", f"{Instant.__module__}:Instant", summary="does nothing", needs=())
    tuning = SearchBudget(SPACE, trials=trials)
    variant = choose(spec, {}, tuning)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(seed=0, device="cpu", threads=1, workdir=Path(folder))
        cell = cells_of(cohort, split, [variant], [0])[0]
        ENDED.clear()
        parts = tuning_parts(cohort, split, 0, 0)
        tune(StudyTask(cell, variant, tuning, parts, run), Path(folder) / JOURNAL)
    return np.diff(ENDED, axis=0)


def bare(trials: int) -> np.ndarray:
    """The same of Optuna alone."""
    ended: list[tuple[float, float]] = []

    def objective(trial: optuna.Trial) -> float:
        shift, power = trial.suggest_float("shift", 0, 1), trial.suggest_int("power", 1, 3)
        ended.append(clocks())
        return abs(shift - 0.3) ** power * trial.suggest_float("scale", 1e-3, 1, log=True)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0)).optimize(objective, n_trials=trials)
    return np.diff(ended, axis=0)


def main() -> None:
    """Time both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    trials = parser.parse_args().trials
    spent = {"bench": ours(trials), "optuna": bare(trials)}
    quarter = max(trials // 4, 1)
    for name, part in (("first", slice(None, quarter)), ("last", slice(-quarter, None))):
        for clock, kind in enumerate(("wall", "CPU")):
            mine, theirs = (1000 * float(np.median(spent[who][part, clock])) for who in ("bench", "optuna"))
            print(f"{name} quarter, {kind}: bench {mine:.1f} ms   optuna {theirs:.1f} ms")
        print(f"{name} quarter: ratio of CPU {mine / theirs:.1f}")
        tell(Figure(f"tuning trial, {name} quarter, CPU", "ms", mine, limit=MOST))
        tell(Figure(f"tuning trial beside Optuna, {name} quarter, CPU", "ms", mine, theirs, "bare Optuna"))


if __name__ == "__main__":
    main()
