"""Lists that commands print: a table on a terminal, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.table import Table


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
