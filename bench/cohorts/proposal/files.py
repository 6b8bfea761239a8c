"""Where the files of each case are."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.cohorts.columns import FILES
from bench.cohorts.proposal import synonyms
from bench.cohorts.proposal.columns import Column


def add_files(
    cases: pd.DataFrame,
    table: pd.DataFrame,
    columns: Sequence[Column],
    folder: Path,
    csv: Path,
    notes: list[str],
) -> None:
    """Add the columns image and mask: from the table's own, else from file names that hold the case's id."""
    sources = {column.use: column.source for column in columns if column.use in FILES}
    volumes = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if synonyms.is_volume(path.name)
    )
    for use in FILES:
        if use in sources:
            named = [_relative(cell, folder, csv, volumes) for cell in table[sources[use]]]
            cases[use] = [path for path, _ in named]
            _note_searched(use, [several for _, several in named], cases, notes)
            continue
        wanted = [path for path in volumes if synonyms.names_a_mask(path) == (use == "mask")]
        cases[use] = [
            _file_of(case, wanted) for case in zip(cases["case_id"], cases["patient_id"], strict=True)
        ]
        found = int((cases[use] != "").sum())
        if found or use == "image":
            notes.append(
                f"no column names the {use}: {found} of {len(cases)} were found as the one file "
                "whose name holds the case's or patient's id"
            )


def _relative(cell: str, folder: Path, csv: Path, volumes: Sequence[str]) -> tuple[str, int]:
    """A path as cases.csv has it, from the folder, and how many files a bare name fits (0 where none was
    looked for).

    A file that lies in the folder or beside the table is taken as named; else the one file of that name
    below the folder; else the text stays as it was.
    """
    text = cell.strip().replace("\\", "/")
    for start in (folder, csv.parent):
        path = Path(os.path.normpath((start / text).absolute()))
        if text and path.is_file() and path.is_relative_to(folder.absolute()):
            return path.relative_to(folder.absolute()).as_posix(), 0
    if not text or "/" in text:
        return text, 0
    same = [path for path in volumes if path.rsplit("/", 1)[-1] == text]
    return (same[0] if len(same) == 1 else text), len(same)


def _note_searched(use: str, fits: Sequence[int], cases: pd.DataFrame, notes: list[str]) -> None:
    """Note bare names that were found in folders below, and those that several files have."""
    found = sum(count == 1 for count in fits)
    if found:
        notes.append(f"{found} {use} names were found in folders below; look at one of them")
    several = [case_id for case_id, count in zip(cases["case_id"], fits, strict=True) if count > 1]
    if several:
        notes.append(
            f"the {use} of {', '.join(several[:3])}{' and others' if len(several) > 3 else ''} is named "
            "like several files in folders below: write its path from the folder"
        )


def _file_of(ids: Sequence[str], paths: Sequence[str]) -> str:
    """The one file whose name holds the first of the ids that occurs at all as a word of its own, or ''."""
    for name in ids:
        word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])")
        found = [path for path in paths if word.search(path)]
        if found:
            return found[0] if len(found) == 1 else ""
    return ""
