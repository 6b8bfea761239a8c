"""What an executor is handed: the cells to run and all that running one takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.cohorts.cohort import Cohort
from bench.methods.variant import Variant
from bench.running.limits import Limits
from bench.running.run_cell import Compute, PlannedCell
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.store import Store


@dataclass(frozen=True)
class Work:
    """Cells to run in order.

    Parameters
    ----------
    splits
        The split of each cell by its name.
    plugins
        Plugin files that a worker process loads.
    jobs
        How many cells run at a time.
    patient
        Whether to wait for cells that other runs hold, rather than to leave them to those.
    """

    cells: tuple[Cell, ...]
    variants: Mapping[str, Variant]
    cohort: Cohort
    splits: Mapping[str, Split]
    store: Store
    compute: Compute
    plugins: tuple[str, ...]
    limits: Limits
    jobs: int
    patient: bool

    def of(self, cell: Cell) -> PlannedCell:
        """A cell with what running it takes."""
        variant, split = self.variants[cell.method], self.splits[cell.split]
        return PlannedCell(cell, variant, self.cohort, split, self.store, self.compute)
