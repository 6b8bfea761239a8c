"""Propose cohort.toml and cases.csv from a user's own table; the user reads it, confirms and keeps it."""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts import synonyms
from bench.cohorts.cohort import ROLES
from bench.cohorts.folder import FILES, IDENTITY
from bench.cohorts.stand_in import (
    SPHERE_MM,
    Ellipsoid,
    ellipsoid_in_box,
    grid_of,
    require_inside,
    sphere_round,
    write_stand_in,
)
from bench.errors import CohortError, UsageError
from bench.imaging.grid import Grid

TITLES = {"er": "ER", "pr": "PR", "her2": "HER2", "hr": "HR", "ki67": "Ki-67"}
SHOWN_LINES = 5
NAMED = 5


@dataclass(frozen=True)
class Column:
    """What is proposed for one column of the user's table.

    ``use`` is a column of cases.csv (``case_id`` ... ``mask``), ``task``, or a role; ``name`` is its name in
    cases.csv; ``why`` says from what the proposal was made.
    """

    source: str
    use: str
    name: str
    why: str


@dataclass(frozen=True, eq=False)
class StandIn:
    """A mask to be written in the place of one that nobody drew."""

    case_id: str
    source: str
    shape: Ellipsoid
    grid: Grid
    path: str


@dataclass(frozen=True, eq=False)
class Proposal:
    """A cohort as it would be written: the text of cohort.toml, the table, masks, and what to look at."""

    folder: Path
    columns: tuple[Column, ...]
    toml: str = field(repr=False)
    cases: pd.DataFrame = field(repr=False)
    stand_ins: tuple[StandIn, ...] = field(repr=False)
    notes: tuple[str, ...]


def propose(folder: Path, csv: Path, point_unit: str = "") -> Proposal:
    """Propose a cohort for the images in a folder from a table with names of its own.

    Parameters
    ----------
    folder
        Where the images lie and where cohort.toml and cases.csv would be written.
    csv
        The user's table, a line a case, separated by commas, semicolons or tabs.
    point_unit
        ``mm`` (LPS) or ``voxel``: the unit of a lesion's point whose columns' names do not say it.

    Raises
    ------
    UsageError
        The table cannot be read, has no line, or has a point in an unknown unit.
    """
    table = _read_table(csv)
    notes: list[str] = []
    columns = propose_columns(table, notes)
    cases = _identity(table, columns, folder.resolve().name, notes)
    _add_files(cases, table, columns, folder, csv, notes)
    stand_ins = _stand_ins(table, cases, folder, point_unit, notes)
    if (cases[list(FILES)] == "").to_numpy().all():
        notes.append("no image was found: methods that read volumes cannot run on this cohort")
        cases = cases.drop(columns=list(FILES))
    for column in columns:
        if column.use == "task":
            cases[column.name] = _labels(column, table[column.source], notes)
    for column in columns:
        if column.use in ROLES:
            cases[column.name] = _covariate(table[column.source])
    if stand_ins:
        sources = {its.case_id: its.source for its in stand_ins}
        drawn = cases["mask"].ne("").map({True: "mask", False: ""})
        cases["mask_source"] = cases["case_id"].map(sources).fillna(drawn)
    toml = _toml(folder.resolve().name, columns, stand_ins, len(cases))
    return Proposal(folder, tuple(columns), toml, cases, tuple(stand_ins), tuple(notes))


def print_proposal(proposal: Proposal) -> None:
    """Show what would be written, and what to look at before it is."""
    width = max(len(column.source) for column in proposal.columns)
    for column in proposal.columns:
        name = f" {column.name}" if column.use == "task" else ""
        print(f"{column.source.ljust(width)}  ->  {column.use}{name} ({column.why})")
    print(f"\n--- cohort.toml\n{proposal.toml}")
    print(f"--- cases.csv, first of {len(proposal.cases)} lines")
    print(proposal.cases.head(SHOWN_LINES).to_csv(index=False, lineterminator="\n"))
    for note in proposal.notes:
        print(f"look at this: {note}")


