"""Recompute committed boards."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import FormatOption
from bench.errors import UsageError
from bench.listing import Format, print_rows


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
    wanted: FormatOption = Format.table,
) -> None:
    """Recompute every figure of committed boards from their predictions, and name each that differs."""
    from bench.frozen import frozen_boards, rewrite, write_index
    from bench.verify import rerun as run_again
    from bench.verify import verify_board

    places = frozen_boards(folder)
    if not places:
        raise UsageError(f"no board below {folder}: a board is a folder with a board.md")
    if rerun is not None:
        if len(places) > 1:
            raise UsageError(f"--rerun takes the folder of one board, {folder} holds {len(places)}")
        found = run_again(places[0], rerun)
        print_rows([found], wanted, "Run again")
        if found["verdict"] == "different":
            raise typer.Exit(1)
        return
    if write:
        for place in places:
            rewrite(place)
        if places != [folder]:
            write_index(folder)
    checked = [verify_board(place) for place in places]
    rows = [
        {
            "board": its.board,
            "figures": its.figures,
            "differ": len(its.differences),
            "verdict": its.note or ("differs" if its.differences else "as its source says"),
        }
        for its in checked
    ]
    print_rows(rows, wanted, "Boards")
    for its in checked:
        for difference in its.differences:
            print(f"{its.board}: {difference}", file=sys.stderr)
    if any(its.differences for its in checked):
        raise typer.Exit(1)
