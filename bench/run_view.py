"""What a user sees while cells run: a bar with time left on a terminal, a line a cell elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID

from bench.cells import Cell
from bench.inner import is_inner
from bench.method import Report
from bench.progress import bar_columns
from bench.store import Record

PACE_WINDOW_SECONDS = 900.0


class RunView:
    """Progress over all cells of a run; a training's own steps count as parts of its cell."""

    def __init__(self, cells: int, console: Console, progress: Progress | None) -> None:
        self.cells = cells
        self.ended = 0
        self.started = time.monotonic()
        self.console = console
        self.progress = progress
        self.bar: TaskID | None = progress.add_task("run", total=cells) if progress else None

    def begin(self, cell: Cell) -> Report:
        """Announce a cell; its training reports to the returned function."""
        self._move(self.ended, _named(cell))

        def report(step: int, total: int, score: float | None) -> None:
            self._move(self.ended + min(step / max(total, 1), 0.999))

        return report

    def end(self, cell: Cell, record: Record) -> None:
        """Count a cell as ended and say how."""
        self.ended += 1
        self._move(self.ended)
        if self.progress is None or record["status"] != "ok":
            self._say(cell, record)

    def _move(self, completed: float, description: str | None = None) -> None:
        if self.progress is not None and self.bar is not None:
            shown = {} if description is None else {"description": escape(description)}
            self.progress.update(self.bar, completed=completed, **shown)  # type: ignore[arg-type]

    def _say(self, cell: Cell, record: Record) -> None:
        spent = time.monotonic() - self.started
        left = spent / self.ended * (self.cells - self.ended)
        how = "ok" if record["status"] == "ok" else f"{record['status']}: {record['reason']}"
        line = f"[{self.ended}/{self.cells}] {_named(cell)} {how}"
        self.console.print(f"{line}; {spent:.0f} s, about {left:.0f} s left", markup=False, highlight=False)


def _named(cell: Cell) -> str:
    inner = f" of {cell.split}" if is_inner(cell.split) else ""
    return f"{cell.method} seed {cell.seed} fold {cell.fold + 1}{inner}"


@contextmanager
def run_view(cells: int, quiet: bool) -> Iterator[RunView]:
    """A view on standard error for a run of so many cells."""
    console = Console(file=sys.stderr, quiet=quiet, soft_wrap=True)
    if not console.is_terminal or quiet:
        yield RunView(cells, console, None)
        return
    with Progress(
        *bar_columns(), console=console, transient=True, speed_estimate_period=PACE_WINDOW_SECONDS
    ) as progress:
        yield RunView(cells, console, progress)
