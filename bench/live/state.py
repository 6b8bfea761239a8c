"""What a store's plans have come to: every cell as it stands, and what can be read of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import plain_text
from bench.running.status import NOT_RUN, RUNNING, STATUSES, CellStatus, status_of_cells
from bench.running.stored_plan import StoredPlan, stored_plans
from bench.store.cell import Cell
from bench.store.store import LOG, OK, Store
from bench.tuning.tune import JOURNAL

# The end of a log that is shown, in bytes.
LOG_END = 200_000
KEPT_LETTERS = 16


@dataclass(frozen=True)
class LiveCell:
    """A cell as it stands; ``name`` is that of its pages."""

    name: str
    row: str
    split: str
    seed: int
    fold: int
    status: str
    detail: str
    seconds: float | None
    log: Path | None
    study: Path | None


@dataclass(frozen=True)
class LivePlan:
    """A plan of the store with its cells; ``counts`` has statuses in the order of STATUSES."""

    number: int
    plan: StoredPlan
    cells: tuple[LiveCell, ...]
    counts: Mapping[str, int]

    @property
    def ended(self) -> int:
        """Cells that are neither running nor still to come."""
        return sum(count for status, count in self.counts.items() if status not in (RUNNING, NOT_RUN))

    @property
    def finished(self) -> frozenset[str]:
        """Names of the completed cells: with another set the board is another."""
        return frozenset(cell.name for cell in self.cells if cell.status == OK)

    @property
    def skipped(self) -> Mapping[str, str]:
        """Methods that were skipped, with the reasons."""
        return self.plan.skipped


@dataclass
class LiveStore:
    """A store that is looked at again and again: completed cells are read once."""

    store: Store
    completed: dict[str, CellStatus] = field(default_factory=dict)

    def plans(self) -> list[LivePlan]:
        """Every plan of the store, the last one first."""
        return [self._plan(number, plan) for number, plan in enumerate(stored_plans(self.store))]

    def _plan(self, number: int, plan: StoredPlan) -> LivePlan:
        waiting = [cell for cell in plan.cells if cell.id not in self.completed]
        found = {one.cell.id: one for one in status_of_cells(self.store, waiting)}
        self.completed |= {name: one for name, one in found.items() if one.status == OK}
        found |= self.completed
        cells = tuple(self._cell(found[cell.id]) for cell in plan.cells)
        seen = Counter(cell.status for cell in cells)
        return LivePlan(number, plan, cells, {name: seen[name] for name in STATUSES if seen[name]})

    def _cell(self, one: CellStatus) -> LiveCell:
        record = one.record
        took = None if record is None else record.seconds or record.fit_seconds
        return LiveCell(
            one.cell.id[:KEPT_LETTERS],
            one.cell.method,
            one.cell.split,
            one.cell.seed,
            one.cell.fold,
            one.status,
            one.detail,
            took,
            self._file(one.cell, LOG),
            self._file(one.cell, JOURNAL),
        )

    def _file(self, cell: Cell, name: str) -> Path | None:
        """A file of a cell while it runs, or of the finished one; links lead elsewhere and are none."""
        for folder in (self.store.work_folder(cell), self.store.cell_folder(cell)):
            path = folder / name
            if path.is_file() and not path.is_symlink():
                return path
        return None


def log_end(path: Path) -> str:
    """The end of a log, as text whatever its bytes are; raises OSError where it is gone."""
    return plain_text(path, LOG_END)


def trial_rows(journal: Path) -> list[dict[str, Any]]:
    """The trials of a study that runs or has ended, a row each, in their order.

    Raises
    ------
    BenchError
        The journal cannot be read, as while a line of it is written.
    """
    from bench.tuning.tune import load_trials

    try:
        trials = load_trials(journal)
    except Exception as error:  # whatever optuna makes of half a line
        raise BenchError(f"the study cannot be read now ({type(error).__name__}); look again") from error
    return [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value,
            "parameters": dict(trial.params),
        }
        for trial in trials
    ]
