"""Cases as JSON has them, for a process whose pandas may be another."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.task import Task

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort

PLAIN = ("name", "fingerprint", "synthetic", "title", "licence", "citation", "label_rule")


def described_cases(cohort: "Cohort") -> dict[str, Any]:
    """These cases and no other: their table and files; the labels where they have any.

    Crops are left out: they are asked for when they are used.
    """
    ids = list(cohort.case_ids)
    return {
        **{name: getattr(cohort, name) for name in PLAIN},
        "images": list(cohort.images),
        "tasks": [asdict(task) for task in cohort.tasks],
        "table": table_to_json(cohort.table),
        "files": table_to_json(cohort.files.loc[[one for one in ids if one in cohort.files.index]]),
        "folder": str(cohort.folder.absolute()),
        "roles": dict(cohort.roles),
        "lesion_labels": {one: cohort.lesion_labels[one] for one in ids if one in cohort.lesion_labels},
        "features": None if cohort.feature_file is None else table_to_json(cohort.features()),
    }


def cases_from(described: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a cohort that :func:`described_cases` wrote."""
    features = described["features"]
    return {
        **{name: described[name] for name in PLAIN},
        "images": tuple(described["images"]),
        "tasks": tuple(Task(**{**task, "range": tuple(task["range"])}) for task in described["tasks"]),
        "table": table_from_json(described["table"]),
        "files": table_from_json(described["files"]),
        "folder": Path(described["folder"]),
        "roles": described["roles"],
        "lesion_labels": {case: tuple(values) for case, values in described["lesion_labels"].items()},
        "feature_file": None if features is None else Path(described["folder"]) / "features.csv",
        "feature_rows": None if features is None else table_from_json(features),
    }


def table_to_json(table: pd.DataFrame) -> dict[str, Any]:
    """A table by columns: numbers as such, truth values as such, all else as text; null where missing."""
    return {
        "index": [str(name) for name in table.index],
        "columns": [
            {"name": str(name), "kind": _kind(table[name]), "values": _values(table[name])} for name in table
        ],
    }


def table_from_json(described: Mapping[str, Any]) -> pd.DataFrame:
    """The table that :func:`table_to_json` described."""
    index = pd.Index(described["index"], dtype=object)
    columns = {
        column["name"]: pd.Series(column["values"], index=index, dtype=column["kind"])
        for column in described["columns"]
    }
    return pd.DataFrame(columns, index=index)


def _kind(column: "pd.Series[Any]") -> str:
    kinds = {"f": "float64", "i": "int64", "u": "int64", "b": "bool"}
    return kinds.get(getattr(column.dtype, "kind", "O"), "object")


def _values(column: "pd.Series[Any]") -> list[Any]:
    kind = _kind(column)
    if kind != "object":
        return column.astype(kind).tolist()  # type: ignore[call-overload,no-any-return]
    return [None if pd.isna(value) else value if isinstance(value, bool) else str(value) for value in column]
