"""Duke-Breast-Cancer-MRI (TCIA): the official clinical sheet, boxes, features, and volumes as NIfTI."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cohorts.importers.dicom.choice import FIRST_POST, require_phase
from bench.cohorts.importers.dicom.exams import ACQUISITION, IMAGES, DicomImporter, Exam
from bench.cohorts.importers.dicom.files import require_pydicom
from bench.cohorts.importers.dicom.labels import Line, normalised
from bench.cohorts.importers.dicom.marks import read_marks
from bench.cohorts.importers.duke_dicom import Mapped, dicom_cases, files_by_patient, read_mapping, scan_of
from bench.cohorts.importers.importer import Box, Card, Case, Excluded, Published, Study, StudyError, option
from bench.cohorts.importers.inside import leaves
from bench.cohorts.importers.sheet import decode, labels_of, read_sheet, require_columns
from bench.cohorts.values import numbers
from bench.errors import UsageError, parameter
from bench.task import Task

ID = "Patient ID"
RECEPTORS = {"er": "ER", "pr": "PR", "her2": "HER2"}
# The sheet's legend; HER2 has 2 = borderline in the legend and in no row.
LABEL = {"0": "0", "1": "1", "2": "", "NC": "", "NP": "", "NA": "", "": ""}
MAKERS = {"0": "GE", "1": "MPTronic", "2": "Siemens", "NC": "", "": ""}
FIELDS = {"0": "1.494", "1": "1.5", "2": "2.8936", "3": "3", "NC": "", "": ""}
MENOPAUSE = {"0": "pre", "1": "post", "2": "", "NC": "", "NP": "", "NA": "", "": ""}
OF_SHEET = ("vendor", "field_strength")
BOX = ("Start Column", "Start Row", "Start Slice"), ("End Column", "End Row", "End Slice")
# Columns beside the features in tables that have labels joined.
NO_FEATURES = ("ER", "PR", "HER2", "Mol Subtype", "Manufacturer", "Field Strength (Tesla)", "TN", "LumA")
SAHA = "Saha et al., Br J Cancer 119:508, 2018: 529 features, 461 patients to learn from, 461 to test"
PUBLISHED = (
    Published("er", "AUC", 0.649, 0.591, 0.705, SAHA),
    Published("pr", "AUC", 0.622, 0.569, 0.674, SAHA),
    Published("triple_negative", "AUC", 0.654, 0.589, 0.727, SAHA),
    Published("luminal_a", "AUC", 0.697, 0.647, 0.746, SAHA),
)


@dataclass(frozen=True)
class DukeImporter:
    """The 922 patients of Duke-Breast-Cancer-MRI.

    Boxes count rows, columns and images of the DICOM series from 1. Images are numbered from head to feet in
    many series, against their positions: the DICOM tree has the numbers in its headers, and a volume as NIfTI
    has to keep that order of its voxels, which converters that flip rows or slices do not.
    """

    sheet: Path = option("Clinical_and_Other_Features.xlsx of the collection.", argument=True)
    boxes: Path | None = option("Annotation_Boxes.xlsx of the collection: the masks.", None)
    images: Path | None = option("Folder with ID.nii.gz, one volume per patient.", None)
    dicom: Path | None = option("Folder of the collection's DICOM files, as it was downloaded.", None)
    mapping: Path | None = option("The collection's sheet filepath_filename-mapping, with dicom.", None)
    phase: str = option("With dicom: first-post, pre, post2, ... or a number from 0.", FIRST_POST)
    features: Path | None = option("Table of imaging features with a column Patient ID.", None)

    def card(self) -> Card:
        """Receptor status by the collection's rule; no Ki-67."""
        _require_options(self)
        names = {"er": "oestrogen", "pr": "progesterone"}
        tasks = [Task(name, "binary", positive=f"{word} receptor positive") for name, word in names.items()]
        tasks.append(Task("her2", "binary", positive="HER2 positive"))
        tasks.append(Task("triple_negative", "binary", positive="triple-negative", ranked=False))
        tasks.append(Task("luminal_a", "binary", positive="luminal-like, HER2 negative", ranked=False))
        return Card(
            name="duke",
            title="Duke-Breast-Cancer-MRI",
            tasks=tuple(tasks),
            licence="CC BY-NC 4.0",
            citation="Saha et al., Br J Cancer 119:508, 2018; doi:10.7937/TCIA.e3sv-re93",
            roles={
                **dict.fromkeys(OF_SHEET if self.dicom is None else ACQUISITION, "acquisition"),
                **dict.fromkeys(("age", "menopause"), "clinical"),
            },
            features=() if self.features is None else tuple(map(str, _features(self.features))),
            label_rule=(
                "ER and PR: Allred score of 3 or more; HER2: IHC 3+ or a FISH ratio above 2 (legend of the "
                "sheet). Cells NC, NP, NA and empty ones are unknown."
            ),
            lacks="Ki-67, for all patients.",
            subtype_rule=(
                "The sheet's Mol Subtype, from receptors alone: 0 luminal-like (here luminal_a, although "
                "without Ki-67 luminal A and B are not told apart), 1 ER or PR and HER2 positive, 2 HER2, "
                "3 triple-negative."
            ),
            published=PUBLISHED,
            ids_published=True,
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """A study a patient of the sheet."""
        table = clinical_table(self.sheet)
        boxes = {} if self.boxes is None else _boxes(self.boxes)
        features = None if self.features is None else _features(self.features)
        if self.dicom is not None:
            yield from _dicom_studies(self, table)
            return
        for row in table.to_dict("records"):
            patient = str(row[ID])
            image = None if self.images is None else self.images / f"{patient}.nii.gz"
            if features is not None and patient not in features.index:
                yield Excluded(patient, patient, "no line in the feature table", unjoined="table")
            elif image is not None and self.images is not None and leaves(image, self.images):
                yield Excluded(patient, patient, "file outside the folder of the source")
            elif image is not None and not image.is_file():
                yield Excluded(patient, patient, "no volume ID.nii.gz", unjoined="table")
            elif image is not None and patient not in boxes:
                yield Excluded(patient, patient, "no box", unjoined="images")
            else:
                own = {} if features is None else features.loc[patient].to_dict()
                yield Study(patient, patient, (row, own, image, boxes.get(patient)))
        for patient in [] if features is None else sorted(set(features.index) - set(table[ID])):
            yield Excluded(str(patient), str(patient), "features without a line", unjoined="images")

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """The one case of a patient."""
        if isinstance(study.content, DicomContent):
            exam, mapping = study.content.exam, study.content.mapping
            yield from dicom_cases(exam, study, _reader(self), mapping)
            return
        row, features, image, box = study.content
        covariates = {name: row[name] or None for name in ("vendor", "field_strength", "age", "menopause")}
        if box is not None and image is not None:
            box = _zero_based(box)
        evidence = {"mask": "published box, counted from 1 in the order of the file"} if image else {}
        yield Case(
            study.key,
            study.patient,
            site=row["vendor"] or "unknown",
            labels=labels_of(row, _LABELS),
            covariates=covariates,
            features=features,
            image=image,
            mask=box if image is not None else None,
            evidence=evidence,
        )


@dataclass(frozen=True)
class DicomContent:
    """What a worker gets of a patient whose DICOM files are there."""

    exam: Exam
    mapping: Mapping[str, Mapped]


def _require_options(importer: DukeImporter) -> None:
    folders = {"images": importer.images, "dicom": importer.dicom}
    given = [name for name, folder in folders.items() if folder is not None]
    images, dicom = parameter("images"), parameter("dicom")
    if len(given) > 1:
        raise UsageError(f"{images} and {dicom} are two sources of one image; name one")
    if bool(given) != (importer.boxes is not None):
        raise UsageError(f"{images} or {dicom}, and {parameter('boxes')} go together: a volume needs a mask")
    for name in given:
        folder = folders[name]
        if folder is not None and not folder.is_dir():
            raise UsageError(f"there is no folder {folder}; correct {parameter(name)}")
    require_phase(importer.phase)
    if importer.dicom is not None and importer.features is not None:
        raise UsageError(f"{parameter('features')} and {dicom} make two cohorts; import each apart")
    if importer.mapping is not None:
        scan_of(importer.phase)
        if importer.dicom is None:
            raise UsageError(f"{parameter('mapping')} maps the files of {dicom}; name that folder too")


def _reader(importer: DukeImporter) -> DicomImporter:
    return DicomImporter(importer.dicom or Path(), importer.sheet, phase=importer.phase)


def _dicom_studies(importer: DukeImporter, table: pd.DataFrame) -> Iterator[Study | Excluded]:
    """A study a patient of the sheet that has DICOM files and a box, and what is left out."""
    require_pydicom()
    if importer.dicom is None or importer.boxes is None:
        return
    mapping = {} if importer.mapping is None else read_mapping(importer.mapping, scan_of(importer.phase))
    tree, unread = files_by_patient(importer.dicom)
    marks = read_marks(importer.boxes, ID)
    for row in table.to_dict("records"):
        patient = str(row[ID])
        files, own = tree.pop(patient, []), marks.get(normalised(patient), ())
        if not any(file.holds in IMAGES for file in files):
            yield Excluded(patient, patient, "no DICOM images", unjoined="table")
        elif not own:
            yield Excluded(patient, patient, "no box", unjoined="images")
        elif importer.mapping is not None and patient not in mapping:
            yield Excluded(patient, patient, "not in the file mapping")
        else:
            images = tuple((file.path, file.holds) for file in files if file.holds in IMAGES)
            exam = Exam(images, files[0].date, (), (_line(row),), own)
            yield Study(patient, patient, DicomContent(exam, mapping.get(patient, {})))
    for path, reason in unread:
        yield Excluded(f"file {path}", "", reason)
    for patient in sorted(tree):
        yield Excluded(patient, patient, "not in the sheet", unjoined="images")


def _line(row: Mapping[Hashable, Any]) -> Line:
    return Line(
        site=row["vendor"] or "unknown",
        labels=labels_of({str(name): cell for name, cell in row.items()}, _LABELS),
        covariates={name: row[name] or None for name in ("age", "menopause")},
    )


_LABELS = ("er", "pr", "her2", "triple_negative", "luminal_a")


def clinical_table(path: Path) -> pd.DataFrame:
    """Patient ID, labels and covariates of the official sheet in words, empty where unknown.

    The sheet has three rows of headers: themes, names, and the legend of the codes.
    """
    table = read_sheet(path, "Data", header=1, below=1)
    require_columns(path, table, [ID, *RECEPTORS.values(), "Mol Subtype", "Manufacturer"])
    found = table[[ID]].copy()
    for name, column in RECEPTORS.items():
        found[name] = decode(path, table, column, LABEL)
    subtype = decode(path, table, "Mol Subtype", {code: code for code in ("0", "1", "2", "3", "NC", "")})
    for name, code in (("triple_negative", "3"), ("luminal_a", "0")):
        found[name] = subtype.map(lambda cell, code=code: str(int(cell == code)) if cell.isdigit() else "")
    found["vendor"] = decode(path, table, "Manufacturer", MAKERS)
    found["field_strength"] = decode(path, table, "Field Strength (Tesla)", FIELDS)
    days = numbers(table["Date of Birth (Days)"].where(table["Date of Birth (Days)"].str.startswith("-"), ""))
    found["age"] = [f"{-value / 365.25:.1f}" if value == value else "" for value in days.values]
    found["menopause"] = decode(path, table, "Menopause (at diagnosis)", MENOPAUSE)
    return found


def _features(path: Path) -> pd.DataFrame:
    table = read_sheet(path)
    require_columns(path, table, [ID])
    names = [name for name in table if name not in (ID, *NO_FEATURES)]
    return table.set_index(ID)[names]


def _boxes(path: Path) -> dict[str, Any]:
    table = read_sheet(path)
    require_columns(path, table, [ID, *BOX[0], *BOX[1]])
    return {row[ID]: tuple(tuple(row[name] for name in end) for end in BOX) for _, row in table.iterrows()}


def _zero_based(box: Any) -> Box:
    try:
        first, last = (tuple(int(cell) - 1 for cell in end) for end in box)
    except ValueError:
        raise StudyError(f"its box {box} is no box of whole numbers", "box without numbers") from None
    return Box((first[0], first[1], first[2]), (last[0], last[1], last[2]))
