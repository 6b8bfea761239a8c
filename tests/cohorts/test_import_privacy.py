"""No header string in any output file: a study full of names, dates, comments; a scan that sees leaks."""

import gzip
import re
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from bench.cohorts.importers.dicom.exams import DicomImporter
from bench.cohorts.importers.run_import import import_cohort
from bench.cohorts.importers.scan import identifying_strings, scan
from tests.cohorts.dicom_exams import Exam, labels, lesion, segmentation, slices, structure_set, write
from tests.cohorts.test_dicom_masks import SQUARE
from tests.command import bench

pytestmark = pytest.mark.slow

# One element of every kind that can hold text, and those that real exports are known to hide names in.
SECRETS = {
    "InstitutionName": "Saint Elsewhere",
    "InstitutionAddress": "7 Quarry Lane, Elsewhere",
    "InstitutionalDepartmentName": "Radiology West",
    "ReferringPhysicianName": "Quack^Theodor",
    "PerformingPhysicianName": "Strange^Stephen",
    "OperatorsName": "Poe^Edgar^Allan",
    "OtherPatientIDs": "KV-12345678",
    "OtherPatientNames": "Roe^Janet",
    "PatientAddress": "1 Hidden Street",
    "PatientTelephoneNumbers": "+49 40 555 0199",
    "PatientMotherBirthName": "Maiden^Mary",
    "PatientComments": "likes tea, sister of Mrs Roe",
    "AdditionalPatientHistory": "BRCA1 in the family",
    "EthnicGroup": "Undisclosed",
    "Occupation": "Keeper of lights",
    "AccessionNumber": "ACC9917",
    "StudyID": "ST-4711",
    "StudyDescription": "MAMMA of Doe",
    "SeriesDescription": "dyn Doe special",
    "ProtocolName": "Protocol Strange",
    "ImageComments": "call 555 0199",
    "RequestedProcedureDescription": "biopsy of Jane",
    "DeviceSerialNumber": "SN-000777",
    "StationName": "MRT-KELLER",
    "PatientAge": "061Y",
    "AcquisitionDate": "20110501",
    "ContentTime": "101112.131415",
}
MASKED = {
    "InstitutionName": "Saint Elsewhere",
    "SeriesDescription": "seg by Strange",
    "ContentCreatorName": "Penname^Otto",
}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def talkative(exam: Exam) -> list[Dataset]:
    """An exam, a segmentation and a structure set full of SECRETS, private elements and nested ones too."""
    files = slices(exam)
    inner = Dataset()
    inner.PatientName, inner.CodeMeaning = "Nested^Nora", "whatever"
    for file in files:
        for name, value in SECRETS.items():
            setattr(file, name, value)
        file.ContentTime = file.AcquisitionTime
        file.RequestAttributesSequence = pydicom.Sequence([inner])
        file.private_block(0x0029, "ACME MEMOS", create=True).add_new(0x10, "LT", "private note on Jane")
        file.private_block(0x0031, "ACME BYTES", create=True).add_new(0x11, "UN", b"raw bytes of Jane Doe")
    masks = [
        segmentation(exam, lesion().astype(int), ("Doe tumour",)),
        structure_set(exam, {"Doe GTV": [(3, SQUARE)]}),
    ]
    for mask in masks[:1]:
        for name, value in MASKED.items():
            setattr(mask, name, value)
    return [*files, *masks]


def every_string(root: Path) -> set[str]:
    """All texts of all headers and their words, nested and private ones too, without the scan's code."""
    found: set[str] = set()

    def collect(data: Dataset) -> None:
        for element in data.iterall():
            if element.VR in ("SQ", "OW", "OB", "CS", "DS", "IS", "US", "UL", "SS", "FL", "FD"):
                continue
            for value in element.value if element.VM > 1 else [element.value]:
                text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                found.update({text, *text.split("^"), *re.findall(r"[A-Za-z]{4,}|\d{4,}", text)})

    for path in root.rglob("IM*"):
        collect(pydicom.dcmread(path, stop_before_pixels=True))
    return {text for text in found if len(text) >= 4}


def written_bytes(out: Path) -> dict[str, bytes]:
    """Content of every output file by its name, unpacked; of volumes the header alone."""
    found = {}
    for path in out.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
            found[str(path.relative_to(out))] = content[:352] if ".nii" in path.name else content
    return found


# Words of the program's own texts that stand in headers of the made study too, and name nobody.
OWN = {"lesion", "segmentation", "tumour", "special", "call", "sister", "like", "with"} | {
    "SIEMENS",
    "Siemens",
}


def test_no_string_of_a_talkative_study_is_in_any_output_file(tmp_path: Path) -> None:
    exam = Exam("MRN-471100815")
    root = write(tmp_path / "in" / "Doe_Jane_19500203", talkative(exam)).parent
    importer = DicomImporter(root, labels(tmp_path, "MRN-471100815"), segment="tumour")
    import_cohort(importer, tmp_path / "out", quiet=True)
    strings = every_string(root)
    assert {"Nested^Nora", "private note on Jane", "Saint Elsewhere", "19500203", "Maiden"} <= strings
    for name, content in written_bytes(tmp_path / "out").items():
        told = {text for text in strings - OWN if text.encode().lower() in (name.encode() + content).lower()}
        assert told == set(), name
    assert str(tmp_path).encode() not in b"".join(written_bytes(tmp_path / "out").values())
    for path in (tmp_path / "out" / "images").iterdir():
        header = nibabel.load(path).header
        assert {
            str(header[field].astype(str)) for field in ("descrip", "aux_file", "db_name", "intent_name")
        } == {""}
        assert header.extensions == []
    searched = identifying_strings(root)
    hidden = {"Nested^Nora", "private note on Jane", "raw bytes of Jane Doe", "dyn Doe special", "Penname"}
    assert hidden <= set(searched)
    done = bench("cohort", "scan", str(tmp_path / "out"), "--against", str(root))
    assert done.returncode == 0 and "none found" in done.stdout


PLANTS = {
    "label_card.md": "of doe^JANE",
    "cases.csv": "x,19500203",
    "import_report.json": "private note on Jane",
}


@pytest.mark.parametrize("name", [*PLANTS, "images/a_image.nii.gz", "Elsewhere/MRN-471100815.txt"])
def test_the_scan_sees_a_leak_wherever_it_is(name: str, tmp_path: Path) -> None:
    root = write(tmp_path / "in", talkative(Exam("MRN-471100815")))
    target = tmp_path / "out" / name
    target.parent.mkdir(parents=True)
    if name in PLANTS:
        target.write_text(PLANTS[name])
    elif name.endswith(".nii.gz"):
        image = nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4))
        image.header["descrip"] = b"Quack^Theodor"
        nibabel.save(image, target)
    else:
        target.write_text("")
    leaks = scan(tmp_path / "out", identifying_strings(root))
    assert {leak.file for leak in leaks} == {name}


def test_descriptions_made_of_technique_alone_are_no_leak(tmp_path: Path) -> None:
    root = write(tmp_path / "in", slices(Exam("MRN-471100815", header={"SeriesDescription": "first phase"})))
    assert "first phase" not in identifying_strings(root)
