"""How long a run will take, from past records or from a timed start of the real training."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cells import Cell, Choice, choose
from bench.cohorts.cohort import Cohort
from bench.method import Run
from bench.registry import build
from bench.runner import Settings
from bench.search import Tuning
from bench.split import Split
from bench.store import Store
from bench.tuning import tuning_parts

TIMED_STEPS = 3


class _EnoughSeen(Exception):
    """Raised out of a training once its pace is known."""


@dataclass(frozen=True)
class Estimate:
    """Seconds a cell of one method takes, and where the figure comes from."""

    seconds: float
    source: str


def estimate_cell(
    choice: Choice, cells: Sequence[Cell], cohort: Cohort, split: Split, store: Store, settings: Settings
) -> Estimate:
    """Time of one cell: median of past records of the method, else a timed start of its first fold.

    Past records count where device and threads agree; their time is scaled by the number of training cases.
    A tuned method without records takes what its budget adds to one with the defaults.
    """
    cases = len(split.folds[cells[0].fold].train)
    past = [
        (record["fit_seconds"] + record["predict_seconds"]) * cases / max(1, record["cases"]["train"])
        for _, record in store.records()
        if record["status"] == "ok"
        and record["method"] == choice.label
        and (record["device"], record["threads"]) == (settings.device, settings.threads)
    ]
    if past:
        return Estimate(statistics.median(past), f"{len(past)} past records")
    if choice.tuning is not None:
        untuned = choose(choice.spec, choice.params)
        one = estimate_cell(untuned, cells, cohort, split, store, settings)
        fits = len(tuning_parts(cohort, split, cells[0].fold, choice.tuning.inner_folds))
        return _times_trials(one, choice.tuning, fits)
    return _timed_start(choice, cells[0], cohort, split, settings)


def _times_trials(one: Estimate, tuning: Tuning, fits: int) -> Estimate:
    """Time of a tuned cell from that of an untuned one: ``fits`` a trial, and the last fit."""
    searching = one.seconds * fits * tuning.trials if tuning.trials else tuning.seconds
    return Estimate(searching + one.seconds, f"{one.source}, for {tuning.budget}")


def _timed_start(choice: Choice, cell: Cell, cohort: Cohort, split: Split, settings: Settings) -> Estimate:
    fold = split.folds[cell.fold]
    ticks: list[tuple[int, int, float]] = []

    def watch(step: int, total: int, score: float | None) -> None:
        ticks.append((step, total, time.perf_counter()))
        if step >= TIMED_STEPS and step < total:
            raise _EnoughSeen

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        run = Run(cell.seed, settings.device, settings.threads, Path(scratch), watch)
        try:
            method = build(choice.spec, choice.params).fit(
                cohort.take(fold.train), cohort.take(fold.val), run
            )
            method.predict(cohort.take(fold.test).blind())
            return Estimate(time.perf_counter() - started, "one cell, run whole")
        except _EnoughSeen:
            return Estimate(_extrapolated(started, ticks), f"{ticks[-1][0]} timed steps of {ticks[-1][1]}")
        except Exception as error:  # the run itself would record it and go on
            return Estimate(time.perf_counter() - started, f"fails: {type(error).__name__}: {error}")


def _extrapolated(started: float, ticks: list[tuple[int, int, float]]) -> float:
    """Time to the first report, plus the remaining steps at the pace of the later reports."""
    (first, total, at_first), (last, _, at_last) = ticks[0], ticks[-1]
    pace = (at_last - at_first) / max(1, last - first)
    return (at_first - started) + (total - first) * pace
