"""Lists that commands print: a table on a terminal, JSON for programs."""

from enum import StrEnum
from pathlib import Path

from bench.errors import UsageError, parameter


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
    html = "html"


def board_format(path: Path | None) -> BoardFormat:
    """The format that the ending of a file's name asks for; ``table`` where there is no file.

    Raises
    ------
    UsageError
        The ending is that of no format.
    """
    if path is None:
        return BoardFormat.table
    known = [one.value for one in BoardFormat if one is not BoardFormat.table]
    if path.suffix[1:].lower() not in known:
        endings = ", ".join(f".{name}" for name in known)
        raise UsageError(
            f"no format ends in {path.suffix!r} ({path}): use one of {endings}, or give {parameter('format')}"
        )
    return BoardFormat(path.suffix[1:].lower())
