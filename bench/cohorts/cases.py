"""What cases.csv says: who each case is, what its labels and covariates are, which files it names."""

import difflib
import itertools
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.checking.violation import Tell, Violation
from bench.cohorts.columns import GROUPS, IDENTITY, IMAGE, MASK, ROLES
from bench.cohorts.header import CATEGORICAL, SEE
from bench.cohorts.image_files import check_data_file
from bench.cohorts.lesion_labels import LESION_LABEL
from bench.cohorts.proposal.synonyms import box_columns
from bench.cohorts.table import lines_named, read_table
from bench.cohorts.values import binary_numbers, covariate, hint, is_missing, numbers, odd_cells
from bench.errors import CohortError
from bench.imaging.detached import MISSING as MISSING
from bench.imaging.detached import OUTSIDE as OUTSIDE
from bench.task import Task

NAMED_VALUES = 3


def read_cases(folder: Path, images: Sequence[str], tell: Tell) -> pd.DataFrame:
    """The table, every cell as text, indexed by line; without a row where it cannot be read.

    ``images`` are the columns that name the images of a case.
    """
    path = folder / "cases.csv"
    nothing = pd.DataFrame(columns=list(IDENTITY), dtype=object)
    if not path.is_file():
        tell(Violation("no cases.csv", f"{path} is missing: it lists the cases, one a line ({SEE})"))
        return nothing
    try:
        cases = read_table(path, tell)
    except CohortError as error:
        tell(Violation("cases.csv", str(error)))
        return nothing
    _check_fixed_names(path, list(map(str, cases)), images, tell)
    if cases.empty:
        tell(Violation("no cases", f"{path} lists no case; add one line a case"))
    return nothing if "case_id" not in cases else cases


def _check_fixed_names(path: Path, names: Sequence[str], images: Sequence[str], tell: Tell) -> None:
    missing = [name for name in IDENTITY if name not in names]
    if missing:
        near = [f"{found!r} is there, rename it" for name in missing for found in _spelled_alike(name, names)]
        remedy = "; ".join(near) or "add them (and separate columns by commas)"
        detail = (
            f"{path}: expected the columns {', '.join(IDENTITY)}; missing: {', '.join(missing)}; {remedy}"
        )
        tell(Violation("missing column", detail))
    lacking = [name for name in (*images, MASK) if name not in names]
    if lacking and (len(lacking) <= len(images) or tuple(images) != (IMAGE,)):
        tell(Violation("missing column", f"{path}: {_lacking_files(names, images, lacking)}"))


def _lacking_files(names: Sequence[str], images: Sequence[str], lacking: Sequence[str]) -> str:
    """What to say of columns of files, some of which are missing."""
    if tuple(images) != (IMAGE,):
        return (
            f"cohort.toml names the images {', '.join(images)}, which go with {MASK}; missing: "
            f"{', '.join(lacking)}; add the columns, or correct images in cohort.toml"
        )
    detail = "image and mask go together; only one of the two columns is there, add the other"
    return detail + BOXES if box_columns(names) and IMAGE in names else detail


BOXES = (
    "; the table has boxes: rename it to table.csv, and `bench cohort init FOLDER --csv table.csv "
    "--write` makes masks of them"
)


def _spelled_alike(name: str, names: Iterable[str]) -> list[str]:
    plain = {"".join(filter(str.isalnum, spelled)).casefold(): spelled for spelled in names}
    found = plain.get(name.replace("_", ""))
    return [found] if found else []


