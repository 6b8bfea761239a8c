"""Tables out: on a terminal, as Markdown, LaTeX, CSV and JSON."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.files import written
from bench.listing import BoardFormat, Format
from bench.report.files import to_csv, to_json, to_markdown
from bench.report.latex import to_latex
from bench.report.select import select_columns
from bench.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.scores import Results
    from bench.split import Split

__all__ = [
    "print_board",
    "print_repeats",
    "print_results",
    "select_columns",
    "to_csv",
    "to_json",
    "to_latex",
    "to_markdown",
    "write_board",
]

PIPE_WIDTH = 120


def print_results(results: "Results", wanted: Format) -> None:
    """Print a run's result table."""
    from bench.leaderboard import result_table

    print_board(result_table(results), BoardFormat(wanted.value))


def print_repeats(repeats: "Sequence[Results]", splits: "Sequence[Split]", wanted: Format) -> None:
    """Print what each method reaches over the repeats of a cross-validation."""
    from bench.report.procedures import procedure_score_table

    print_board(procedure_score_table(repeats, splits), BoardFormat(wanted.value))


def print_board(board: Table, wanted: BoardFormat) -> None:
    """Print a table."""
    if wanted is not BoardFormat.table:
        _print_file(_written(board, wanted))
        return
    from rich.console import Console

    from bench.report.terminal import to_rich

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    if board.summary is not None:
        console.print(to_rich(replace(board.summary, flags=board.flags), console.width), "")
        board = replace(board, flags=())
    console.print(to_rich(board, console.width))


def write_board(board: Table, wanted: BoardFormat, path: Path) -> None:
    """Write a table to a file, in the format asked for; as Markdown where that is ``table``.

    Raises UsageError where the path is a folder, BenchError where it cannot be written.
    """
    text = _written(board, wanted)
    with written(path, "the table", "--out") as aside:
        aside.write_text(text, encoding="utf-8")


def _print_file(text: str) -> None:
    """Print what a file would hold, in UTF-8 as files are, whatever the terminal's encoding."""
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        print(text, end="")
        return
    sys.stdout.flush()
    raw.write(text.encode())


def _written(board: Table, wanted: BoardFormat) -> str:
    writers = {
        BoardFormat.csv: to_csv,
        BoardFormat.json: to_json,
        BoardFormat.latex: to_latex,
        BoardFormat.tex: to_latex,
    }
    return writers.get(wanted, to_markdown)(board)
