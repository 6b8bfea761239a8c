"""What an executor is handed: the cells to run and all that running one takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.cells import Cell, Choice
from bench.cohorts.cohort import Cohort
from bench.limits import Limits
from bench.runner import Settings
from bench.split import Split
from bench.store import Store


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
    choices: Mapping[str, Choice]
    cohort: Cohort
    splits: Mapping[str, Split]
    store: Store
    settings: Settings
    plugins: tuple[str, ...]
    limits: Limits
    jobs: int
    patient: bool

    def of(self, cell: Cell) -> tuple[Cell, Choice, Cohort, Split, Store, Settings]:
        """What :func:`bench.runner.run_cell` takes, but for the report."""
        split = self.splits[cell.split]
        return cell, self.choices[cell.method], self.cohort, split, self.store, self.settings
