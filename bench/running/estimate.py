"""How long a run will take: from past records, or from the cost that a method states; nothing is run."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.cohorts.cohort import Cohort
from bench.methods.parameters import parameters
from bench.methods.search_space import SearchBudget
from bench.methods.variant import Variant, choose
from bench.running.run_cell import Compute
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.store import Store
from bench.tuning.tune import tuning_parts

UNKNOWN = "no past record, and the method states no cost"


@dataclass(frozen=True)
class Estimate:
    """Seconds a cell of one method takes, None where nobody knows, and where the figure comes from."""

    seconds: float | None
    source: str


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
        for _, record in store.records()
        if record.status == "ok"
        and record.method == variant.label
        and record.fit_seconds is not None
        and (record.device, record.threads) == (compute.device, compute.threads)
    ]


def _times_trials(one: Estimate, tuning: SearchBudget, fits: int) -> Estimate:
    """Time of a tuned cell from that of an untuned one: ``fits`` a trial, and the last fit."""
    if one.seconds is None:
        return one
    searching = one.seconds * fits * tuning.trials if tuning.trials else tuning.seconds
    return Estimate(searching + one.seconds, f"{one.source}, for {tuning.budget}")
