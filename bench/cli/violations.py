"""The violations of a cohort on the terminal, by kind, errors first."""

import json
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.cohorts.checking.check import Checked
from bench.cohorts.checking.violation import Violation
from bench.cohorts.checking.violation_list import by_kind, plain_detail, summary
from bench.report.formats.format import Format

# Violations of a kind that are told whole, and cases that are named beyond them.
TOLD, NAMED = 3, 8


def print_checked(checked: Checked, folder: Path, wanted: Format) -> None:
    """Print the violations by kind, then the counts and whether a run would take the cohort."""
    counts = [asdict(count) for count in checked.counts]
    if wanted is Format.json:
        print(json.dumps({**summary(checked, folder), "counts": counts}, indent=1))
        return
    for kind in by_kind(checked.violations):
        _print_kind(kind, folder)
    _print_lines(counts)
    errors = sum(violation.severity == "error" for violation in checked.violations)
    outcome = "a run would take this cohort" if checked.would_run else "a run would reject this cohort"
    print(f"{checked.cases} cases, {errors} errors, {len(checked.violations) - errors} warnings: {outcome}")


def _print_kind(kind: Sequence[Violation], folder: Path) -> None:
    """A heading with the count, the first violations, and the names of some more cases."""
    width = shutil.get_terminal_size().columns
    print(f"{kind[0].severity}: {kind[0].kind} ({len(kind)})")
    for violation in kind[:TOLD]:
        start = f"  {violation.case_id}: " if violation.case_id else "  "
        text = start + plain_detail(violation, folder)
        print(
            textwrap.fill(
                text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
            )
        )
    more = len(kind) - TOLD
    names = [
        violation.case_id or (f"line {violation.line}" if violation.line else "") for violation in kind[TOLD:]
    ]
    if more > 0:
        cases = list(dict.fromkeys(filter(None, names)))
        shown = ", ".join(cases[:NAMED]) + (", ..." if len(cases) > NAMED else "")
        print(textwrap.fill(f"  and {more} more: {shown}".rstrip(": "), width, subsequent_indent="    "))
    print()


def _print_lines(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows in columns that are never folded; nothing for no rows."""
    if not rows:
        return
    texts = [list(rows[0])] + [["" if cell is None else str(cell) for cell in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    print()
