"""The faults of a cohort by kind, errors first, for the terminal; and as a list for programs."""

import csv
import io
import json
import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.cohorts.check import Checked
from bench.cohorts.fault import Fault
from bench.errors import UsageError
from bench.files import written
from bench.listing import Format

# Faults of a kind that are told whole, and cases that are named beyond them.
TOLD, NAMED = 3, 8
ENDINGS = (".csv", ".json")
FIELDS = ("severity", "kind", "case", "line", "column", "detail")


def print_checked(checked: Checked, folder: Path, wanted: Format) -> None:
    """Print the faults by kind, then the counts and whether a run would take the cohort."""
    counts = [asdict(count) for count in checked.counts]
    if wanted is Format.json:
        print(json.dumps({**_summary(checked, folder), "counts": counts}, indent=1))
        return
    for kind in by_kind(checked.faults):
        _print_kind(kind, folder)
    _print_lines(counts)
    errors = sum(fault.severity == "error" for fault in checked.faults)
    outcome = "a run would take this cohort" if checked.would_run else "a run would refuse this cohort"
    print(f"{checked.cases} cases, {errors} errors, {len(checked.faults) - errors} warnings: {outcome}")


def require_ending(path: Path) -> None:
    """Raise UsageError unless the list of faults can be written to a file of that name."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"the list of faults is a .csv or .json file, got {path.name!r}; choose one")


def write_faults(checked: Checked, folder: Path, path: Path) -> None:
    """Write every fault: a row a fault to a ``.csv`` file, the same and the counts of kinds to a ``.json``.

    Raises UsageError for another ending and a folder, and BenchError where the file cannot be written.
    """
    require_ending(path)
    as_json = path.suffix.lower() == ".json"
    summary = json.dumps(_summary(checked, folder), indent=1) + "\n"
    with written(path, "the list of faults", "--out") as aside:
        aside.write_text(summary if as_json else _csv(_rows(checked.faults, folder)), encoding="utf-8")


def by_kind(faults: Sequence[Fault]) -> list[list[Fault]]:
    """The faults of each kind and severity: errors first, and of them the most frequent."""
    kinds: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        kinds.setdefault((fault.severity, fault.rule), []).append(fault)
    return sorted(kinds.values(), key=lambda its: (its[0].severity, -len(its), its[0].rule))


def _summary(checked: Checked, folder: Path) -> dict[str, Any]:
    kinds = [
        {"severity": its[0].severity, "kind": its[0].rule, "faults": len(its)}
        for its in by_kind(checked.faults)
    ]
    return {"would_run": checked.would_run, "kinds": kinds, "faults": _rows(checked.faults, folder)}


def _rows(faults: Sequence[Fault], folder: Path) -> list[dict[str, Any]]:
    """One row a fault, kind by kind."""
    return [
        {
            "severity": fault.severity,
            "kind": fault.rule,
            "case": fault.case_id,
            "line": fault.line or None,
            "column": fault.column,
            "detail": _plain(fault, folder),
        }
        for kind in by_kind(faults)
        for fault in kind
    ]


def _plain(fault: Fault, folder: Path) -> str:
    """The detail without what stands beside it; paths inside the folder are given from there."""
    inside = f"{folder.resolve()}{os.sep}"
    return fault.detail.removeprefix(f"case {fault.case_id!r}: ").replace(inside, "")


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    lines = csv.DictWriter(text, FIELDS, lineterminator="\n")
    lines.writeheader()
    lines.writerows({key: "" if its is None else its for key, its in row.items()} for row in rows)
    return text.getvalue()


def _print_kind(kind: Sequence[Fault], folder: Path) -> None:
    """A heading with the count, the first faults, and the names of some more cases."""
    width = shutil.get_terminal_size().columns
    print(f"{kind[0].severity}: {kind[0].rule} ({len(kind)})")
    for fault in kind[:TOLD]:
        start = f"  {fault.case_id}: " if fault.case_id else "  "
        text = start + _plain(fault, folder)
        print(
            textwrap.fill(
                text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
            )
        )
    more = len(kind) - TOLD
    names = [fault.case_id or (f"line {fault.line}" if fault.line else "") for fault in kind[TOLD:]]
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
