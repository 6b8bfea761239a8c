"""What the pages of the documentation hold."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "bench" / "docs"


def page(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def titled_blocks(text: str) -> dict[str, str]:
    """Code by the title of its block, which is the name of its file."""
    return dict(re.findall(r'^```\w+ title="([\w.]+)"\n(.*?)^```$', text, flags=re.MULTILINE | re.DOTALL))


def commands(text: str) -> list[list[str]]:
    """Words behind ``bench`` of each command that stands on a line of its own."""
    return [shlex.split(line) for line in re.findall(r"^    bench (.+)$", text, flags=re.MULTILINE)]


def table_after(text: str, start: str) -> list[list[str]]:
    """Cells of the first table after the line that begins with ``start``, row by row, its header left out."""
    _, found, rest = text.partition(f"\n{start}")
    assert found, f"no line begins with {start!r}"
    _, _, lines = re.search(r"^(\|.*\n)(\|[-|]+\n)((?:\|.*\n)+)", rest, flags=re.MULTILINE).groups()  # type: ignore[union-attr]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines.splitlines()]
