"""Any collection of The Cancer Imaging Archive, as its downloader left it: a folder with metadata.csv."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from bench.cohorts.importers.dicom.exams import DicomImporter, Exam
from bench.cohorts.importers.importer import Card, Excluded, Study, option
from bench.cohorts.importers.inside import leaves
from bench.cohorts.importers.sheet import read_sheet, require_columns
from bench.errors import UsageError

MANIFEST = "metadata.csv"
COLLECTION, SOURCE, PATIENT = "Collection", "Data Description URI", "Subject ID"
STUDY, KIND, COUNT, FOLDER = "Study UID", "Modality", "Number of Images", "File Location"
OF_IMAGES = ("MR",)
INCOMPLETE = "the download is incomplete: files of the manifest are missing"


@dataclass(frozen=True)
class TciaImporter(DicomImporter):
    """A downloaded collection: DICOM files as ``dicom`` reads them, checked against metadata.csv in ``root``.

    A study of which the manifest lists more MR images than are there is left out: with slices or a whole
    phase missing, another phase would be taken for the one that is wanted.
    """

    name: str = option("Name of the cohort; that of the collection.", "")

    def card(self) -> Card:
        """As for any DICOM tree, with the collection's name and source; its ids are public pseudonyms."""
        if not self.root.is_dir():
            raise UsageError(f"there is no folder {self.root}; correct ROOT")
        series = manifest_of(self.root)
        card = super().card()
        collection, source = series[0].collection, series[0].source
        return replace(
            card,
            name=self.name or collection.lower(),
            title=collection,
            citation=self.citation or source,
            licence=self.licence or f"as {source or 'the page of the collection'} says",
            ids_published=True,
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """The studies of the tree whose MR series are whole."""
        yield from whole_studies(super().studies(), self.root)


@dataclass(frozen=True)
class Series:
    """A series of the manifest: whose it is, where its files are, and how many of them are missing."""

    collection: str
    source: str
    patient: str
    study: str
    kind: str
    folder: Path
    missing: int


def manifest_of(root: Path) -> list[Series]:
    """The series that a download's ``metadata.csv`` lists.

    Raises
    ------
    UsageError
        There is no such file, or it lacks a column or names no series.
    """
    path = root / MANIFEST
    if not path.is_file():
        raise UsageError(
            f"{root} has no {MANIFEST}, which the NBIA Data Retriever writes beside the files; name that "
            "folder, or import the files with `dicom`"
        )
    table = read_sheet(path)
    require_columns(path, table, (COLLECTION, PATIENT, STUDY, KIND, COUNT, FOLDER))
    found = []
    for line, row in table.iterrows():
        if not row[COUNT].isdigit():
            raise UsageError(f"{path}, line {line}: {COUNT} is {row[COUNT][:60]!r}, expected a number")
        folder = root / Path(*PureWindowsPath(row[FOLDER]).parts)
        here = 0 if leaves(folder, root) or not folder.is_dir() else _files_in(folder)
        found.append(
            Series(
                row[COLLECTION],
                row.get(SOURCE, ""),
                row[PATIENT],
                row[STUDY],
                row[KIND],
                folder.resolve(),
                max(int(row[COUNT]) - here, 0),
            )
        )
    if not found:
        raise UsageError(f"{path} names no series; download the collection again")
    return found


def _files_in(folder: Path) -> int:
    return sum(path.suffix.lower() == ".dcm" for path in folder.iterdir())


def whole_studies(found: Iterator[Study | Excluded], root: Path) -> Iterator[Study | Excluded]:
    """Studies without those of which the manifest lists MR images that are not there."""
    series = manifest_of(root)
    study_of = {one.folder: one.study for one in series}
    broken = {one.study for one in series if one.kind in OF_IMAGES and one.missing}
    seen: set[str] = set()
    for one in found:
        if isinstance(one, Study) and isinstance(one.content, Exam):
            folders = {Path(path).parent.resolve() for path, _ in one.content.files}
            studies = {study_of[folder] for folder in folders if folder in study_of}
            seen |= studies
            if studies & broken:
                yield Excluded(one.key, one.patient, INCOMPLETE)
                continue
        yield one
    lost = {(one.study, one.patient) for one in series if one.study in broken - seen}
    for study, patient in sorted(lost):
        yield Excluded(study, patient, INCOMPLETE)
