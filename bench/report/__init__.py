"""Tables out: on a terminal, as Markdown, LaTeX, CSV and JSON."""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.listing import BoardFormat, Format
from bench.report.files import to_csv, to_json, to_markdown
from bench.report.latex import to_latex
from bench.report.select import select_columns
from bench.report.table import Table

if TYPE_CHECKING:
    from bench.scores import Results

__all__ = [
    "print_board",
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


def print_board(board: Table, wanted: BoardFormat) -> None:
    """Print a table."""
    if wanted is not BoardFormat.table:
        print(_written(board, wanted), end="")
        return
    from rich.console import Console

    from bench.report.terminal import to_rich

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    if board.summary is not None:
        console.print(to_rich(board.summary, console.width), "")
    console.print(to_rich(board, console.width))


def write_board(board: Table, wanted: BoardFormat, path: Path) -> None:
    """Write a table to a file, in the format asked for; as Markdown where that is ``table``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_written(board, wanted), encoding="utf-8")


def _written(board: Table, wanted: BoardFormat) -> str:
    writers = {
        BoardFormat.csv: to_csv,
        BoardFormat.json: to_json,
        BoardFormat.latex: to_latex,
        BoardFormat.tex: to_latex,
    }
    return writers.get(wanted, to_markdown)(board)