def write_proposal(proposal: Proposal) -> None:
    """Write cohort.toml, cases.csv and the stand-in masks; raises UsageError where one of them is there."""
    paths = [proposal.folder / name for name in ("cohort.toml", "cases.csv")]
    for path in [*paths, *(proposal.folder / its.path for its in proposal.stand_ins)]:
        if path.exists():
            raise UsageError(f"{path} is there already; rename or remove it first")
    for its in proposal.stand_ins:
        write_stand_in(its.shape, its.grid, proposal.folder / its.path)
    proposal.cases.to_csv(paths[1], index=False)
    paths[0].write_text(proposal.toml, encoding="utf-8")


def _read_table(csv: Path) -> pd.DataFrame:
    """Every cell as text, empty where there is nothing."""
    try:
        first, _, rest = csv.read_text(encoding="utf-8-sig").partition("\n")
        named = first.strip().lower().startswith("sep=")
        header = rest.partition("\n")[0] if named else first
        separator = max(",;\t", key=header.count)
        table = pd.read_csv(
            csv, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", skiprows=int(named)
        )
    except UnicodeDecodeError:
        raise UsageError(f"{csv} is not UTF-8 text; in Excel save it as 'CSV UTF-8'") from None
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UsageError(f"{csv} cannot be read as a table, a line a case: {error}") from None
    table = table.fillna("")
    table = table[(table != "").any(axis=1)].reset_index(drop=True)
    if table.empty:
        raise UsageError(f"{csv} has no line under its header; expected a line a case")
    return table


# What each column is.


def propose_columns(table: pd.DataFrame, notes: list[str]) -> list[Column]:
    """A proposal for each column of the table, in its order; no use but a role is given twice."""
    sources = list(map(str, table))
    position = [name for names in synonyms.box_columns(sources).values() for name in names]
    position += synonyms.point_columns(sources)[0]
    columns: list[Column] = []
    for source in sources:
        if source in position:
            column = Column(source, "ignore", source, "box or point of the lesion")
        else:
            column = _propose(source, table[source], notes)
        rivals = [its.source for its in columns if its.use not in ROLES and its.name == column.name]
        if rivals and column.use not in ROLES:
            why = f"{rivals[0]!r} is taken as {column.name}"
            notes.append(f"column {source!r} is ignored: {why}")
            column = Column(source, "ignore", source, why)
        columns.append(column)
    taken = {*IDENTITY, *FILES, "mask_source", *(its.name for its in columns if its.use == "task")}
    return [
        replace(its, name=f"{its.source}_original") if its.use in ROLES and its.name in taken else its
        for its in columns
    ]


def _propose(source: str, cells: "pd.Series[str]", notes: list[str]) -> Column:
    if any(map(synonyms.is_volume, cells)):
        file = "mask" if synonyms.names_a_mask(source) else "image"
        return Column(source, file, file, "file names of volumes")
    use = synonyms.word_for(source, synonyms.IDENTITY_WORDS)
    if use == "group" and any(synonyms.group_of(cell) is None for cell in cells):
        use = _left_out(source, cells, "expected words such as internal and external", notes)
    if use == "case_id" and cells.duplicated().any():
        use = _left_out(source, cells, "it names several lines alike, so it is no case_id", notes)
    if use is not None:
        return Column(source, use, source if use == "ignore" else use, f"named as a {use.replace('_', ' ')}")
    return _propose_task(source, cells, notes) or _propose_role(source, notes)


def _propose_task(source: str, cells: "pd.Series[str]", notes: list[str]) -> Column | None:
    status = _name_of_status(source) or ""
    name = synonyms.word_for(source, synonyms.TASK_WORDS) or synonyms.word_for(status, synonyms.TASK_WORDS)
    readable = all(synonyms.binary_label(cell) is not None for cell in cells)
    if name == "ki67":
        readable = _is_percentage(cells)
    elif name is None and readable and not _role_of(source):
        name = status or None
    if name is None:
        return None
    if not readable:
        expected = "numbers from 0 to 100" if name == "ki67" else "two values such as positive and negative"
        _left_out(source, cells, f"expected {expected}: make a column of 0, 1 or numbers of it", notes)
        return Column(source, "ignore", source, f"would be {name}, but its values are not understood")
    return Column(source, "task", name, "a biomarker's label")


