"""Pending cells as parcels: what one job of a cluster runs one after the other, and what it asks for."""

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import UsageError
from bench.running.estimate import Needs, needs_of
from bench.running.executors.batch import Work
from bench.store.cell import Cell

# What [resources] of an experiment may name; the last ones are words of sbatch that submitit passes on.
OWN_KEYS = ("minutes", "memory_gb", "gpus")
PASSED_ON = ("partition", "account", "qos", "constraint", "exclude", "nice")
# A job starts in seconds; its cells together take so long at least, so that this is a small part.
SHORTEST_SECONDS = 120.0
# Of a cell of which nothing is known.
UNKNOWN_SECONDS, UNKNOWN_MINUTES = 600.0, 24 * 60
# A job asks for more than records tell: another processor, a slow disk, folds that take longer.
TIME_MARGIN, MEMORY_MARGIN, LEAST_MINUTES = 2.0, 1.5, 10
# Of the process that hands out cases, of the server that forks cells, and of their libraries.
HARNESS_MB = 1024.0
# Slurm takes no longer arrays, unless it is told to.
MOST_PARCELS = 1000


@dataclass(frozen=True)
class Parcel:
    """Cells that one job runs.

    Parameters
    ----------
    cells
        In the order in which they run.
    seconds
        Time that they take one after the other, as far as it is known.
    resources
        ``minutes``, ``memory_gb`` and ``gpus``, 0 for what is not asked for; words of the scheduler.
    """

    cells: tuple[Cell, ...]
    seconds: float
    resources: Mapping[str, Any]

    @property
    def at_once(self) -> int:
        """How many of its cells run at a time: one a GPU."""
        return max(1, int(self.resources["gpus"]))


def parcels_of(work: Work, asked: Mapping[str, Any], slots: int) -> list[list[Parcel]]:
    """All cells of the work in parcels, one list for each kind of resources.

    Parameters
    ----------
    asked
        The experiment's ``resources``: for all methods, and by name for single ones. What it leaves open is
        estimated from stored records, with a margin.
    slots
        How many jobs of each kind run at a time.

    Raises
    ------
    UsageError
        It has an unknown key.
    """
    needs = {label: needs_of(work, label) for label in dict.fromkeys(cell.method for cell in work.cells)}
    wanted = {label: _resources(work, label, asked, needs[label]) for label in needs}
    kinds: dict[str, list[Cell]] = {}
    for cell in work.cells:
        kinds.setdefault(json.dumps(wanted[cell.method], sort_keys=True), []).append(cell)
    return [parcelled(cells, needs, wanted[cells[0].method], slots) for cells in kinds.values()]


def parcelled(
    cells: Sequence[Cell], needs: Mapping[str, Needs], resources: Mapping[str, Any], slots: int
) -> list[Parcel]:
    """Cells of one kind of resources in parcels, long cells first, which shrink as the work runs out.

    A parcel has half of what would be each slot's share of the rest (guided self-scheduling, Polychronopoulos
    and Kuck 1987), so that a slot which lags behind is waited for shortly at the end.

    Parameters
    ----------
    needs
        What a cell of each row takes.
    resources
        ``gpus``, ``memory_gb`` and ``minutes``, where 0 minutes are estimated.
    """
    known = [needs[cell.method].seconds for cell in cells]
    usual = statistics.median([one for one in known if one is not None] or [UNKNOWN_SECONDS])
    timed = [(usual if one is None else one, cell) for one, cell in zip(known, cells, strict=True)]
    parts = _guided(sorted(timed, key=lambda one: -one[0]), slots * max(1, resources["gpus"]))
    found = [_parcel(part, resources) for part in parts]
    if resources["minutes"]:
        return found
    minutes = UNKNOWN_MINUTES if None in known else _minutes(found)
    return [Parcel(one.cells, one.seconds, {**resources, "minutes": minutes}) for one in found]


def _parcel(part: Sequence[tuple[float, Cell]], resources: Mapping[str, Any]) -> Parcel:
    return Parcel(tuple(cell for _, cell in part), sum(seconds for seconds, _ in part), resources)


def _minutes(parcels: Sequence[Parcel]) -> int:
    """What each job of an array asks for: enough for the longest."""
    longest = max(parcel.seconds / parcel.at_once for parcel in parcels)
    return max(LEAST_MINUTES, math.ceil(TIME_MARGIN * longest / 60))


def _guided(timed: Sequence[tuple[float, Cell]], slots: int) -> Iterator[list[tuple[float, Cell]]]:
    """Cells in parts, each of half a slot's share of the time that is left, or of the shortest time."""
    left = sum(seconds for seconds, _ in timed)
    shortest = max(SHORTEST_SECONDS, left / MOST_PARCELS)
    part: list[tuple[float, Cell]] = []
    held, wanted = 0.0, max(shortest, left / slots / 2)
    for seconds, cell in timed:
        part.append((seconds, cell))
        held += seconds
        if held >= wanted:
            yield part
            left -= held
            part, held, wanted = [], 0.0, max(shortest, left / slots / 2)
    if part:
        yield part


def _resources(work: Work, label: str, asked: Mapping[str, Any], needs: Needs) -> dict[str, Any]:
    """What a job with cells of a row asks for: as the experiment says, else as records tell."""
    shared = {key: value for key, value in asked.items() if not isinstance(value, Mapping)}
    told = {**shared, **asked.get(work.variants[label].spec.name, {})}
    for key in told:
        if key not in (*OWN_KEYS, *PASSED_ON):
            known = ", ".join((*OWN_KEYS, *PASSED_ON))
            raise UsageError(f"unknown key in [resources]: {key!r}; there are {known}, and names of methods")
    gpus = int(told.get("gpus", work.compute.device == "cuda"))
    estimated = {"minutes": 0, "memory_gb": _memory_gb(needs, max(1, gpus)), "gpus": gpus}
    return {**estimated, **told, "gpus": gpus}


def _memory_gb(needs: Needs, at_once: int) -> int:
    """Memory of a job, as a power of two, so that methods that need about the same share jobs; 0: unknown."""
    if needs.memory_mb is None:
        return 0
    wanted = MEMORY_MARGIN * (HARNESS_MB + at_once * needs.memory_mb) / 1024
    return int(2 ** math.ceil(math.log2(wanted)))
