"""I-SPY 1 / ACRIN 6657 (TCIA): the clinical sheet, with a feature table where there is one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.cohorts.importers.importer import Card, Case, Excluded, Study, option
from bench.cohorts.importers.sheet import decode, labels_of, read_sheet, require_columns
from bench.task import Task

SHEET = "TCIA Patient Clinical Subset"
ID = "SUBJECTID"
COLUMNS = {"er": "ERpos", "pr": "PgRpos", "her2": "Her2MostPos", "hr": "HR Pos"}
MEANING = {
    "er": "oestrogen receptor positive",
    "pr": "progesterone receptor positive",
    "her2": "HER2 positive",
    "hr": "ER or PR positive",
}
# 2 is indeterminate in the data dictionary.
LABEL = {"0": "0", "1": "1", "2": "", "": ""}
SIDES = {"1": "left", "2": "right", "": ""}
FEATURE_ID, TARGET = "ID", "Target"


@dataclass(frozen=True)
class Ispy1Importer:
    """The patients of I-SPY 1 in its clinical sheet; those with features where a table of them is given."""

    sheet: Path = option("Clinical and outcome workbook of the collection.", argument=True)
    features: Path | None = option("Table of features with a column ID such as ISPY1-1002.", None)

    def card(self) -> Card:
        """Receptor status before treatment; no Ki-67."""
        tasks = [Task(name, "binary", positive=text, ranked=name != "hr") for name, text in MEANING.items()]
        return Card(
            name="ispy1",
            title="I-SPY 1 (ACRIN 6657)",
            tasks=tuple(tasks),
            licence="CC BY 3.0",
            citation="Newitt and Hylton, doi:10.7937/K9/TCIA.2016.HdHpgJLK",
            roles={"age": "clinical", "side": "ignore"},
            features=() if self.features is None else tuple(map(str, _features(self.features))),
            label_rule=(
                "Before treatment; ER and PR by Allred score or as the community determined, HER2 by the "
                "community with the central IHC where that is missing; 2 (indeterminate) and blank: unknown."
            ),
            lacks="Ki-67, for all patients.",
            subtype_rule="The sheet's HR_HER2_STATUS is made of HR and HER2; it is not imported.",
            ids_published=True,
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """A study a patient of the sheet, then the features that the sheet does not name."""
        table = clinical_table(self.sheet)
        features = None if self.features is None else _features(self.features)
        for row in table.to_dict("records"):
            patient = str(row[ID])
            if features is not None and patient not in features.index:
                yield Excluded(patient, patient, "no line in the feature table", unjoined="table")
            else:
                yield Study(
                    patient, patient, (row, {} if features is None else features.loc[patient].to_dict())
                )
        for patient in [] if features is None else sorted(set(features.index) - set(table[ID])):
            yield Excluded(str(patient), str(patient), "not in the sheet", unjoined="images")

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """The one case of a patient."""
        row, features = study.content
        yield Case(
            study.key,
            study.patient,
            site="ISPY1",
            labels=labels_of(row, MEANING),
            covariates={"age": row["age"] or None, "side": row["side"] or None},
            features=features,
        )


def clinical_table(path: Path) -> pd.DataFrame:
    """Ids, labels, age and side of the sheet, empty where unknown."""
    table = read_sheet(path, SHEET)
    require_columns(path, table, [ID, "age", "Laterality", *COLUMNS.values()])
    found = pd.DataFrame({ID: [f"ISPY1-{name}" for name in table[ID]]}, index=table.index)
    for name, column in COLUMNS.items():
        found[name] = decode(path, table, column, LABEL)
    found["age"] = table["age"]
    found["side"] = decode(path, table, "Laterality", SIDES)
    return found


def _features(path: Path) -> pd.DataFrame:
    table = read_sheet(path)
    require_columns(path, table, [FEATURE_ID])
    return table.set_index(FEATURE_ID).drop(columns=[TARGET], errors="ignore")
