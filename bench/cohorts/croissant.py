"""A cohort as Croissant metadata: which files it has, and what the columns of its tables mean.

Format 1.0 of MLCommons, https://docs.mlcommons.org/croissant/docs/croissant-spec.html. The file names no case
and no patient.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.cohorts.columns import FILES
from bench.cohorts.fingerprint import content_hashes
from bench.cohorts.image_files import with_data_files
from bench.errors import CohortError
from bench.imaging.voxel_data import first_bytes
from bench.task import Task

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort

CASES = "cases.csv"
# By the ending of a table, gzip or not: readers of Croissant look into gzip by themselves.
FORMATS = {".csv": "text/csv", ".tsv": "text/tab-separated-values"}
# Of images, in general: NIfTI, NRRD and MetaImage have no registered type.
BINARY = "application/octet-stream"
# Longer than any line of names.
HEADER_BYTES = 1 << 22
# What an id may hold, which must be without blanks.
PLAIN = re.compile(r"[\w.-]+")
TEXT, NUMBER = "sc:Text", "sc:Float"
IDENTITY = {
    "case_id": "One exam with a lesion.",
    "patient_id": "Whose exam it is; the unit of splits and resamples.",
    "site": "The centre.",
    "group": "internal or external.",
    "image": "Path of the image within the folder.",
    "mask": "Path of the lesion mask within the folder.",
}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "equivalentProperty": "cr:equivalentProperty",
    "samplingRate": "cr:samplingRate",
    **{
        name: f"cr:{name}"
        for name in (
            *("citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
            *("includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
            *("references", "regex", "repeated", "replace", "separator", "source", "subField", "transform"),
        )
    },
}


def croissant(cohort: "Cohort") -> dict[str, Any]:
    """The Croissant metadata of a cohort folder, as JSON-LD; paths are those within the folder.

    Columns are described of tables that are separated by commas or tabs, as Croissant knows no others.

    Raises
    ------
    CohortError
        The cohort is joined of several, which have a folder each.
    """
    if cohort.sources:
        raise CohortError(f"{cohort.name} is joined of several cohorts; describe the folder of each")
    tables = [CASES]
    if cohort.feature_file is not None:
        tables.append(cohort.feature_file.relative_to(cohort.folder).as_posix())
    about = {
        "license": cohort.licence,
        "citeAs": cohort.citation,
        "version": f"0.0.0+{cohort.fingerprint[:16]}",
    }
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": cohort.name,
        "description": _description(cohort),
        **{name: text for name, text in about.items() if text},
        "distribution": [*_tables(cohort, tables), *_volumes(cohort)],
        "recordSet": [*_record_sets(cohort, tables)],
    }


def _description(cohort: "Cohort") -> str:
    said = [
        cohort.title or cohort.name,
        "SYNTHETIC: no patient is real" if cohort.synthetic else "",
        f"{len(cohort)} cases of {len(set(cohort.patient_ids))} patients",
        cohort.label_rule,
    ]
    return ". ".join(text.rstrip(".") for text in said if text) + "."


def _tables(cohort: "Cohort", names: list[str]) -> Iterator[dict[str, Any]]:
    for name, content in content_hashes(cohort.folder, names).items():
        yield {
            "@type": "cr:FileObject",
            "@id": _table_id(name),
            "name": PurePosixPath(name).name,
            "contentUrl": name,
            "contentSize": f"{(cohort.folder / name).stat().st_size} B",
            "encodingFormat": FORMATS.get(_suffix(name), BINARY),
            "sha256": content,
        }


def _volumes(cohort: "Cohort") -> Iterator[dict[str, Any]]:
    """Images and masks by the patterns of their names, as a cohort may have 100,000 of each."""
    named = [str(name) for column in FILES for name in cohort.files[column] if isinstance(name, str)]
    if named:
        yield {
            "@type": "cr:FileSet",
            "@id": "volumes",
            "name": "volumes",
            "description": "Images and lesion masks; each case names its own.",
            "encodingFormat": BINARY,
            "includes": sorted({_pattern(name) for name in with_data_files(cohort.folder, named)}),
        }


def _pattern(name: str) -> str:
    """``images/*/*.nii.gz`` of ``images/p1/first.nii.gz``."""
    top, *below = PurePosixPath(name).parts
    packed = ".gz" if name.endswith(".gz") else ""
    last = f"*{_suffix(name)}{packed}"
    return last if not below else "/".join([top, *["*"] * (len(below) - 1), last])


def _suffix(name: str) -> str:
    """``.csv`` of ``features.csv`` and of ``features.csv.gz``."""
    return PurePosixPath(name.removesuffix(".gz")).suffix


def _table_id(name: str) -> str:
    """An id without blanks, which readers of Croissant do not take."""
    return "cases-table" if name == CASES else "features-table"


def _record_sets(cohort: "Cohort", tables: list[str]) -> Iterator[dict[str, Any]]:
    described = {CASES: _columns(cohort)}
    if cohort.feature_file is not None:
        types = {name: _type(values) for name, values in cohort.features().items()}
        described[tables[-1]] = {"case_id": (TEXT, IDENTITY["case_id"])} | {
            str(name): (kind, "") for name, kind in types.items()
        }
    for table, columns in described.items():
        if _is_plain(cohort.folder / table):
            yield _record_set(table, columns)


def _is_plain(path: Path) -> bool:
    """Whether a table begins with names that commas or, in a ``.tsv``, tabs separate."""
    line = first_bytes(path, HEADER_BYTES).decode("utf-8", errors="replace").split("\n")[0]
    separator = "\t" if _suffix(path.name) == ".tsv" else ","
    return "case_id" in next(csv.reader([line.strip()], delimiter=separator))


def _columns(cohort: "Cohort") -> dict[str, tuple[str, str]]:
    """Type and meaning of each column of ``cases.csv`` that has a role."""
    files = () if cohort.files[list(FILES)].notna().to_numpy().any() else FILES
    columns = {name: (TEXT, text) for name, text in IDENTITY.items() if name not in files}
    columns |= {task.name: (NUMBER, _meaning(task)) for task in cohort.tasks}
    return columns | {
        name: (_type(cohort.table[name]), f"Covariate: {role}.")
        for name, role in cohort.roles.items()
        if role != "ignore"
    }


def _meaning(task: Task) -> str:
    if task.kind == "binary":
        return f"1: {task.positive or 'positive'}; 0: not; empty: unknown."
    return f"{task.title or task.name}, {task.unit or 'no unit'}; empty: unknown."


def _type(values: "pd.Series[Any]") -> str:
    return NUMBER if pd.api.types.is_numeric_dtype(values) else TEXT


def _record_set(table: str, columns: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    name = _table_id(table).removesuffix("-table")
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "key": {"@id": f"{name}/case_id"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column if PLAIN.fullmatch(column) else f'column-{number}'}",
                "name": column,
                **({"description": meaning} if meaning else {}),
                "dataType": kind,
                "source": {"fileObject": {"@id": _table_id(table)}, "extract": {"column": column}},
            }
            for number, (column, (kind, meaning)) in enumerate(columns.items(), 1)
        ],
    }
