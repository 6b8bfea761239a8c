"""Tables and lists on the terminal or as a file."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import parameter
from bench.files import written
from bench.report.formats.format import BoardFormat, Format
from bench.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.predictions.results import Results
    from bench.splits.split import Split


def print_rows(rows: Sequence[Mapping[str, Any]], wanted: Format, title: str) -> None:
    """Print rows with the same keys."""
    if wanted is Format.json:
        print(json.dumps(list(rows), indent=1))
        return
    from rich.console import Console
    from rich.table import Table as RichTable

    table = RichTable(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table if rows else f"{title}: none", markup=False, highlight=False)


PIPE_WIDTH = 120


def print_results(results: "Results", wanted: Format) -> None:
    """Print a run's result table."""
    from bench.report.board import result_table

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

    from bench.report.formats.terminal import to_rich

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
    with written(path, "the table", parameter("out")) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _print_file(text: str) -> None:
    """Print what a file would hold, in UTF-8 as files are, whatever the terminal's encoding."""
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        print(text, end="")
        return
    sys.stdout.flush()
    raw.write(text.encode())


def _written(board: Table, wanted: BoardFormat) -> str:
    from bench.report.formats.html import to_page
    from bench.report.formats.latex import to_latex
    from bench.report.formats.text import to_csv, to_json, to_markdown

    writers = {
        BoardFormat.csv: to_csv,
        BoardFormat.json: to_json,
        BoardFormat.latex: to_latex,
        BoardFormat.tex: to_latex,
        BoardFormat.html: to_page,
    }
    return writers.get(wanted, to_markdown)(board)