def _name_of_status(source: str) -> str | None:
    """Name of the task in a column such as ``IDH status``; None where the column is not called a status."""
    found = re.fullmatch(r"([a-z0-9_]*[a-z0-9])_?status", re.sub(r"[^a-z0-9]+", "_", source.lower()))
    return found[1] if found else None


def _propose_role(source: str, notes: list[str]) -> Column:
    role = _role_of(source)
    if role is not None:
        return Column(source, role, source, synonyms.ROLE_REASONS[role])
    task = synonyms.sounds_like_a_task(source)
    if task is not None:
        notes.append(
            f"column {source!r} is ignored, though it may be about {task}: if it holds the labels, call it "
            f"{task} and give it {'numbers from 0 to 100' if task == 'ki67' else '0 and 1'}"
        )
    return Column(source, "ignore", source, "not recognised")


def _role_of(source: str) -> str | None:
    """Role of a column by its name, or by what it is the status of."""
    by_name = synonyms.word_for(source, synonyms.ROLE_WORDS)
    return by_name or synonyms.word_for(_name_of_status(source) or "", synonyms.ROLE_WORDS)


def _left_out(source: str, cells: "pd.Series[str]", why: str, notes: list[str]) -> str:
    values = [repr(value) for value in cells.unique()[:NAMED]]
    notes.append(f"column {source!r} is ignored ({why}); it has {', '.join(values)}")
    return "ignore"


# What the lines say.


def _identity(table: pd.DataFrame, columns: Sequence[Column], name: str, notes: list[str]) -> pd.DataFrame:
    """case_id, patient_id, site and group of every line; what the table lacks is filled in and noted."""
    found = {its.use: table[its.source].str.strip() for its in columns if its.use in IDENTITY}
    lines = pd.Series([f"{line:04d}" for line in range(1, len(table) + 1)], index=table.index)
    if "patient_id" not in found:
        notes.append(
            "no column names the patient: every line is taken as a patient of its own; if a patient has "
            "several lines, fill patient_id in, or a method is tested on patients it has learned from"
        )
        found["patient_id"] = found.get("case_id", "p" + lines)
    if "case_id" not in found:
        patient = found["patient_id"]
        numbered = patient + "_" + (patient.groupby(patient).cumcount() + 1).astype(str)
        found["case_id"] = patient if patient.is_unique else numbered
    if "site" not in found:
        notes.append(f"no column names the site: all lines get {name!r}")
        found["site"] = pd.Series(name, index=table.index)
    if "group" not in found:
        notes.append(
            "no column says internal or external: all lines get internal; splits that test on an "
            "external group need it"
        )
        found["group"] = pd.Series("internal", index=table.index)
    found["group"] = found["group"].map(lambda cell: synonyms.group_of(cell) or cell)
    return pd.DataFrame({key: found[key] for key in IDENTITY})


def _labels(column: Column, cells: "pd.Series[str]", notes: list[str]) -> "pd.Series[str]":
    """Labels as cases.csv has them; what was made of the user's values is noted."""
    if column.name == "ki67":
        return _percentages(column, cells, notes)
    labels = cells.map(synonyms.binary_label)
    dash = cells.str.strip() == "-"
    if dash.any() and (labels[~dash] == "0").any():
        notes.append(f"{column.name}: '-' stands beside another word for negative and is taken as unknown")
        labels = labels.mask(dash, "")
    pairs = Counter(zip(cells.str.strip(), labels, strict=True))
    said = [f"{old!r} -> {new or 'unknown'} ({count})" for (old, new), count in pairs.items()]
    notes.append(f"{column.name}: {', '.join(said)}")
    return labels


def _is_percentage(cells: "pd.Series[str]") -> bool:
    """Whether the known cells are numbers from 0 to 100, and not a yes and no in figures."""
    known = cells[~cells.map(synonyms.is_unknown)].map(synonyms.number)
    return bool(len(known)) and bool(known.between(0, 100).all()) and not known.isin([0, 1]).all()


