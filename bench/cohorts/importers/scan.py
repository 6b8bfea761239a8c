"""The proof that no name got out: every identifying string of a source, searched for in a cohort folder."""

import gzip
import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cohorts.importers.dicom.files import is_dicom, read_header, require_pydicom
from bench.cohorts.importers.importer import StudyError
from bench.cohorts.importers.sheet import read_sheet
from bench.errors import CohortError, UsageError

MIN_LENGTH = 4
# Numbers with decimals are measured and identify nobody, whatever their column is called.
MEASURED = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?|[+-]?\d+[eE][+-]?\d+")
# Runs of bytes that can be text; most bytes of a volume are none.
LEGIBLE = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]{%d,}" % MIN_LENGTH)
TABLES = (".csv", ".tsv", ".xlsx", ".parquet", ".csv.gz", ".tsv.gz")
# Columns of a table that identify a person, by their names.
IDENTIFYING = re.compile(
    r"(^|[^a-z])(id|ids|mrn|pid|uid|name|names|birth|born|dob|date|phone|address|email|accession|patient|"
    r"subject|insurance|comment|comments|physician|doctor)([^a-z]|$)|patient_?id|subject_?id|case_?id|_uid$"
)
# What identifies in DICOM: persons, dates and times, unique numbers, and free text.
DICOM_KINDS = ("PN", "DA", "DT", "TM", "UI", "LO", "LT", "ST", "UT", "SH", "AS", "UC", "UR", "UN")
# Elements of these kinds that name a standard or a make, and are the same for thousands of patients.
DICOM_TECHNICAL = re.compile(
    r"SOPClassUID|TransferSyntax|ImplementationClass|ImplementationVersion|Manufacturer|CodeMeaning|CodeValue|"
    r"CodingScheme|SoftwareVersions|ImagedNucleus|PresentationIntent"
)
# Elements that describe an examination; one made of words of technique alone identifies nobody, and reports
# use such words too.
DESCRIBING = re.compile(r"Description|Protocol|SequenceName|ScanOptions|BodyPart|Contrast|Coil|Label|ROIName")
TECHNIQUE = re.compile(
    r"(\d+|t[12]w?|3d|2d|pre|post|dyn\w*|dce|contrast|gad\w*|phases?|series|images?|masks?|slices?|lesions?|"
    r"breasts?|tumou?rs?|left|right|bilateral|axial|ax|sag\w*|cor\w*|original|segmentations?|first|minutes?|"
    r"none|voxels?|labels?|box|point|mass)",
    re.IGNORECASE,
)
# What holds voxels, in which a word may stand by chance.
VOLUMES = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Leak:
    """A file of the cohort that holds an identifying string; which one is not repeated here."""

    file: str
    kind: str


def identifying_strings(source: Path) -> dict[str, str]:
    """Every string of at least four characters that identifies somebody in a source, with its kind.

    Of a table the cells of columns whose names say id, name, date or the like; of DICOM files the elements
    that hold persons, dates, unique numbers and text, without those that name a technique. The source's own
    path counts too.

    Raises
    ------
    UsageError
        The source has nothing to search for, or holds DICOM files and pydicom is not installed.
    """
    found: dict[str, str] = {str(source.resolve()): "path"}
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    for path in files:
        for text, kind in _strings_of(path, alone=path == source):
            if len(text) >= MIN_LENGTH:
                found.setdefault(text, kind)
    if len(found) == 1:
        raise UsageError(f"{source} holds no table and no DICOM file with identifying strings")
    return found


def _strings_of(path: Path, alone: bool) -> Iterator[tuple[str, str]]:
    if is_dicom(path):
        yield from _of_dicom(path)
    elif alone or path.name.lower().endswith(TABLES):
        yield from _of_table(path)


def _of_table(path: Path) -> Iterator[tuple[str, str]]:
    try:
        table = read_sheet(path)
    except CohortError:
        return
    for name in map(str, table):
        if IDENTIFYING.search(name.lower()):
            cells = (text for text in table[name].unique() if text and not MEASURED.fullmatch(text))
            yield from ((text, f"column {name}") for text in cells)


def _of_dicom(path: Path) -> Iterator[tuple[str, str]]:
    """The identifying strings of a DICOM file; none of one that no import could read either."""
    require_pydicom()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for element in _elements(read_header(path)):
                yield from _of_element(element)
        except (StudyError, RecursionError):
            return


def _elements(header: Any) -> Iterator[Any]:
    """The elements of a header and of its sequences, without those whose value is damaged."""
    for tag in list(header.keys()):
        try:
            element = header[tag]
        except RecursionError:
            raise
        except Exception:  # pydicom passes on whatever a damaged value makes of it
            continue
        yield element
        for item in element.value if element.VR == "SQ" else ():
            yield from _elements(item)


def _of_element(element: Any) -> Iterator[tuple[str, str]]:
    keyword = str(element.keyword)
    if element.VR not in DICOM_KINDS or DICOM_TECHNICAL.search(keyword):
        return
    for value in element.value if element.VM > 1 else [element.value]:
        text = _text(value)
        if DESCRIBING.search(keyword) and all(map(TECHNIQUE.fullmatch, re.findall(r"[^\W_]+", text))):
            continue
        yield text, keyword or f"element {element.tag}"
        yield from ((part, keyword) for part in text.split("^") if element.VR == "PN")


def _text(value: Any) -> str:
    """A value as text; empty for bytes that are none."""
    if not isinstance(value, bytes):
        return str(value).strip("\0 ")
    plain = value.strip(b"\0 ")
    return plain.decode("utf-8", "ignore") if LEGIBLE.fullmatch(plain) else ""


def scan(folder: Path, strings: dict[str, str]) -> list[Leak]:
    """Every file of a folder that holds one of the strings, packed or not, in its name or content.

    Whole words count: ``1234`` inside ``0.912345`` is a number, not an id. Capitals do not, but among voxels.
    """
    leaks = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        legible = b"\0".join(LEGIBLE.findall(name.encode() + b"\n" + _content(path)))
        changed = bytes if path.name.endswith(VOLUMES) else bytes.lower
        legible = changed(legible)
        hits = {kind for text, kind in strings.items() if _holds(legible, changed(text.encode()))}
        leaks += [Leak(name, kind) for kind in sorted(hits)]
    return leaks


def _holds(content: bytes, text: bytes) -> bool:
    # A plain search first: it is a hundred times faster than the pattern, and finds nothing in most files.
    return text in content and bool(
        re.search(rb"(?<![A-Za-z0-9.])" + re.escape(text) + rb"(?![A-Za-z0-9])", content)
    )


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    try:
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error):
        return content
