"""Which methods find which signal: the boards of several synthetic cohorts on one split, side by side."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from bench.report.formats.text import SYNTHETIC_BANNER

SIGNALS = "SIGNALS.md"
# With fewer boards of a split there is nothing to lay side by side, and a row on fewer is left out.
FEWEST = 3
NONE, ABSENT = "none", ""
HEAD = (
    "# Which methods find which signal",
    "",
    SYNTHETIC_BANNER,
    "",
    "A cohort of the phantom has its signals in a known place. A cell names the tasks on which the method is "
    "better than the baseline on that cohort's board, after correction for all rows of the board; `none`: on "
    "no task; empty: it is not on the board. What is not found here may be found with more cases: every "
    "board says how far its intervals reach, and boards with more rows ask for larger differences.",
)


def signals_page(boards: Sequence[Path]) -> str | None:
    """A table for each split with enough boards of synthetic cohorts; None where there is none.

    Parameters
    ----------
    boards
        Folders of frozen boards, ``<cohort>/<split>``.
    """
    by_split: dict[str, dict[str, dict[str, str]]] = {}
    for place in boards:
        if (place / "records.json").is_file():
            by_split.setdefault(place.name, {})[place.parent.name] = _found(place)
    tables = [_table(split, found) for split, found in by_split.items() if len(found) >= FEWEST]
    return "\n".join([*HEAD, *(line for table in tables for line in table), ""]) if tables else None


def _found(place: Path) -> dict[str, str]:
    """By method, the tasks on which it is better than the baseline, or :data:`NONE`."""
    records = json.loads((place / "records.json").read_text(encoding="utf-8"))
    titles = {task["name"]: task["title"] for task in records["tasks"]}
    board = pd.read_csv(place / "board.csv", dtype=str)
    order = list(titles)
    found: dict[str, str] = {}
    for method, rows in board.groupby("method"):
        better = set(rows.loc[rows["against_constant"] == "better", "task"])
        found[str(method)] = ", ".join(titles[task] for task in order if task in better) or NONE
    return found


def _table(split: str, found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Rows that are on enough boards, those that find most first."""
    methods = sorted({method for board in found.values() for method in board})
    rows = {method: [board.get(method, ABSENT) for board in found.values()] for method in methods}
    rows = {method: cells for method, cells in rows.items() if len(cells) - cells.count(ABSENT) >= FEWEST}
    ordered = sorted(rows, key=lambda method: (-_signals(rows[method]), method))
    return [
        "",
        f"## {split}",
        "",
        f"| Method | {' | '.join(found)} |",
        f"| --- |{' --- |' * len(found)}",
        *(f"| {method} | {' | '.join(rows[method])} |" for method in ordered),
    ]


def _signals(cells: Sequence[str]) -> int:
    return sum(0 if cell in (NONE, ABSENT) else cell.count(",") + 1 for cell in cells)
