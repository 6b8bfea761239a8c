"""Run stores as a whole."""

import sys
from pathlib import Path
from typing import Annotated

import typer

# Cells that are named one by one before the rest is counted.
MAX_NAMED = 5


def merge(
    into: Annotated[Path, typer.Argument(help="Run store that takes the cells.")],
    others: Annotated[list[Path], typer.Argument(help="Run stores whose cells are taken; they stay.")],
) -> None:
    """Take the finished cells of other run stores into one.

    Such as those of a second machine.
    """
    from bench.progress import warn
    from bench.store.merge import merge_stores
    from bench.store.store import Store

    merged = merge_stores(Store(into), [Store(other) for other in others])
    print(f"{len(merged.taken)} cells taken into {into}, {len(merged.present)} were there")
    for folders, why in (
        (merged.different, "another result of the same cell is in the store and stays"),
        (merged.damaged, "not taken, the record or a table is damaged"),
    ):
        for folder in folders[:MAX_NAMED]:
            warn(f"{folder}: {why}")
        if len(folders) > MAX_NAMED:
            print(f"and {len(folders) - MAX_NAMED} more", file=sys.stderr)