def check_columns(
    folder: Path, declared: Iterable[str], images: Sequence[str], cases: pd.DataFrame, tell: Tell
) -> None:
    """Tell of columns that one of the two files lacks; ``declared`` are tasks and columns with a role."""
    where, declared = folder / "cases.csv", list(declared)
    for name in declared:
        if name not in cases:
            near = difflib.get_close_matches(
                name.casefold(), [str(column).casefold() for column in cases], n=1
            )
            meant = [column for column in map(str, cases) if near and column.casefold() == near[0]]
            ask = f" (is {meant[0]!r} meant?)" if meant and meant[0] not in declared else ""
            detail = (
                f"{where}: no column {name!r}, which cohort.toml declares{ask}; add it or do not declare it"
            )
            tell(Violation("missing column", detail, column=name))
    for name in map(str, cases):
        if name not in (*IDENTITY, *images, MASK, LESION_LABEL, *declared):
            detail = (
                f"{where}: column {name!r} has no role; list it in cohort.toml under [columns] as "
                f"{', '.join(ROLES)}, or declare it as a task"
            )
            tell(Violation("column without a role", detail, column=name))


def check_identity(folder: Path, cases: pd.DataFrame, tell: Tell) -> None:
    """Tell of fields that are empty, ids that occur twice and groups that are none."""
    where = folder / "cases.csv"
    for name in IDENTITY:
        for line, case_id in _where_empty(cases, name):
            detail = f"{where}, line {line}: {name} is empty; fill it in"
            tell(Violation("empty field", detail, case_id, line=line, column=name))
    again = cases[(cases["case_id"] != "") & cases["case_id"].duplicated(keep=False)]
    for twice, same in again.groupby("case_id", sort=False):
        detail = (
            f"{where}: case_id {twice!r} occurs more than once ({lines_named(list(same.index))}); give "
            "every line an id of its own (lesions of one patient share the patient_id)"
        )
        line = int(same.index[1])
        tell(Violation("duplicate case id", detail, str(twice), line=line, column="case_id"))
    if "group" in cases:
        wrong = cases[(cases["group"] != "") & ~cases["group"].isin(GROUPS)]
        for line, case_id, group in wrong[["case_id", "group"]].itertuples(name=None):
            detail = (
                f"{where}, line {line}: case {case_id!r} has group {group!r}, expected "
                f"{' or '.join(GROUPS)}; correct it"
            )
            tell(Violation("unknown group", detail, case_id, line=line, column="group"))


def _where_empty(cases: pd.DataFrame, name: str) -> list[tuple[int, str]]:
    if name not in cases:
        return []
    return list(cases.loc[cases[name] == "", ["case_id"]].itertuples(name=None))


