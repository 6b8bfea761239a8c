"""What a user sees while cells run: bars with time left on a terminal, a line a cell elsewhere."""

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress as ProgressBars
from rich.progress import TaskID

from bench.methods.method import Progress
from bench.progress import bar_columns
from bench.splits.config import SEED_MARK, SIZE_MARK
from bench.splits.inner import is_inner
from bench.store.cell import Cell
from bench.store.record import CellRecord
from bench.store.store import LOG, MOST_TRIES, OK, Store

PACE_WINDOW_SECONDS = 900.0
# How a traceback names a frame.
FRAME = re.compile(r'\s*File "(.+)", line (\d+), in (.+)')


class RunView:
    """A bar over all cells of a run, where steps of a training count as parts of its cell, and one a cell."""

    def __init__(
        self, cells: int, console: Console, progress: ProgressBars | None, store: Store | None = None
    ) -> None:
        self.cells = cells
        self.store = store
        self.ended = 0
        self.failed = 0
        self.started = time.monotonic()
        self.console = console
        self.progress_bars = progress
        self.all: TaskID | None = progress.add_task("all cells", total=cells) if progress else None
        self.parts: dict[str, float] = {}
        self.bars: dict[str, TaskID] = {}

    def begin(self, cell: Cell) -> None:
        """Announce a cell."""
        self.parts[cell.id] = 0.0
        if self.progress_bars is not None:
            self.bars[cell.id] = self.progress_bars.add_task(escape(cell_title(cell)), total=None)

    def progress(self, cell: Cell, step: int, total: int) -> None:
        """Show how far the training of a cell is; nothing where ``total`` is 0."""
        if self.progress_bars is None or not total:
            return
        self.parts[cell.id] = min(step / total, 0.999)
        self.progress_bars.update(self.bars[cell.id], completed=step, total=total)
        self._move()

    def reporter(self, cell: Cell) -> Progress:
        """A training's report that moves the bars."""
        return lambda step, total, score: self.progress(cell, step, total)

    def end(self, cell: Cell, record: CellRecord) -> None:
        """Count a cell as ended and say how."""
        self.ended += 1
        self.failed += record.status != OK
        self.parts.pop(cell.id, None)
        if self.progress_bars is not None:
            if cell.id in self.bars:
                self.progress_bars.remove_task(self.bars.pop(cell.id))
            self._move()
        if self.progress_bars is None or record.status != OK:
            self._say_end(cell, record)

    def again(self, cell: Cell, record: CellRecord) -> None:
        """Say that a cell which the machine has ended is tried again."""
        self.parts.pop(cell.id, None)
        if self.progress_bars is not None and cell.id in self.bars:
            self.progress_bars.remove_task(self.bars.pop(cell.id))
        tries = f"try {record.tries} of {MOST_TRIES}"
        self.say(f"{cell_title(cell)} {record.status}: {record.reason} ({tries}); it is tried again")

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text, markup=False, highlight=False)

    def _move(self) -> None:
        assert self.progress_bars is not None and self.all is not None
        self.progress_bars.update(self.all, completed=self.ended + sum(self.parts.values()))

    def _say_end(self, cell: Cell, record: CellRecord) -> None:
        spent = time.monotonic() - self.started
        left = spent / self.ended * (self.cells - self.ended)
        how = OK if record.status == OK else f"{record.status}: {record.reason}"
        line = f"[{self.ended}/{self.cells}] {cell_title(cell)} {how}"
        self.say(f"{line}; {spent:.0f} s, about {left:.0f} s left")
        if record.status != OK:
            self._say_where(cell, record)

    def _say_where(self, cell: Cell, record: CellRecord) -> None:
        """Say in which line a cell failed, as its log tells, and where that log lies."""
        if (frame := last_frame(record.last_log_lines or ())) is not None:
            self.say(f"    at {frame}")
        if self.store is not None and (log := self.store.cell_folder(cell) / LOG).is_file():
            self.say(f"    log: {log}")


def cell_title(cell: Cell) -> str:
    """A cell in words, with the split where a run has several; folds are counted from 0."""
    named = is_inner(cell.split) or SEED_MARK in cell.split or SIZE_MARK in cell.split
    return f"{cell.method} seed {cell.seed} fold {cell.fold}{f' of {cell.split}' if named else ''}"


def last_frame(lines: Sequence[str]) -> str | None:
    """``FILE:LINE in FUNCTION`` of the last frame of the tracebacks in these lines of a log, None without.

    Examples
    --------
    >>> last_frame(["Traceback (most recent call last):", '  File "mine.py", line 7, in fit', "    1 / 0"])
    'mine.py:7 in fit'
    """
    frames = [found for line in lines if (found := FRAME.fullmatch(line)) is not None]
    return f"{frames[-1][1]}:{frames[-1][2]} in {frames[-1][3]}" if frames else None


@contextmanager
def run_view(cells: int, quiet: bool, store: Store | None = None) -> Iterator[RunView]:
    """A view on standard error for a run of so many cells, whose logs lie in the store."""
    console = Console(file=sys.stderr, quiet=quiet, soft_wrap=True)
    if not console.is_terminal or quiet:
        yield RunView(cells, console, None, store)
        return
    with ProgressBars(
        *bar_columns(), console=console, transient=True, speed_estimate_period=PACE_WINDOW_SECONDS
    ) as progress:
        yield RunView(cells, console, progress, store)
