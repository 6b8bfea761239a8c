"""Patients, sites and cases whose names differ in what no eye sees, patients in several groups or sites."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

import pandas as pd

from bench.cohorts.checking.violation import Violation
from bench.cohorts.table import lines_named

NAMED = 3
REJECTING = {"group": "external_frozen and external_cv reject", "site": "leave_site_out rejects"}


def identity_violations(cases: pd.DataFrame) -> Iterator[Violation]:
    """What is wrong with the ids and sites of several cases together."""
    for column in ("case_id", "patient_id", "site"):
        if column in cases:
            yield from _alike(cases, column)
    yield from _patients_in_several(cases)


def plain_id(name: str) -> str:
    """What is left of a name without case, blanks, zeros in front and the Unicode form."""
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).casefold()
    return re.sub(r"(?<![\d.])0+(?=\d)", "", text)


def _alike(cases: pd.DataFrame, column: str) -> Iterator[Violation]:
    """Names that count as different and are hardly meant to be; an error where one site has both."""
    spellings: dict[str, list[str]] = {}
    for name in cases[column][cases[column] != ""].unique():
        spellings.setdefault(plain_id(name), []).append(name)
    for _, spelled in sorted(item for item in spellings.items() if len(item[1]) > 1):
        yield _alike_violation(cases, column, spelled)


def _alike_violation(cases: pd.DataFrame, column: str, spelled: list[str]) -> Violation:
    kind = {"case_id": "case", "patient_id": "patient", "site": "site"}[column]
    lines = [int(cases.index[cases[column] == name][0]) for name in spelled]
    detail = (
        f"cases.csv, {lines_named(lines)}: {' and '.join(map(repr, spelled[:NAMED]))} count as different "
        f"{kind}s; "
        f"write one {'name' if column == 'site' else 'id'} if they are the same, else make them differ "
        "in more than case, blanks or zeros in front"
    )
    what = "sites alike" if column == "site" else f"{kind} ids alike"
    severity = _severity_of_alike(cases, column, spelled)
    return Violation(what, detail, severity=severity, line=lines[-1], column=column)


def _severity_of_alike(cases: pd.DataFrame, column: str, spelled: list[str]) -> Literal["error", "warning"]:
    """An error for sites and for patients of one site; two hospitals may count their patients alike."""
    if column != "patient_id" or "site" not in cases:
        return "error" if column == "site" else "warning"
    sites = [set(cases.loc[cases[column] == name, "site"].map(plain_id)) for name in spelled]
    return "error" if len(set().union(*sites)) < sum(map(len, sites)) else "warning"


def _patients_in_several(cases: pd.DataFrame) -> Iterator[Violation]:
    """Patients with cases in both groups, or at several sites."""
    for column in ("group", "site"):
        if "patient_id" not in cases or column not in cases:
            continue
        kinds = cases[cases["patient_id"] != ""].groupby("patient_id")[column].nunique()
        for patient in kinds.index[kinds > 1]:
            own = cases[cases["patient_id"] == patient]
            named = ", ".join(f"{row.case_id} ({row[column]})" for _, row in own.iterrows())
            detail = (
                f"patient {patient!r} has cases of more than one {column}: {named}; the splits "
                f"{REJECTING[column]} the cohort: correct the patient_id, or keep the cases of one {column}"
            )
            yield Violation(f"patient in several {column}s", detail, severity="warning", column=column)
