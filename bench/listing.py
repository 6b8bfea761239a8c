"""Lists that commands print: a table on a terminal, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.errors import UsageError


class Format(StrEnum):
    """How a command prints its list."""

    table = "table"
    json = "json"


class BoardFormat(StrEnum):
    """How a leaderboard is written."""

    table = "table"
    md = "md"
    csv = "csv"
    json = "json"
    latex = "latex"
    tex = "tex"


def board_format(path: Path | None) -> BoardFormat:
    """The format that the ending of a file's name asks for; ``table`` where there is no file.

    Raises
    ------
    UsageError
        The ending is that of no format.
    """
    if path is None:
        return BoardFormat.table
    known = [its.value for its in BoardFormat if its is not BoardFormat.table]
    if path.suffix[1:].lower() not in known:
        endings = ", ".join(f".{name}" for name in known)
        raise UsageError(
            f"no format ends in {path.suffix!r} ({path}): use one of {endings}, or give --format"
        )
    return BoardFormat(path.suffix[1:].lower())


class Missing(StrEnum):
    """What becomes of a method with missing or failed cells."""

    apart = "apart"
    chance = "chance"


def print_rows(rows: Sequence[Mapping[str, Any]], wanted: Format, title: str) -> None:
    """Print rows with the same keys."""
    if wanted is Format.json:
        print(json.dumps(list(rows), indent=1))
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table if rows else f"{title}: none", markup=False, highlight=False)