def with_plain_groups(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with groups in lower case: ``Internal`` means internal."""
    return cases.assign(group=cases["group"].str.lower()) if "group" in cases else cases


def labels_of(folder: Path, cases: pd.DataFrame, task: Task, tell: Tell) -> np.ndarray:
    """Labels of a task, float, shape (case,), NaN where unknown or invalid."""
    cells = cases[task.name]
    if task.kind == "binary":
        found, expected = binary_numbers(cells), "0, 1 or empty"
        wrong = found.odd
    else:
        found, (low, high) = numbers(cells), task.range
        wrong = found.odd | (found.values < low) | (found.values > high)
        expected = f"a number from {low:g} to {high:g}, or empty"
    for place, line, cell in odd_cells(cells, wrong):
        case_id = cases["case_id"].iloc[place]
        detail = (
            f"{folder / 'cases.csv'}, line {line}: case {case_id!r} has {task.name} = {cell}, expected "
            f"{expected}{hint(cell, task.kind == 'binary') or '; correct or empty it'}"
        )
        tell(Violation("label outside its range", detail, case_id, line=line, column=task.name))
    return np.where(wrong, np.nan, found.values)


def covariates_of(
    folder: Path, cases: pd.DataFrame, roles: Mapping[str, str], categorical: Sequence[str], tell: Tell
) -> pd.DataFrame:
    """Columns with a role, as numbers or words; cells of a column of numbers that are none go to ``tell``."""
    columns: dict[str, Any] = {}
    for name, role in roles.items():
        columns[name], odd = covariate(cases[name], name in categorical)
        if odd.any() and role != "ignore":
            _tell_odd_covariate(folder, cases, name, odd, tell)
    return pd.DataFrame(columns, index=cases.index)


def _tell_odd_covariate(folder: Path, cases: pd.DataFrame, name: str, odd: np.ndarray, tell: Tell) -> None:
    lines, cells = [], []
    for _, line, cell in odd_cells(cases[name], odd):
        lines.append(line)
        cells.append(repr(cell))
    shown = ", ".join(dict.fromkeys(cells[:NAMED_VALUES]))
    held = int((~cases[name].map(is_missing)).sum()) - len(lines)
    detail = (
        f"{folder / 'cases.csv'}, {lines_named(lines)}: column {name!r} holds {held} numbers and {shown}"
        f"{hint(cells[0][1:-1]) or '; write numbers, or empty the cell'}; a column of categories is "
        f"listed under [columns] as {CATEGORICAL} too"
    )
    tell(Violation("numbers and words in a column", detail, line=lines[0], column=name))


# The files that cases.csv names.


def check_files(folder: Path, images: Sequence[str], cases: pd.DataFrame, tell: Tell) -> None:
    """Tell of files that are not named, not there, not inside the folder, or named twice for one case."""
    boxes = box_columns(map(str, cases))
    files = [name for name in (*images, MASK) if name in cases]
    for name in files:
        for line, case_id, relative in cases[["case_id", name]].itertuples(name=None):
            _check_file(folder, line, case_id, name, relative, bool(boxes), tell)
    for one, other in itertools.combinations(files, 2):
        same = cases[(cases[one] == cases[other]) & (cases[one] != "")]
        for line, case_id, path in same[["case_id", one]].itertuples(name=None):
            kind, what = "mask is the image", "its image; name the file of the mask"
            if other != MASK:
                kind, what = "images alike", f"its {one} too; name the file of each"
            detail = f"case {case_id!r}: its {other} {path!r} is {what}"
            tell(Violation(kind, detail, case_id, line=line, column=other))


def _check_file(
    folder: Path, line: int, case_id: str, kind: str, relative: str, boxes: bool, tell: Tell
) -> None:
    problem = MISSING
    if not relative:
        box = BOXES if boxes and kind == "mask" else ""
        where = f"{folder / 'cases.csv'}, line {line}: case {case_id!r}"
        detail = f"{where} has no {kind}; fill it in or leave the case out{box}"
        tell(Violation(problem, detail, case_id, line=line, column=kind))
        return
    if wrong := outside(relative):
        problem, detail = OUTSIDE, f"case {case_id!r}: its {kind} {wrong}"
    elif not (folder / relative).is_file():
        slash = "; write / for \\" if "\\" in relative else ""
        is_folder = (folder / relative).is_dir()
        folder_named = (
            " (it is a folder); convert a DICOM series to one volume (dcm2niix)" if is_folder else ""
        )
        detail = (
            f"case {case_id!r}: its {kind} {relative!r} is missing in {folder}{folder_named}{slash}; "
            "correct its path in cases.csv or leave the case out"
        )
    else:
        check_data_file(folder, case_id, kind, relative, tell)
        return
    tell(Violation(problem, detail, case_id, line=line, column=kind))


def outside(relative: str) -> str:
    """What is wrong with a path that does not stay inside the cohort's folder; empty where it does."""
    if Path(relative).is_absolute() or relative[1:3] in (":\\", ":/"):
        return (
            f"{Path(relative).name!r} has an absolute path; paths are relative to the cohort folder and stay "
            "inside: write it from there"
        )
    if os.path.normpath(relative.replace("\\", "/")).split("/")[0] == "..":
        return (
            f"{relative!r} lies outside the cohort folder; paths are relative and stay inside: move or link "
            "the file into the folder"
        )
    return ""


def with_found_files(folder: Path, images: Sequence[str], cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with the names that their files have on disk: some systems decompose é, others do not."""
    named = {
        name: [_on_disk(folder, relative) for relative in cases[name]]
        for name in (*images, MASK)
        if name in cases
    }
    return cases.assign(**named)


def _on_disk(folder: Path, relative: str) -> str:
    if not relative or relative.isascii() or (folder / relative).exists():
        return relative
    decomposed = unicodedata.normalize("NFD", relative)
    return decomposed if (folder / decomposed).exists() else relative
