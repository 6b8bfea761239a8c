"""The cells that a run still wants, claimed one at a time, so that runs that share a store share the work."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from bench.store.cell import Cell
from bench.store.claims import Claim, claim, release
from bench.store.record import CellRecord
from bench.store.store import OK, Store, is_tried_again

SECONDS_BETWEEN_TRIES = 0.5


class Pending:
    """Cells to run, in order; what another run ends meanwhile is dropped and told to ``ended``.

    Parameters
    ----------
    cells
        Cells without a result, and failed ones that are to be tried again.
    ended
        Called with a cell and its record when another run has ended it.
    """

    def __init__(
        self, store: Store, cells: Iterable[Cell], ended: Callable[[Cell, CellRecord], None]
    ) -> None:
        self.store = store
        self.ended = ended
        self.waiting = deque(cells)
        self.before = {cell.id: self._failed_before(cell) for cell in self.waiting}
        self.tried = 0.0
        # Whether all that is waiting was held by other runs when it was last tried.
        self.all_held = False

    def claim_next(self, worker: int | None = None) -> tuple[Cell, Claim] | None:
        """The next cell that no other run holds, claimed; None where there is none just now."""
        if time.monotonic() - self.tried < SECONDS_BETWEEN_TRIES:
            return None
        for _ in range(len(self.waiting)):
            cell = self.waiting.popleft()
            if self._told(cell):
                continue
            held = claim(self.store.claims, cell.id, worker)
            if held is None:
                self.waiting.append(cell)
                continue
            if self._told(cell):  # ended between the look and the claim
                release(held)
                continue
            self.store.quarantine_damaged(cell)
            self.all_held = False
            return cell, held
        self.tried, self.all_held = time.monotonic(), True
        return None

    def put_back(self, cell: Cell) -> None:
        """Take a claimed cell back: it is to be tried again."""
        self.waiting.append(cell)

    def drop_ended(self) -> bool:
        """Tell of what other runs have ended; whether any cell is left."""
        self.waiting = deque(cell for cell in self.waiting if not self._told(cell))
        return bool(self.waiting)

    def _failed_before(self, cell: Cell) -> tuple[int, int] | None:
        """The record of an earlier failure, which is no news, as its file is marked; None without one."""
        written = self.store.written(cell)
        record = self.store.record(cell) if written else None
        return None if record is not None and record.status == OK else written

    def _told(self, cell: Cell) -> bool:
        """Whether the cell has ended since; what has no new record costs one question to the disk."""
        if self.store.written(cell) == self.before[cell.id]:
            return False
        record = self.store.record(cell)
        if record is None or is_tried_again(record):
            return False
        self.ended(cell, record)
        return True
