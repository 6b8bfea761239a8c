"""MAMA-MIA: its clinical sheet, and images and expert segmentations in its published layout."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from bench.cohorts.importers.importer import Card, Case, Excluded, Study, option
from bench.cohorts.importers.inside import leaves
from bench.cohorts.importers.sheet import decode, labels_of, read_sheet, require_columns
from bench.errors import UsageError, parameter
from bench.task import Task

SHEET = "dataset_info"
LABELS = {
    "er": "oestrogen receptor positive",
    "pr": "progesterone receptor positive",
    "her2": "HER2 positive",
    "hr": "ER or PR positive",
}
ACQUISITION = {
    "manufacturer": "vendor",
    "scanner_model": "scanner_model",
    "field_strength": "field_strength",
    "slice_thickness": "slice_thickness_mm",
    "fat_suppressed": "fat_suppressed",
    "bilateral_mri": "bilateral_mri",
    "num_phases": "num_phases",
}
CLINICAL = {"age": "age", "menopause": "menopause", "has_implant": "has_implant"}
CATEGORICAL = ("fat_suppressed", "bilateral_mri", "has_implant")
KNOWN = {"0": "0", "1": "1", "": ""}
EXTERNAL = "NACT"
OUTSIDE = "file outside the folder of the source"


@dataclass(frozen=True)
class MamaMiaImporter:
    """The 1,506 patients of MAMA-MIA: the source collection is the site, and NACT is external.

    ``root`` holds ``images/ID/id_000K.nii.gz``, where K = 0 is before contrast agent, and
    ``segmentations/expert/id.nii.gz``.
    """

    sheet: Path = option("clinical_and_imaging_info.xlsx of the data set.", argument=True)
    root: Path | None = option("Folder with images/ and segmentations/; no images where not given.", None)
    phase: int = option("Phase to take: 0 is before contrast agent, 1 the first after it.", 1)

    def card(self) -> Card:
        """Receptor status as the source collections have it; no Ki-67."""
        if self.root is not None and not (self.root / "images").is_dir():
            raise UsageError(
                f"{self.root} has no folder images; {parameter('root')} names the one that holds it"
            )
        tasks = [Task(name, "binary", positive=text, ranked=name != "hr") for name, text in LABELS.items()]
        return Card(
            name="mama-mia",
            title="MAMA-MIA",
            tasks=tuple(tasks),
            licence="CC BY-NC 4.0",
            citation="Garrucho et al., MAMA-MIA, Scientific Data 12:453, 2025",
            roles={
                **dict.fromkeys(ACQUISITION.values(), "acquisition"),
                **dict.fromkeys(CLINICAL.values(), "clinical"),
                "centre": "ignore",
            },
            categorical=CATEGORICAL,
            label_rule=(
                "As each source collection (Duke, I-SPY 1, I-SPY 2, NACT) has it: 0 negative, 1 positive; an "
                "empty cell is unknown, and none is derived from another label."
            ),
            lacks="ER and PR for 996 of 1,506 patients, among them all of I-SPY 2; Ki-67 for all.",
            subtype_rule="The sheet's tumor_subtype is made of receptor status; it is not imported.",
            ids_published=True,
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """A study a patient of the sheet, then the folders of images that the sheet does not name."""
        table = clinical_table(self.sheet)
        for row in table.to_dict("records"):
            patient = str(row["patient_id"])
            files = self._files(patient)
            missing = [role for role, path in files.items() if not path.is_file()]
            if self.root is not None and any(leaves(path, self.root) for path in files.values()):
                yield Excluded(patient, patient, OUTSIDE)
            elif missing:
                reason = f"no {' and no '.join(missing)} in the published layout"
                yield Excluded(patient, patient, reason, unjoined="table")
            else:
                yield Study(patient, patient, (row, files))
        if self.root is not None:
            for folder in sorted((self.root / "images").iterdir()):
                if folder.is_dir() and folder.name not in set(table["patient_id"]):
                    yield Excluded(folder.name, folder.name, "not in the sheet", unjoined="images")

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """The one case of a patient."""
        row, files = study.content
        group: Literal["internal", "external"] = "external" if row["dataset"] == EXTERNAL else "internal"
        covariates = [*ACQUISITION.values(), *CLINICAL.values(), "centre"]
        evidence = {"phase": f"{self.phase}, by the name of the file", "mask": "expert segmentation"}
        yield Case(
            study.key,
            study.patient,
            site=row["dataset"],
            group=group,
            labels=labels_of(row, LABELS),
            covariates={name: row[name] or None for name in covariates},
            evidence=evidence if files else {},
            **files,
        )

    def _files(self, patient: str) -> Mapping[str, Path]:
        if self.root is None:
            return {}
        name = patient.lower()
        return {
            "image": self.root / "images" / patient / f"{name}_{self.phase:04d}.nii.gz",
            "mask": self.root / "segmentations" / "expert" / f"{name}.nii.gz",
        }


def clinical_table(path: Path) -> pd.DataFrame:
    """Ids, labels and covariates of the sheet, empty where unknown."""
    table = read_sheet(path, SHEET)
    require_columns(path, table, ["patient_id", "dataset", "site", *LABELS, *ACQUISITION, *CLINICAL])
    found = table[["patient_id"]].copy()
    found["dataset"] = table["dataset"].str.strip()
    for name in LABELS:
        found[name] = decode(path, table, name, KNOWN)
    for column, name in {**ACQUISITION, **CLINICAL, "site": "centre"}.items():
        found[name] = table[column].str.strip()
    found["menopause"] = found["menopause"].str.split().str[0].fillna("")
    return found
