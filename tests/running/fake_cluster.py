"""A cluster whose clock is made: real parcels, claims and records of cells that take no real time.

Every slot runs one parcel at a time, as a job of Slurm does. A job starts some seconds after its slot is
free, takes some seconds until its first cell runs, and may be preempted: what its cell has done since it
began is lost, its claim is given up, and the job is queued again for the cells that are left.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bench.running.parcels import Parcel
from bench.running.queue import Pending
from bench.store.cell import Cell
from bench.store.claims import Claim, release
from bench.store.record import CellRecord
from bench.store.store import OK, Store


@dataclass(frozen=True)
class Delays:
    """Seconds of a job: until a free slot starts it, until its first cell runs, until it is queued again.

    ``preempted`` is the probability that a job is preempted at some time.
    """

    dispatch: float = 2.0
    start: float = 10.0
    requeue: float = 60.0
    preempted: float = 0.0


@dataclass
class Cluster:
    """Slots of a cluster and a store on its disk."""

    store: Store
    seconds: Mapping[str, float]
    slots: int
    delays: Delays
    rng: np.random.Generator
    record: CellRecord
    busy: float = 0.0
    lost: list[tuple[str, float]] = field(default_factory=list)
    runs: dict[str, int] = field(default_factory=dict)

    def run(self, parcels: Sequence[Parcel]) -> float:
        """Run all parcels; the time at which the last cell ends.

        A free slot takes the job that can start first, of several the one that was submitted first: a job
        that is queued again keeps its number, and so its place, as with Slurm's priority/basic.
        """
        waiting = {number: (0.0, parcel.cells) for number, parcel in enumerate(parcels)}
        free = [0.0] * self.slots
        while waiting:
            at = heapq.heappop(free)
            number = min(waiting, key=lambda job: (max(at, waiting[job][0]), job))
            ready, cells = waiting.pop(number)
            ended, left = self._job(max(at, ready) + self.delays.dispatch, cells)
            heapq.heappush(free, ended)
            if left:
                waiting[number] = (ended + self.delays.requeue, left)
        return max(free)

    def _job(self, started: float, cells: Sequence[Cell]) -> tuple[float, tuple[Cell, ...]]:
        """One job: when it ends, and the cells that it has not run where it was preempted."""
        clock = started + self.delays.start
        stop = self._preemption(clock, cells)
        pending = Pending(self.store, cells, lambda cell, record: None)
        while (claimed := pending.claim_next()) is not None:
            cell, held = claimed
            takes = self.seconds[cell.id]
            if clock + takes > stop:
                release(held)
                self.lost.append((cell.id, stop - clock))
                return stop, (cell, *pending.waiting)
            clock += takes
            self._finish(cell, held, takes)
        return clock, ()

    def _preemption(self, clock: float, cells: Sequence[Cell]) -> float:
        if self.rng.uniform() >= self.delays.preempted:
            return float("inf")
        return clock + self.rng.uniform() * sum(self.seconds[cell.id] for cell in cells)

    def _finish(self, cell: Cell, held: Claim, takes: float) -> None:
        ended = replace(self.record, id=cell.id, identity=cell.identity, method=cell.method, status=OK)
        self.store.open_work(cell)
        self.store.commit(cell, ended, {})
        release(held)
        self.busy += takes
        self.runs[cell.id] = self.runs.get(cell.id, 0) + 1


def made_cells(methods: int, seeds: int) -> list[Cell]:
    """Cells of five folds each, named as no real ones are."""
    return [
        Cell("made", "internal_cv", name, fold, seed, _identity(name, fold, seed), f"{number:032x}{'0' * 32}")
        for number, (name, fold, seed) in enumerate(
            (f"m{method:03d}", fold, seed)
            for method in range(methods)
            for seed in range(seeds)
            for fold in range(5)
        )
    ]


def _identity(name: str, fold: int, seed: int) -> dict[str, object]:
    return {"cohort": "made", "split": "made", "method": name, "fold": fold, "seed": seed}


def made_record() -> CellRecord:
    """What a record of such a cell has beside names."""
    cases = {"train": 60, "val": 15, "test": 20}
    now = "2026-01-01T00:00:00+0000"
    identity = _identity("m", 0, 0)
    return CellRecord("", identity, "made", "internal_cv", "m", True, cases, {}, started=now, ended=now)
