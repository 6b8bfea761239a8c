"""Labels of a study out of a table: columns as `cohort init` finds them, joined on the patient."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from bench.cohorts.importers.importer import StudyError
from bench.cohorts.importers.sheet import refuse_bomb, require_columns
from bench.cohorts.proposal import synonyms
from bench.cohorts.proposal.columns import Column, propose_columns
from bench.cohorts.proposal.header_text import TITLES
from bench.cohorts.proposal.labels import binary_or_percentage, known_covariate
from bench.cohorts.proposal.recipes import apply_recipe, parse_recipe, said_by
from bench.cohorts.proposal.source import read_source
from bench.errors import UsageError, parameter
from bench.task import Task

CONFLICT = "lines of the table with different labels for one patient"
SIDES = {"left": "L", "l": "L", "right": "R", "r": "R", "links": "L", "rechts": "R"}


@dataclass(frozen=True)
class Line:
    """What the table says of one patient, or of one breast of theirs (``side`` L or R, else empty)."""

    site: str = "site"
    group: Literal["internal", "external"] = "internal"
    side: str = ""
    labels: Mapping[str, float | None] = field(default_factory=dict)
    covariates: Mapping[str, str | float | None] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LabelTable:
    """The tasks of a table, how their labels were made, and its lines by patient id as written."""

    tasks: tuple[Task, ...]
    rule: str
    categorical: tuple[str, ...]
    lines: Mapping[str, tuple[Line, ...]]


@dataclass(frozen=True)
class Columns:
    """Columns that the user names; a site, group or patient column that is not named is recognised."""

    patient: str = ""
    site: str = ""
    group: str = ""
    side: str = ""
    covariates: tuple[str, ...] = ()


def read_labels(path: Path, sheet: str, recipes: Sequence[str], named: Columns) -> LabelTable:
    """The labels of a table.

    Raises
    ------
    UsageError
        There is no such file or column, no column holds the patient ids, or none a label that is understood.
    CohortError
        The file is no table, or unpacks to far more than one has.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}; correct {parameter('labels')}")
    with path.open("rb") as file:
        refuse_bomb(path, file.read(4))
    notes: list[str] = []
    source = read_source(path, sheet, notes)
    table = source.table
    require_columns(path, table, [*filter(None, (named.patient, named.site, named.group, named.side))])
    require_columns(path, table, named.covariates)
    rules = [parse_recipe(text, list(map(str, table))) for text in recipes]
    columns = propose_columns(table, notes, rules, source.legend)
    labels = [column for column in columns if column.use == "task"]
    if not labels:
        remedy = f"name one, {parameter('label')}, such as 'er = ER >= 1'"
        raise UsageError(f"{path}: no column holds a label that is understood; {remedy}")
    made = pd.DataFrame({column.name: _cells(column, table) for column in labels}, index=table.index)
    return LabelTable(
        tuple(map(_task, labels)),
        "; ".join(said_by(column.recipe) if column.recipe else _as_written(column) for column in labels),
        tuple(
            column.source for column in columns if column.categorical and column.source in named.covariates
        ),
        _lines(path, table, made, _found(path, columns, named)),
    )


def _cells(column: Column, table: pd.DataFrame) -> "pd.Series[str]":
    if column.recipe is not None:
        return apply_recipe(column.recipe, table)
    return binary_or_percentage(column.name, column.source, table[column.source], [])


def _as_written(column: Column) -> str:
    return f"{column.name}: column {column.source} as written"


def _task(column: Column) -> Task:
    title = TITLES.get(column.name, "")
    if column.name == "ki67":
        return Task(column.name, "continuous", title, unit="percentage points", range=(0, 100))
    if column.recipe is not None and not column.recipe.binary:
        return Task(column.name, "continuous", title)
    positive = said_by(column.recipe) if column.recipe else f"{column.source} is positive"
    return Task(column.name, "binary", title, positive=positive)


def _found(path: Path, columns: Sequence[Column], named: Columns) -> Columns:
    """The columns by their uses, as named or as recognised."""
    by_use = {column.use: column.source for column in columns}
    patient = named.patient or by_use.get("patient_id") or by_use.get("case_id", "")
    if not patient:
        raise UsageError(
            f"{path}: no column is called as one of patient ids; name it, {parameter('patient')}"
        )
    site, group = named.site or by_use.get("site", ""), named.group or by_use.get("group", "")
    return Columns(patient, site, group, named.side, named.covariates)


def _lines(
    path: Path, table: pd.DataFrame, made: pd.DataFrame, columns: Columns
) -> dict[str, tuple[Line, ...]]:
    covariates = pd.DataFrame({name: known_covariate(table[name]) for name in columns.covariates})
    lines: dict[str, tuple[Line, ...]] = {}
    known = covariates.to_dict("records") or [{}] * len(table)
    for (line, row), labels, values in zip(table.iterrows(), made.to_dict("records"), known, strict=True):
        patient = row[columns.patient].strip()
        if not patient:
            continue
        found = Line(
            site=(row[columns.site].strip() or "unknown") if columns.site else "site",
            group=_group(path, line, row[columns.group]) if columns.group else "internal",
            side=_side(path, line, row[columns.side]) if columns.side else "",
            labels={str(name): float(cell) if cell else None for name, cell in labels.items()},
            covariates={str(name): cell or None for name, cell in values.items()},
        )
        if found not in lines.get(patient, ()):
            lines[patient] = (*lines.get(patient, ()), found)
    return lines


def _group(path: Path, line: object, cell: str) -> Literal["internal", "external"]:
    found = synonyms.group_of(cell)
    if found is None:
        raise UsageError(f"{path}, line {line}: {cell[:60]!r} is no group, expected internal or external")
    return "external" if found == "external" else "internal"


def _side(path: Path, line: object, cell: str) -> str:
    if synonyms.is_unknown(cell):
        return ""
    word = synonyms.plain(cell)
    if word not in SIDES:
        raise UsageError(f"{path}, line {line}: {cell[:60]!r} is no side, expected left or right")
    return SIDES[word]


def line_of(lines: Sequence[Line], side: str) -> Line:
    """The line for a lesion on a side (L or R, empty where it is not known).

    Raises
    ------
    StudyError
        Several lines could be meant, or none is of that side.
    """
    fitting = [line for line in lines if line.side in ("", side)] if side else list(lines)
    if not fitting:
        raise StudyError("no line of the table is of the lesion's side", "no line for the lesion's side")
    if len(fitting) > 1:
        raise StudyError(
            f"{CONFLICT}; keep one of them, or name the column that says left or right",
            CONFLICT,
        )
    return fitting[0]


def joined(patients: Sequence[str], table: Sequence[str]) -> dict[str, str]:
    """Id in the table by id in the images: the same as written, else the only one that is alike.

    Alike are ids without regard to capitals, blanks, punctuation and leading zeros, such as ``br-06`` and
    ``BR 6``; where several of either source are alike, none of them is joined.
    """
    exact = {name: name for name in patients if name in set(table)}
    left = [name for name in patients if name not in exact]
    images, lines = _by_plain(left), _by_plain([name for name in table if name not in exact])
    alike = {
        here[0]: lines[plain][0]
        for plain, here in images.items()
        if plain and len(here) == 1 and len(lines.get(plain, ())) == 1
    }
    return exact | alike


def _by_plain(names: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(normalised(name), []).append(name)
    return found


def normalised(name: str) -> str:
    """An id without capitals, punctuation and leading zeros of its numbers."""
    whole = re.sub(r"^(\d+)\.0$", r"\1", name.strip())
    parts = re.findall(r"\d+|[^\W\d_]+", whole.casefold())
    return " ".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)
