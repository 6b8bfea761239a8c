"""Draw the splits of public collections that are shipped: ids and folds, no data.

    python -m tests.splits.public DUKE_FOLDER MAMA_MIA_FOLDER ISPY1_FOLDER

Each folder is what ``bench cohort import`` made of a collection's official sheet, ids kept. Writes
``configs/splits/public/*.csv``. Five folds, drawn in each source collection on its own (Duke, I-SPY 1, I-SPY
2, NACT): a patient is in the same fold of every file, so that a model of one collection's training part has
not learned from a patient that another's tests in that fold. I-SPY 2 is the 980 patients that MAMA-MIA names;
BreastDCEDL takes its patients from Duke, I-SPY 1 and I-SPY 2.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.splits.config import SplitConfig
from bench.splits.fold import PARTS
from bench.splits.make import make_split
from bench.task import Task

FOLDER = Path(__file__).parents[2] / "configs" / "splits" / "public"
SHEETS = ("duke_receptors", "mama_mia", "ispy1")
FILES = (*SHEETS, "ispy2", "breastdcedl")
TASKS = ("er", "pr", "her2", "hr")
COLLECTIONS = {
    "breast_mri": "duke",
    "duke": "duke",
    "ispy1": "ispy1",
    "ispy2": "ispy2",
    "acrin-6698": "ispy2",
    "nact": "nact",
}
# How collections write a patient's number; the first spelling is that of BreastDCEDL.
SPELLINGS = {
    "duke": ("Breast_MRI_{:03}", "DUKE_{:03}"),
    "ispy1": ("ISPY1_{}", "ISPY1-{}"),
    "ispy2": ("ISPY2-{}", "ISPY2_{}", "ACRIN-6698-{}"),
    "nact": ("NACT_{:02}",),
}
CONFIG = SplitConfig("public", "internal_cv", "Five folds", "Accuracy within a public collection.")

Parts = dict[str, list[tuple[int, str]]]


def main(folders: Iterable[str]) -> None:
    """Write a file a collection."""
    cases = [read_cases(Path(folder)) for folder in folders]
    for name, table in drawn(cases).items():
        table.to_csv(FOLDER / f"{name}.csv", index=False)
        print(f"{name}: {table['patient_id'].nunique()} patients")


def drawn(cases: list[pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    """The lines of each file: patient, fold and part; ``cases`` are those of Duke, MAMA-MIA and I-SPY 1."""
    people = persons(cases)
    parts: Parts = {}
    for _, members in people.groupby("collection"):
        parts |= parts_of(members)
    listed = dict(zip(SHEETS, ([*table["patient_id"]] for table in cases), strict=True))
    listed["ispy2"] = [spellings(one)[0] for one in people.index[people["collection"] == "ispy2"]]
    listed["breastdcedl"] = [spellings(one)[0] for one in people.index[people["collection"] != "nact"]]
    return {name: lines(listed[name], parts) for name in FILES}


def lines(patients: list[str], parts: Parts) -> pd.DataFrame:
    """A line a patient and fold; the patient's other ids stand on the first one."""
    rows = []
    for patient in patients:
        others = " ".join(name for name in spellings(person(patient)) if name != patient)
        for at, (fold, part) in enumerate(parts[person(patient)]):
            rows.append((patient, fold, part, "" if at else others))
    return pd.DataFrame(rows, columns=["patient_id", "fold", "part", "also"])


def spellings(one: str) -> list[str]:
    """Every id of a person."""
    collection, number = one.split()
    return [text.format(int(number)) for text in SPELLINGS[collection]]


def read_cases(folder: Path) -> pd.DataFrame:
    """Patients of an imported collection."""
    return pd.read_csv(folder / "cases.csv", dtype={"patient_id": str}).drop_duplicates("patient_id")


def person(patient: str) -> str:
    """The same for every spelling of a patient: ``duke 1`` for Breast_MRI_001 and for DUKE_001."""
    matched = re.fullmatch(r"([\w-]+?)[-_](\d+)", patient)
    assert matched, patient
    return f"{COLLECTIONS[matched[1].lower()]} {int(matched[2])}"


def persons(cases: list[pd.DataFrame]) -> pd.DataFrame:
    """Each person once, with labels of the first sheet that names it; balanced by vendor and by MAMA-MIA."""
    tables = [table.assign(person=[person(patient) for patient in table["patient_id"]]) for table in cases]
    shared = set(tables[1]["person"])
    people = pd.concat([tables[0], tables[2], tables[1]]).drop_duplicates("person").set_index("person")
    vendor = people["vendor"].fillna("").str.upper().str.split().str[0].fillna("")
    people["site"] = [f"{name} {one in shared}" for one, name in vendor.items()]
    people["collection"] = [name.split()[0] for name in people.index]
    return people


def parts_of(members: pd.DataFrame) -> Parts:
    """Fold and part of each person of a collection."""
    known = [name for name in TASKS if members[name].notna().any()]
    table = members[["site", *known]].assign(patient_id=members.index, group="internal")
    files = pd.DataFrame(index=table.index, columns=["image", "mask"])
    tasks = tuple(Task(name, "binary") for name in known)
    cohort = Cohort("public", tasks, table, files, Path(), "", synthetic=False)
    parts: Parts = {name: [] for name in table.index}
    for fold in make_split(cohort, CONFIG).folds:
        for part in PARTS:
            for name in getattr(fold, part):
                parts[name].append((fold.index, part))
    return parts


if __name__ == "__main__":
    main(sys.argv[1:])
