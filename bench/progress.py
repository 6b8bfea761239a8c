"""Progress of long work: a bar with time left on a terminal, a line at start and end elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Advance = Callable[[int, int], None]
_hidden = False


@contextmanager
def hidden_bars() -> Iterator[None]:
    """Show no progress of what runs within: it is part of work that shows its own."""
    before = _hidden
    hide_bars()
    try:
        yield
    finally:
        hide_bars(before)


def hide_bars(hidden: bool = True) -> None:
    """Show no progress in this process from now on, or show it again."""
    global _hidden
    _hidden = hidden


@contextmanager
def progress_bar(label: str, quiet: bool = False) -> Iterator[Advance]:
    """Show progress of one long job on standard error.

    Yields ``advance(done, total)``, to be called as often as wanted.
    """
    quiet = quiet or _hidden
    console = Console(stderr=True, quiet=quiet)
    started = time.monotonic()
    if not console.is_terminal:
        with _plain(label, quiet, started) as advance:
            yield advance
        return
    with Progress(*bar_columns(), console=console, transient=True) as progress:
        task = progress.add_task(label, total=None)

        def advance_bar(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance_bar
    console.print(f"{label}: done in {time.monotonic() - started:.0f} s", highlight=False)


def bar_columns() -> tuple[ProgressColumn, ...]:
    """Columns of every bar of the program."""
    return (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )


@contextmanager
def _plain(label: str, quiet: bool, started: float) -> Iterator[Advance]:
    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    say(f"{label} ...")
    yield lambda done, total: None
    say(f"{label}: done in {time.monotonic() - started:.0f} s")


def note(text: str, quiet: bool = False) -> None:
    """Print a line on standard error, unless nothing is to be said."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Print a warning on standard error; nothing stops."""
    note(f"warning: {text}")
