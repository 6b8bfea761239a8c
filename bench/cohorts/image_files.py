"""The files of a cohort's images: those of cases.csv, and those that their headers name."""

import os
from collections.abc import Iterable
from pathlib import Path

from bench.cohorts.checking.violation import Tell, Violation
from bench.errors import ImageError
from bench.imaging.detached import MISSING, OUTSIDE, data_file, require_inside


def check_data_file(folder: Path, case_id: str, kind: str, relative: str, tell: Tell) -> None:
    """Tell where the header of an image names a data file that is missing or lies outside the folder."""
    path = folder / relative
    try:
        data = data_file(path)
        if data is not None:
            require_inside(path, data, folder)
    except ImageError as error:
        if error.kind in (MISSING, OUTSIDE):  # whatever else is wrong with a header is told where it is read
            tell(Violation(error.kind, f"case {case_id!r}: its {kind} {relative!r} {error}", case_id))


def with_data_files(folder: Path, names: Iterable[str]) -> list[str]:
    """The names and those of the data files that their headers name, relative to the folder, sorted."""
    found = set(names)
    for name in list(found):
        try:
            data = data_file(folder / name)
        except (ImageError, OSError):  # told by whatever reads the image
            continue
        if data is not None:
            found.add(os.path.relpath(os.path.normpath(data), folder))
    return sorted(found)
