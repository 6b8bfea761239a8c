"""I-SPY 2 (TCIA): the clinical sheet of imaging cohort 1, with the DICOM files of the first visit."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cohorts.importers.dicom.choice import FIRST_POST, require_phase
from bench.cohorts.importers.dicom.exams import ACQUISITION, IMAGES, DicomImporter, Exam, mask_files, tree_of
from bench.cohorts.importers.dicom.files import require_pydicom
from bench.cohorts.importers.dicom.labels import Line, normalised
from bench.cohorts.importers.dicom.masks import MARKERS
from bench.cohorts.importers.importer import Card, Case, Excluded, Published, Study, option
from bench.cohorts.importers.sheet import decode, labels_of, read_sheet, require_columns
from bench.cohorts.importers.tcia import MANIFEST, whole_studies
from bench.errors import UsageError, parameter
from bench.task import Task

ID = "Patient_ID"
LABELS = {"hr": "HR", "her2": "HER2"}
MEANING = {"hr": "ER or PR positive", "her2": "HER2 positive"}
LABEL = {"0": "0", "1": "1", "0.0": "0", "1.0": "1", "NA": "", "": ""}
CLINICAL = {"age": "Age_at_Screening", "menopause": "menopausal_status"}
# The trial's own series of all phases, cropped to the breast with the tumour or showing both.
DYNAMIC = r"VOLSER.*original DCE"
FRIDMAN = "Fridman and Goldstein, arXiv 2510.13897, 2025: I-SPY 1 and 2, their test part"
PUBLISHED = (Published("her2", "AUC", 0.74, None, None, FRIDMAN),)


@dataclass(frozen=True)
class Ispy2Importer:
    """The patients of the clinical sheet; where DICOM files are given, those with a first visit among them.

    Ids end in the patient's number: ``ISPY2-102212`` or, in its sub-study, ``ACRIN-6698-102212``. The lesion
    is what the trial's analysis mask leaves in (stored value 0), unless ``masks`` has others.
    """

    sheet: Path = option("ISPY2-Imaging-Cohort-1-Clinical-Data.xlsx of the collection.", argument=True)
    dicom: Path | None = option("Folder of the collection's DICOM files, with metadata.csv or without.", None)
    masks: Path | None = option("Folder of masks as NIfTI or NRRD, named by patient, in place of SEG.", None)
    phase: str = option("first-post, pre, post2, a number from 0, or minutes such as 2min.", FIRST_POST)
    series: str = option("Only series whose description matches this regular expression.", DYNAMIC)

    def card(self) -> Card:
        """Hormone receptor and HER2 status before treatment; neither ER nor PR apart, no Ki-67."""
        require_phase(self.phase)
        for name, folder in (("dicom", self.dicom), ("masks", self.masks)):
            if folder is not None and not folder.is_dir():
                raise UsageError(f"there is no folder {folder}; correct {parameter(name)}")
        acquisition = () if self.dicom is None else ACQUISITION
        return Card(
            name="ispy2",
            title="I-SPY 2 (imaging cohort 1)",
            tasks=tuple(Task(name, "binary", positive=text) for name, text in MEANING.items()),
            licence="CC BY 4.0",
            citation="Li et al., doi:10.7937/TCIA.D8Z0-9T85; Newitt et al., doi:10.7937/TCIA.KK02-6D95",
            roles={**dict.fromkeys(acquisition, "acquisition"), **dict.fromkeys(CLINICAL, "clinical")},
            categorical=("menopause",),
            label_rule=(
                "Before treatment, from the biopsy: HR is 1 where ER or PR is positive, HER2 1 where it is "
                "positive; an empty cell is unknown. Only the first visit is imported: later ones show a "
                "tumour under treatment."
            ),
            lacks="ER and PR apart, and Ki-67, for all patients; no ER or PR is derived from HR.",
            subtype_rule="HR and HER2 give four groups; none is imported as a label.",
            published=PUBLISHED,
            ids_published=True,
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """A study a patient of the sheet, then the images that the sheet does not name."""
        rows = {str(row[ID]): row for row in clinical_table(self.sheet).to_dict("records")}
        if self.dicom is None:
            for number, row in rows.items():
                yield Study(f"ISPY2-{number}", f"ISPY2-{number}", row)
            return
        require_pydicom()
        found = self._exams(rows)
        yield from whole_studies(found, self.dicom) if (self.dicom / MANIFEST).is_file() else found

    def _exams(self, rows: Mapping[str, Mapping[Any, Any]]) -> Iterator[Study | Excluded]:
        tree, unread = tree_of(self.dicom or Path())
        masks = {} if self.masks is None else mask_files(self.masks)
        left = dict(rows)
        for patient, studies in sorted(tree.items()):
            row = left.pop(number_of(patient), None)
            imaged = [files for files in studies.values() if any(file.holds in IMAGES for file in files)]
            if row is None or not imaged:
                reason = "not in the sheet" if row is None else "no MR image"
                yield Excluded(patient, patient, reason, unjoined="images" if row is None else "")
                continue
            files = min(imaged, key=lambda files: (files[0].date, files[0].study))
            beside = masks.get(normalised(patient), ())
            kept = [file for file in files if not (beside and file.holds in MARKERS)]
            exam = Exam(tuple((file.path, file.holds) for file in kept), files[0].date, beside, (_line(row),))
            yield Study(patient, patient, exam)
        for path, reason in unread:
            yield Excluded(f"file {path}", "", reason)
        for number in sorted(left):
            yield Excluded(f"ISPY2-{number}", f"ISPY2-{number}", "no images", unjoined="table")

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """The one case of a patient."""
        if isinstance(study.content, Exam):
            reader = DicomImporter(
                self.dicom or Path(), self.sheet, phase=self.phase, series=self.series, masks=self.masks
            )
            yield from (
                replace(one, exam_date=None) if isinstance(one, Case) else one for one in reader.cases(study)
            )
            return
        line = _line(study.content)
        yield Case(study.key, study.patient, site=line.site, labels=line.labels, covariates=line.covariates)


def number_of(patient: str) -> str:
    """The number at the end of a patient's id."""
    found = re.search(r"(\d+)$", patient)
    return found[1] if found else patient


def clinical_table(path: Path) -> pd.DataFrame:
    """Number, labels, age and menopause of the sheet, empty where unknown."""
    table = read_sheet(path)
    require_columns(path, table, [ID, *LABELS.values(), *CLINICAL.values()])
    found = pd.DataFrame({ID: table[ID].map(number_of)}, index=table.index)
    for name, column in LABELS.items():
        found[name] = decode(path, table, column, LABEL)
    for name, column in CLINICAL.items():
        found[name] = table[column].str.strip()
    found["menopause"] = found["menopause"].str.split().str[0].fillna("").str.lower()
    return found


def _line(row: Mapping[Any, Any]) -> Line:
    return Line(
        site="ISPY2",
        labels=labels_of({str(name): cell for name, cell in row.items()}, MEANING),
        covariates={name: row[name] or None for name in CLINICAL},
    )
