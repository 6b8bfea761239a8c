"""What cells will take: from past records, or from the cost that a method states; nothing is run."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.cohorts.cohort import Cohort
from bench.methods.parameters import parameters
from bench.methods.search_space import SearchBudget
from bench.methods.variant import Variant, choose
from bench.running.executors.batch import Work
from bench.running.run_cell import Compute
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.record import CellRecord
from bench.store.store import OK, OUT_OF_MEMORY, Store
from bench.tuning.tune import tuning_parts

# Records of a method that are read: a store may have a hundred thousand.
SAMPLE = 20
# What a cell takes beside its method: a process, a fence, files.
HARNESS_SECONDS = 0.2
UNKNOWN = "no past record, and the method states no cost"


@dataclass(frozen=True)
class Estimate:
    """Seconds a cell of one method takes, None where nobody knows, and where the figure comes from."""

    seconds: float | None
    source: str


@dataclass(frozen=True)
class Needs:
    """What a cell of one row takes, seconds and MiB of its method; None where nobody knows."""

    seconds: float | None = None
    memory_mb: float | None = None


def needs_of(work: Work, label: str) -> Needs:
    """Time and peak memory of the cells of a row, from a sample of past records; without a margin.

    A cell that ran out of memory counts with what it held, so that it asks for more when it is tried again.
    """
    cells = [cell for cell in work.cells if cell.method == label]
    split = work.splits[cells[0].split]
    found = estimate_cell(work.variants[label], cells, work.cohort, split, work.store, work.compute)
    peaks = [
        record.peak_memory_mb
        for record in _comparable(label, work.store, work.compute, (OK, OUT_OF_MEMORY))
        if record.peak_memory_mb
    ]
    seconds = None if found.seconds is None else found.seconds + HARNESS_SECONDS
    return Needs(seconds, max(peaks, default=None))


def estimate_cell(
    variant: Variant, cells: Sequence[Cell], cohort: Cohort, split: Split, store: Store, compute: Compute
) -> Estimate:
    """Time of one cell: median of past records of the method, else the cost that its spec states.

    Past records count where device and threads agree; their time is scaled by the number of training cases.
    A stated cost is that of one core, so a GPU or more threads take less. A tuned method without records
    takes what its budget adds to one with the defaults.
    """
    cases = len(split.folds[cells[0].fold].train)
    past = _past_seconds(variant, cases, store, compute)
    if past:
        return Estimate(statistics.median(past), f"{len(past)} past records")
    if variant.tuning is not None:
        untuned = choose(variant.spec, variant.params)
        one = estimate_cell(untuned, cells, cohort, split, store, compute)
        fits = len(tuning_parts(cohort, split, cells[0].fold, variant.tuning.inner_folds))
        return _times_trials(one, variant.tuning, fits)
    cost = variant.spec.cost
    if cost is None:
        return Estimate(None, UNKNOWN)
    source = f"stated cost of {cost.seconds_per_case:g} s a training case on one core"
    return Estimate(cost.seconds(cases, variant.params, parameters(variant.spec)), source)


def _past_seconds(variant: Variant, cases: int, store: Store, compute: Compute) -> list[float]:
    """Seconds of each finished cell of the method, as for so many training cases."""
    return [
        (record.fit_seconds + (record.predict_seconds or 0.0)) * cases / max(1, record.cases["train"])
        for record in _comparable(variant.label, store, compute, (OK,))
        if record.fit_seconds is not None
    ]


def _comparable(label: str, store: Store, compute: Compute, statuses: tuple[str, ...]) -> list[CellRecord]:
    """Records of a row with one of these statuses, computed as its cells will be."""
    return [
        record
        for record in store.sample(label, SAMPLE)
        if record.status in statuses and (record.device, record.threads) == (compute.device, compute.threads)
    ]


def _times_trials(one: Estimate, tuning: SearchBudget, fits: int) -> Estimate:
    """Time of a tuned cell from that of an untuned one: ``fits`` a trial, and the last fit."""
    if one.seconds is None:
        return one
    searching = one.seconds * fits * tuning.trials if tuning.trials else tuning.seconds
    return Estimate(searching + one.seconds, f"{one.source}, for {tuning.budget}")
