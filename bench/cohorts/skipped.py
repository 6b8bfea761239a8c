"""The cases that a cohort leaves out as invalid, remembered in its folder as ``skipped.csv``."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from bench.cohorts.checking.violation import refuse
from bench.cohorts.table import read_table
from bench.errors import CohortError
from bench.files import write_whole

SKIPPED = "skipped.csv"
COLUMNS = ("case_id", "reason")


def read_skipped(folder: Path) -> dict[str, str]:
    """Cases to leave out, each with the reason; empty where the folder has no such list.

    Raises
    ------
    CohortError
        The list is not the table that :func:`write_skipped` writes.
    """
    path = folder / SKIPPED
    if not path.is_file():
        return {}
    table = read_table(path, refuse)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise CohortError(
            f"{path}: expected the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}; remove "
            "the file, and `bench cohort check --skip-broken` writes it anew"
        )
    return dict(zip(table["case_id"], table["reason"], strict=True))


def write_skipped(folder: Path, reasons: Mapping[str, str]) -> Path:
    """Remember which cases to leave out, and why; raises CohortError where the folder cannot be written."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows(reasons.items())
    path = folder / SKIPPED
    try:
        write_whole(path, text.getvalue())
    except OSError as error:
        raise CohortError(
            f"{path} cannot be written ({error.strerror or error}): the cases to leave out are "
            "remembered there; make the folder writable, or copy the cohort"
        ) from None
    return path
