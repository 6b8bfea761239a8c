"""The violations of a cohort by kind, errors first, for the terminal; and as a list for programs."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.cohorts.checking.check import Checked
from bench.cohorts.checking.violation import Violation
from bench.errors import UsageError, parameter
from bench.files import written

ENDINGS = (".csv", ".json")
FIELDS = ("severity", "kind", "case", "line", "column", "detail")


def require_ending(path: Path) -> None:
    """Raise UsageError unless the list of violations can be written to a file of that name."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"the list of violations is a .csv or .json file, got {path.name!r}; choose one")


def write_violations(checked: Checked, folder: Path, path: Path) -> None:
    """Write all: one row per violation to a ``.csv`` file, the same and the counts of kinds to a ``.json``.

    Raises UsageError for another ending and a folder, and BenchError where the file cannot be written.
    """
    require_ending(path)
    as_json = path.suffix.lower() == ".json"
    as_text = json.dumps(summary(checked, folder), indent=1) + "\n"
    with written(path, "the list of violations", parameter("out")) as temporary:
        temporary.write_text(
            as_text if as_json else _csv(_rows(checked.violations, folder)), encoding="utf-8"
        )


def by_kind(violations: Sequence[Violation]) -> list[list[Violation]]:
    """The violations of each kind and severity: errors first, and of them the most frequent."""
    kinds: dict[tuple[str, str], list[Violation]] = {}
    for violation in violations:
        kinds.setdefault((violation.severity, violation.kind), []).append(violation)
    return sorted(kinds.values(), key=lambda kind: (kind[0].severity, -len(kind), kind[0].kind))


def summary(checked: Checked, folder: Path) -> dict[str, Any]:
    """Whether a run would take the cohort, the violations by kind, counted, and each of them, for JSON."""
    kinds = [
        {"severity": kind[0].severity, "kind": kind[0].kind, "violations": len(kind)}
        for kind in by_kind(checked.violations)
    ]
    return {"would_run": checked.would_run, "kinds": kinds, "violations": _rows(checked.violations, folder)}


def _rows(violations: Sequence[Violation], folder: Path) -> list[dict[str, Any]]:
    """One row per violation, kind by kind."""
    return [
        {
            "severity": violation.severity,
            "kind": violation.kind,
            "case": violation.case_id,
            "line": violation.line or None,
            "column": violation.column,
            "detail": plain_detail(violation, folder),
        }
        for kind in by_kind(violations)
        for violation in kind
    ]


def plain_detail(violation: Violation, folder: Path) -> str:
    """The detail without what stands beside it; paths inside the folder are given from there."""
    inside = f"{folder.resolve()}{os.sep}"
    return violation.detail.removeprefix(f"case {violation.case_id!r}: ").replace(inside, "")


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    lines = csv.DictWriter(text, FIELDS, lineterminator="\n")
    lines.writeheader()
    lines.writerows({key: "" if cell is None else cell for key, cell in row.items()} for row in rows)
    return text.getvalue()
