"""Recompute committed boards."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.options import FormatOption, PluginOption
from bench.errors import UsageError
from bench.report.formats.format import Format
from bench.report.formats.printing import print_rows

if TYPE_CHECKING:
    from bench.boards.verify import Verified


def verify(
    folder: Annotated[
        Path, typer.Argument(help="Folder of boards, or of one: leaderboards/phantom/internal.")
    ] = Path("leaderboards"),
    rerun: Annotated[
        str | None, typer.Option("--rerun", help="Run one cell of one board again: METHOD:SEED:FOLD.")
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Write what the sources give instead: after a change of the statistics."
        ),
    ] = False,
    plugin: PluginOption = None,
    wanted: FormatOption = Format.table,
) -> None:
    """Recompute committed boards from their predictions.

    Every figure that differs is named.
    """
    from bench.boards.snapshot import frozen_boards, rewrite, write_index
    from bench.boards.verify import verify_board

    places = frozen_boards(folder)
    if not places:
        raise UsageError(f"no board below {folder}: a board is a folder with a board.md")
    if rerun is not None:
        if len(places) > 1:
            raise UsageError(f"--rerun takes the folder of one board, {folder} holds {len(places)}")
        _run_again(places[0], rerun, plugin or (), wanted)
        return
    if write:
        for place in places:
            rewrite(place)
        if places != [folder]:
            write_index(folder)
    checked = [verify_board(place) for place in places]
    print_rows([_row(board) for board in checked], wanted, "Boards")
    for board in checked:
        for difference in board.differences:
            print(f"{board.board}: {difference}", file=sys.stderr)
    if any(board.differences for board in checked):
        raise typer.Exit(1)


def _row(board: "Verified") -> dict[str, Any]:
    return {
        "board": board.board,
        "figures": board.figures,
        "differ": len(board.differences),
        "verdict": board.note or ("differs" if board.differences else "as its source says"),
    }


def _run_again(place: Path, cell: str, plugins: Sequence[Path], wanted: Format) -> None:
    """Run one cell of a board again and print how its predictions compare."""
    from bench.boards.verify import rerun

    found = rerun(place, cell, plugins)
    print_rows([found], wanted, "Run again")
    if found["verdict"] == "different":
        raise typer.Exit(1)