def _percentages(column: Column, cells: "pd.Series[str]", notes: list[str]) -> "pd.Series[str]":
    values = cells.map(synonyms.number)
    fraction = values.max() <= 1 and not cells.str.contains("%").any() and "%" not in column.source
    if fraction:
        notes.append(
            f"{column.name}: values from {values.min():g} to {values.max():g} are taken as fractions, "
            "times 100"
        )
        values = (100 * values).round(6)
    elif ((values > 0) & (values < 1)).any():
        small = int(((values > 0) & (values < 1)).sum())
        notes.append(
            f"{column.name}: {small} values lie between 0 and 1 and are kept as percentage points; multiply "
            "those that are fractions by 100"
        )
    return values.map(lambda value: "" if np.isnan(value) else f"{value:g}")


def _covariate(cells: "pd.Series[str]") -> "pd.Series[str]":
    """The cells as they are, but numbers with a decimal point and what is unknown empty."""
    known = cells.where(~cells.map(synonyms.is_unknown), "")
    numeric = known[known != ""].map(synonyms.number).notna().all()
    return known.str.strip().str.replace(",", ".") if numeric else known


# Where the files are.


def _add_files(
    cases: pd.DataFrame,
    table: pd.DataFrame,
    columns: Sequence[Column],
    folder: Path,
    csv: Path,
    notes: list[str],
) -> None:
    """Add the columns image and mask: from the table's own, else from file names that hold the case's id."""
    sources = {its.use: its.source for its in columns if its.use in FILES}
    volumes = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if synonyms.is_volume(path.name)
    )
    for use in FILES:
        if use in sources:
            cases[use] = [_relative(cell, folder, csv) for cell in table[sources[use]]]
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


def _relative(cell: str, folder: Path, csv: Path) -> str:
    """A path as cases.csv has it: from the folder, where the file lies in it; else as it was."""
    text = cell.strip().replace("\\", "/")
    for start in (folder, csv.parent):
        path = Path(os.path.normpath((start / text).absolute()))
        if text and path.is_file() and path.is_relative_to(folder.absolute()):
            return path.relative_to(folder.absolute()).as_posix()
    return text


def _file_of(ids: Sequence[str], paths: Sequence[str]) -> str:
    """The one file whose name holds the first of the ids that occurs at all as a word of its own, or ''."""
    for name in ids:
        word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])")
        found = [path for path in paths if word.search(path)]
        if found:
            return found[0] if len(found) == 1 else ""
    return ""


# Boxes and points in the place of masks.


def _stand_ins(
    table: pd.DataFrame, cases: pd.DataFrame, folder: Path, point_unit: str, notes: list[str]
) -> list[StandIn]:
    """A stand-in for every case without a mask that has a box, else a point; ``cases`` gets its path."""
    marks = _marks(table, point_unit)
    stand_ins: list[StandIn] = []
    for line in marks.index[(cases["mask"] == "") & (marks["source"] != "")]:
        case_id, image = cases.loc[line, ["case_id", "image"]]
        try:
            its = _stand_in(case_id, folder / image, marks.loc[line])
        except CohortError as error:
            notes.append(f"case {case_id!r} gets no mask: {error}")
            continue
        taken = [other.path for other in stand_ins]
        if its.path in taken:
            its = replace(its, path=its.path.replace("_stand_in", f"_{len(taken)}_stand_in"))
        cases.loc[line, "mask"] = its.path
        stand_ins.append(its)
    lacking = int((cases["mask"] == "").sum())
    if lacking:
        notes.append(
            f"{lacking} of {len(cases)} cases have no mask, box or point; a run needs one of each case"
        )
    return stand_ins


