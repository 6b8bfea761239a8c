"""Who each line is about: case, patient, site and group."""

from collections.abc import Sequence

import pandas as pd

from bench.cohorts.columns import IDENTITY
from bench.cohorts.proposal import synonyms
from bench.cohorts.proposal.columns import Column
from bench.cohorts.proposal.source import require_ids
from bench.cohorts.table import lines_named

UNKNOWN_SITE = "unknown"


def identity(table: pd.DataFrame, columns: Sequence[Column], name: str, notes: list[str]) -> pd.DataFrame:
    """case_id, patient_id, site and group of every line; what the table lacks is filled in and noted."""
    sources = {column.use: column.source for column in columns if column.use in IDENTITY}
    for use in ("case_id", "patient_id"):
        if use in sources:
            require_ids(table, sources[use], use)
    found = {use: table[source].str.strip() for use, source in sources.items()}
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
    elif (found["site"] == "").any():
        lines_without = [int(str(line)) for line in table.index[found["site"] == ""]]
        notes.append(
            f"no site in {lines_named(lines_without)}: {UNKNOWN_SITE!r} is written; correct it in cases.csv"
        )
        found["site"] = found["site"].replace("", UNKNOWN_SITE)
    if "group" not in found:
        notes.append(
            "no column says internal or external: all lines get internal; splits that test on an "
            "external group need it"
        )
        found["group"] = pd.Series("internal", index=table.index)
    found["group"] = found["group"].map(lambda cell: synonyms.group_of(cell) or cell)
    return pd.DataFrame({key: found[key] for key in IDENTITY})
