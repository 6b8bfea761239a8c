"""Any table of features and labels, without images."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cohorts.importers.importer import Card, Case, Excluded, Study, option
from bench.cohorts.importers.sheet import read_sheet, require_columns
from bench.cohorts.values import binary_numbers, numbers, odd_cells
from bench.errors import UsageError, parameter
from bench.task import Task

# Rows that one worker takes at a time.
ROWS = 2000
# What pyradiomics writes beside its features, and what stands for any text in the name of a column.
DIAGNOSTICS, ANY = "diagnostics_", "*"
GROUPS = ("internal", "external")


@dataclass(frozen=True)
class TableImporter:
    """A feature table: one row per case; every column that is nothing else is a feature.

    Tasks whose values are all 0 or 1 are binary, others continuous. A table with several rows per patient
    needs ``patient``, or cases of one patient come into training and test.
    """

    file: Path = option("Table: .csv, .tsv, .xlsx, .parquet, gzip or not.", argument=True)
    tasks: tuple[str, ...] = option("Columns of labels: 0, 1 or empty, or numbers.")
    id: str = option("Column of the case ids; those of the patients where not given.", "")
    patient: str = option("Column of the patient ids; those of the cases where not given.", "")
    site: str = option("Column of the centres.", "")
    group: str = option("Column that says internal or external.", "")
    covariates: tuple[str, ...] = option("Columns of clinical covariates, such as age.", ())
    acquisition: tuple[str, ...] = option("Columns about the examination, such as the vendor.", ())
    drop: tuple[str, ...] = option("Columns to leave out; 'diagnostics_*' means all that begin so.", ())
    sheet: str = option("Worksheet of a workbook; the first.", "")
    name: str = option("Name of the cohort; that of the file.", "")
    licence: str = option("Licence of the data.", "")
    citation: str = option("What to cite.", "")

    def card(self) -> Card:
        """Tasks, covariates and features as the table has them."""
        content = _content(self)
        roles = dict.fromkeys(self.covariates, "clinical") | dict.fromkeys(self.acquisition, "acquisition")
        return Card(
            name=self.name or self.file.name.split(".")[0],
            tasks=content.tasks,
            licence=self.licence,
            citation=self.citation,
            roles=roles,
            features=tuple(map(str, content.features)),
            label_rule=f"Labels as the columns {', '.join(self.tasks)} of the table have them.",
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """Blocks of rows."""
        rows = len(_content(self).ids)
        for start in range(0, rows, ROWS):
            yield Study(f"rows from {start}", "", (start, min(start + ROWS, rows)))

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """A case a row."""
        content = _content(self)
        block = slice(*study.content)
        columns = [
            content.ids[block],
            content.patients[block],
            content.sites[block],
            content.groups[block],
            content.labels[block].to_dict("records"),
            content.covariates[block].to_dict("records"),
            content.features[block].to_dict("records"),
        ]
        for key, patient, site, group, labels, covariates, features in zip(*columns, strict=True):
            yield Case(key, patient, site, group, labels, covariates, features)


@dataclass(frozen=True, eq=False)
class Content:
    """The columns of a table by what they are, each with a row per case."""

    ids: list[str]
    patients: list[str]
    sites: list[str]
    groups: list[str]
    tasks: tuple[Task, ...]
    labels: pd.DataFrame = field(repr=False)
    covariates: pd.DataFrame = field(repr=False)
    features: pd.DataFrame = field(repr=False)


@lru_cache(maxsize=1)
def _content(importer: TableImporter) -> Content:
    path, table = importer.file, read_sheet(importer.file, importer.sheet)
    if not (importer.id or importer.patient):
        raise UsageError(
            f"name the column of the case ids with {parameter('id')}, or that of the patients with "
            f"{parameter('patient')}"
        )
    known = [importer.id, importer.patient, importer.site, importer.group]
    named = [*filter(None, known), *importer.tasks, *importer.covariates, *importer.acquisition]
    require_columns(path, table, named)
    _require_once(named)
    dropped = _matched(path, table, importer.drop)
    ids = _ids(path, table, importer.id or importer.patient, unique=True)
    tasks = [_task(path, table, name) for name in importer.tasks]
    rest = [str(name) for name in table if name not in {*named, *dropped} and not _counts(table[name])]
    return Content(
        ids=ids,
        patients=_ids(path, table, importer.patient, False) if importer.patient else ids,
        sites=_words(table, importer.site, "site"),
        groups=_groups(path, table, importer.group),
        tasks=tuple(task for task, _ in tasks),
        labels=pd.DataFrame({task.name: values for task, values in tasks}),
        covariates=table[[*importer.covariates, *importer.acquisition]].reset_index(drop=True),
        features=_features(path, table, rest),
    )


def _matched(path: Path, table: pd.DataFrame, patterns: Iterable[str]) -> set[str]:
    """The columns that are named, and those that a pattern with ``*`` fits; raises UsageError for none."""
    found = set()
    for pattern in patterns:
        form = re.compile(".*".join(map(re.escape, pattern.split(ANY))), re.DOTALL)
        fitting = [str(name) for name in table if form.fullmatch(str(name))]
        if pattern in table or not fitting:
            require_columns(path, table, [pattern])
            fitting = [pattern]
        found.update(fitting)
    return found


def _require_once(named: list[str]) -> None:
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise UsageError(f"column {twice[0]!r} is named for two uses; name it once")


def _ids(path: Path, table: pd.DataFrame, column: str, unique: bool) -> list[str]:
    cells = table[column]
    if (cells == "").any():
        line = cells.index[cells == ""][0]
        raise UsageError(f"{path}, line {line}: {column} is empty and names the case; fill it in")
    if unique and cells.duplicated().any():
        line, name = next(cells[cells.duplicated()].items())
        raise UsageError(
            f"{path}, line {line}: {column} has {str(name)[:60]!r} a second time; give every row an id of "
            f"its own ({parameter('id')}) and name the patient with {parameter('patient')}"
        )
    return list(cells)


def _words(table: pd.DataFrame, column: str, default: str) -> list[str]:
    return list(table[column].replace("", "unknown")) if column else [default] * len(table)


def _groups(path: Path, table: pd.DataFrame, column: str) -> list[str]:
    if not column:
        return ["internal"] * len(table)
    groups = table[column].str.lower()
    odd = table[column][~groups.isin(GROUPS)]
    if len(odd):
        raise UsageError(
            f"{path}, line {odd.index[0]}: {column} is {odd.iloc[0][:60]!r}, expected internal or external"
        )
    return list(groups)


def _task(path: Path, table: pd.DataFrame, name: str) -> tuple[Task, np.ndarray]:
    found = binary_numbers(table[name])
    if not found.odd.any():
        return Task(name, "binary", positive=f"{name} = 1"), found.values
    return Task(name, "continuous"), _numbers(path, table, name)


def _numbers(path: Path, table: pd.DataFrame, name: str) -> np.ndarray:
    found = numbers(table[name])
    for _, line, cell in odd_cells(table[name], found.odd):
        raise UsageError(
            f"{path}, line {line}: {name} is {cell[:60]!r}, expected a number or nothing; correct it"
        )
    return found.values


def _features(path: Path, table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The features as numbers; raises UsageError that names every column with other cells."""
    found = {name: numbers(table[name]) for name in names}
    odd = [name for name, read in found.items() if read.odd.any()]
    if odd:
        _, line, cell = next(iter(odd_cells(table[odd[0]], found[odd[0]].odd)))
        others = f" (and in {len(odd) - 1} more columns, such as {odd[1]})" if len(odd) > 1 else ""
        pattern = f"'{DIAGNOSTICS}{ANY}'" if all(name.startswith(DIAGNOSTICS) for name in odd) else ""
        raise UsageError(
            f"{path}, line {line}: {odd[0]} is {cell[:60]!r}, expected a number or nothing{others}; correct "
            f"it, or name the column with {parameter('covariates')} or "
            f"{parameter('drop', pattern)}"
        )
    return pd.DataFrame({name: read.values for name, read in found.items()}, index=range(len(table)))


def _counts(cells: "pd.Series[str]") -> bool:
    """Whether a nameless first column numbers the rows, as programs write it."""
    nameless = str(cells.name) in ("column 1", "Unnamed: 0")
    return nameless and list(cells) in ([str(at) for at in range(len(cells))], list(map(str, cells.index)))