def _marks(table: pd.DataFrame, point_unit: str) -> pd.DataFrame:
    """``source`` (``box``, ``point`` or empty), ``unit``, ``first`` and ``last`` (x, y, z) of each line.

    Of a point both are the point. Raises UsageError where there is a point whose unit nobody said.
    """
    box = synonyms.box_columns(map(str, table))
    point, unit = synonyms.point_columns(map(str, table))
    marks = pd.DataFrame("", index=table.index, columns=["source", "unit", "first", "last"], dtype=object)
    for source, first, last in (("point", point, point), ("box", box.get("first"), box.get("last"))):
        if not first or not last:
            continue
        ends = np.array([[_numbers(table, name) for name in names] for names in (first, last)])
        known = np.isfinite(ends).all(axis=(0, 1))
        if source == "point" and known.any() and not (unit or point_unit):
            named = ", ".join(point)
            raise UsageError(
                f"are {named} in mm (LPS, as in DICOM) or voxel indices? Say --point mm or --point voxel"
            )
        for line, end in zip(table.index[known], ends[:, :, known].transpose(2, 0, 1), strict=True):
            marks.loc[line] = [source, "voxel" if source == "box" else unit or point_unit, *end]
    return marks


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].map(synonyms.number).to_numpy(float)


def _stand_in(case_id: str, image: Path, mark: "pd.Series[Any]") -> StandIn:
    grid = grid_of(case_id, image)
    if mark["source"] == "box":
        _require_voxels(mark["first"], mark["last"])
        shape = ellipsoid_in_box(mark["first"], mark["last"])
    else:
        shape = sphere_round(mark["first"], mark["unit"], grid)
    require_inside(shape, grid)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", case_id)
    return StandIn(case_id, mark["source"], shape, grid, f"masks/{name}_stand_in.nii.gz")


def _require_voxels(first: np.ndarray, last: np.ndarray) -> None:
    """Raise CohortError for a box that is none, or in millimetres."""
    if not np.any([first, last]):
        raise CohortError("its box is all zeros, as if nothing had been filled in; correct or empty it")
    if np.any(np.mod([first, last], 1)):
        raise CohortError("its box is not in whole voxels; convert it to voxel indices counted from 0")


# The text of cohort.toml.


def _toml(name: str, columns: Sequence[Column], stand_ins: Sequence[StandIn], cases: int) -> str:
    lines = [
        "# Proposed by `bench cohort init` from column names: read every line and correct it.",
        f"name = {_quoted(re.sub(r'[^A-Za-z0-9_-]+', '_', name))}",
        f"title = {_quoted(_title(name, stand_ins, cases))}",
        "synthetic = false",
        'licence = ""  # who may use the cases',
        'citation = ""',
        'label_rule = ""  # how the labels were made, such as: ER positive from 1 % of nuclei on',
    ]
    for column in columns:
        if column.use == "task":
            lines += ["", *_task_lines(column)]
    lines += ["", "[columns]"]
    for role in ROLES:
        its = [column for column in columns if column.use == role]
        names = [(column.name, column.why) for column in its]
        if role == "ignore" and stand_ins:
            names.append(("mask_source", "mask, box or point: what the mask was made from"))
        if names:
            lines += [f"{role} = [", *(f"    {_quoted(name)},  # {why}" for name, why in names), "]"]
    return "\n".join(lines) + "\n"


def _title(name: str, stand_ins: Sequence[StandIn], cases: int) -> str:
    if not stand_ins:
        return name
    boxes = sum(its.source == "box" for its in stand_ins)
    kinds = [
        *([f"{boxes} ellipsoid(s) in a box"] if boxes else []),
        *(
            [f"{len(stand_ins) - boxes} sphere(s) of {SPHERE_MM:g} mm round a point"]
            if boxes < len(stand_ins)
            else []
        ),
    ]
    return f"{name} ({len(stand_ins)} of {cases} masks stand in for drawn ones: {', '.join(kinds)})"


def _task_lines(column: Column) -> list[str]:
    head = [f"[tasks.{column.name}]  # from {_quoted(column.source)}"]
    title = f"title = {_quoted(TITLES.get(column.name, column.name.upper()))}"
    if column.name == "ki67":
        return [*head, 'kind = "continuous"', title, 'unit = "percentage points"', "range = [0, 100]"]
    positive = _quoted(f"{column.source} is positive")
    return [*head, 'kind = "binary"', title, f"positive = {positive}  # say what a 1 means"]


def _quoted(text: str) -> str:
    """A TOML string; comments in one line need the same care."""
    return json.dumps(text, ensure_ascii=False)
