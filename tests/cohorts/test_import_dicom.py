"""DICOM trees imported whole: labels joined, privacy, hostile files, resumption."""

import json
import re
import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import generate_uid

from bench.cohorts.checking.check import check_folder
from bench.cohorts.folder import load_folder
from bench.cohorts.importers.dicom.exams import DicomImporter, mask_files
from bench.cohorts.importers.dicom.files import Refused, read_header
from bench.cohorts.importers.dicom.headers import read_images
from bench.cohorts.importers.dicom.labels import normalised
from bench.cohorts.importers.dicom.masks import Lesions
from bench.cohorts.importers.dicom.volume import stored_pixels
from bench.cohorts.importers.run_import import import_cohort
from bench.cohorts.importers.scan import identifying_strings, scan
from bench.errors import CohortError, UsageError
from tests.cohorts.dicom_exams import Exam, labels, lesion, segmentation, slices, structure_set, voxels, write
from tests.cohorts.test_dicom_masks import SQUARE
from tests.cohorts.test_import_frame import contents


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def tree(folder: Path, *exams: Exam) -> Path:
    """A tree with the exams and a segmentation of each, all files named alike."""
    for at, exam in enumerate(exams):
        write(
            folder / f"{at}", [*slices(exam, seed=at), segmentation(exam, lesion().astype(int))], shuffle=at
        )
    return folder


def test_a_tree_and_a_table_become_a_cohort_that_passes_the_check(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", *(Exam(patient) for patient in ("BR-07", "BR-08", "BR-09", "X 1")))
    table = labels(tmp_path, "br 7", "BR-08", "BR-11", "X-1")
    report = import_cohort(DicomImporter(root, table), tmp_path / "out", quiet=True)
    assert (report.patients_found, report.patients_kept) == (5, 3)
    assert len(report.unjoined("images")) == len(report.unjoined("table")) == 1
    cohort = load_folder(tmp_path / "out")
    assert sorted(cohort.labels("er").tolist()) == [0, 0, 1]
    assert check_folder(tmp_path / "out", quiet=True).would_run
    volumes = [cohort.volume(case) for case in cohort.case_ids]
    assert all(np.array_equal(sitk.GetArrayFromImage(volume.mask) != 0, lesion()) for volume in volumes)
    firsts = {sitk.GetArrayFromImage(volume.image)[0, 0, 0] for volume in volumes}
    assert firsts <= {voxels(1, seed=seed)[0, 0, 0] for seed in range(4)}
    covariates = cohort.covariates("acquisition")
    assert set(covariates["vendor"]) == {"Siemens"} and set(covariates["minutes_after_first_phase"]) == {2}
    for found in report.evidence.values():
        assert found["phase_number"] == 1 and "brighter than phase 0" in found["phase"]


def test_lesions_and_visits_of_one_patient_are_cases_of_their_own(tmp_path: Path) -> None:
    first = Exam("BR-07")
    later = replace(first, study=generate_uid(), space=generate_uid())
    two = lesion().astype(int)
    two[3:5, 14:17, 2:5] = 2
    write(tmp_path / "in" / "a", [*slices(first), segmentation(first, two, ("mass 1", "mass 2"))])
    files = [*slices(later), segmentation(later, lesion().astype(int))]
    for file in files:
        file.StudyDate = "20110811"
    write(tmp_path / "in" / "b", files)
    table = labels(tmp_path, "BR-07")
    importer = DicomImporter(tmp_path / "in", table, lesions=Lesions.EACH)
    import_cohort(importer, tmp_path / "out", quiet=True, ids="keep")
    rows = (tmp_path / "out" / "cases.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["BR-07-1-L1", "BR-07-1-L2", "BR-07-2"]
    assert [row.split(",")[-1] for row in rows] == ["exam_day", "0", "0", "102"]


def test_left_and_right_breast_have_their_own_lines(tmp_path: Path) -> None:
    exam = Exam("BR-07", header={"Laterality": "R"})
    root = tree(tmp_path / "in", exam)
    table = tmp_path / "labels.csv"
    table.write_text("Patient ID,breast,site,ER status\nBR-07,left,A,pos\nBR-07,right,A,neg\n")
    with pytest.raises(CohortError, match="different labels for one patient"):
        import_cohort(DicomImporter(root, table), tmp_path / "a", quiet=True)
    import_cohort(DicomImporter(root, table, side_column="breast"), tmp_path / "b", quiet=True)
    assert load_folder(tmp_path / "b").labels("er").tolist() == [0]
    table = tmp_path / "left.csv"
    table.write_text("Patient ID,breast,ER status\nBR-07,left,pos\n")
    with pytest.raises(CohortError, match="no line for the lesion's side"):
        import_cohort(DicomImporter(root, table, side_column="breast"), tmp_path / "c", quiet=True)


def test_a_recipe_makes_the_label_and_named_columns_are_covariates(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", Exam("7"), Exam("8"))
    table = tmp_path / "labels.csv"
    table.write_text('mrn,Allred,hospital,Age,comment\n7,"5",A,61,Doe\n8,"1",B,,Roe\n')
    importer = DicomImporter(root, table, label=("er = Allred >= 3",), covariates=("Age",))
    import_cohort(importer, tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert sorted(zip(cohort.labels("er"), cohort.sites, strict=True)) == [(0, "B"), (1, "A")]
    assert sorted(cohort.covariates("clinical")["Age"].dropna()) == [61]
    assert "Doe" not in (tmp_path / "out" / "cases.csv").read_text()


def test_no_header_string_gets_out_and_the_scan_would_see_it(tmp_path: Path) -> None:
    secret = {
        "InstitutionName": "St Elsewhere",
        "PatientComments": "likes tea",
        "AccessionNumber": "ACC-99-17",
        "OperatorsName": "Poe^Edgar",
        "SeriesDescription": "dyn Doe special",
        "StudyDescription": "MAMMA Doe",
        "BurnedInAnnotation": "YES",
    }
    exam = Exam("MRN-4711", header=secret)
    root = write(tmp_path / "in" / "Doe_Jane", slices(exam)).parent
    write(tmp_path / "in" / "rt", [structure_set(exam, {"Doe tumour": [(3, SQUARE)]})])
    table = labels(tmp_path, "MRN-4711")
    report = import_cohort(DicomImporter(root, table), tmp_path / "out", quiet=True)
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").glob("*.*"))
    for text in (
        "Doe",
        "MRN-4711",
        "Elsewhere",
        "tea",
        "ACC-99",
        "Poe",
        "special",
        "MAMMA",
        "20110501",
        "19500203",
    ):
        assert text.encode() not in written
    strings = identifying_strings(root)
    assert {"Doe^Jane", "MRN-4711", "ACC-99-17", exam.study} <= set(strings)
    assert scan(tmp_path / "out", strings) == []
    assert (
        "| flagged: burnt-in annotation: a header says that its pixels hold text | 1 |"
        in report.as_markdown()
    )
    (tmp_path / "out" / "label_card.md").write_text("of Doe^Jane")
    assert [leak.kind for leak in scan(tmp_path / "out", strings)] == ["PatientName"]


def test_studies_that_cannot_be_used_are_reported_with_short_reasons(tmp_path: Path) -> None:
    cut = [file for at, file in enumerate(slices(Exam("B"))) if at % 8 != 4]
    write(tmp_path / "in" / "b", [*cut, segmentation(Exam("B"), lesion().astype(int))])
    write(tmp_path / "in" / "c", slices(Exam("C")))
    write(tmp_path / "in" / "d", slices(Exam("D", header={"ImageType": ["DERIVED", "SECONDARY", "MIP"]})))
    tree(tmp_path / "in" / "a", Exam("A"))
    (tmp_path / "in" / "broken").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 50)
    write(tmp_path / "in" / "e", slices(Exam("E", header={"Rows": 4000, "Columns": 4000})))
    (tmp_path / "in" / "notes.txt").write_text("no DICOM")
    table = labels(tmp_path, "A", "B", "C", "D", "E")
    report = import_cohort(DicomImporter(tmp_path / "in", table), tmp_path / "out", quiet=True)
    derived = "derived from other images (a projection, a reformat or a map)"
    assert report.reasons == {
        "slices are not evenly spaced": 1,
        "no mask": 1,
        f"no series is a dynamic study ({derived})": 1,
        "no patient id or no study in its header": 1,
        "no readable MR image (it is cut short: it holds fewer pixels than it claims; copy the file anew)": 1,
    }
    assert (report.patients_found, report.patients_kept) == (5, 1)
    assert any("5 mm between slices 4 and 5" in problem for problem in report.problems)


def with_site(folder: Path) -> Path:
    (folder / "table.csv").write_text("Patient ID,site,ER status\nA,x,pos\n")
    return folder / "table.csv"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"phase": "second"}, "phase: 'second' is no phase"),
        ({"patient": "PID"}, "has no column 'PID'"),
        ({"covariates": ("bmi",)}, "has no column 'bmi'"),
        ({"segment": "tumour("}, "segment: 'tumour(' is no regular expression"),
        ({"covariates": ("site",)}, "a column of that name is written already"),
        ({"masks": Path("nowhere")}, "correct `masks`"),
    ],
)
def test_wrong_options_are_named_before_any_work(
    options: dict[str, object], message: str, tmp_path: Path
) -> None:
    importer = DicomImporter(tmp_path, with_site(tmp_path), **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=re.escape(message)):
        import_cohort(importer, tmp_path / "out", quiet=True)


def test_masks_beside_the_tree_are_found_by_patient(tmp_path: Path) -> None:
    exam = Exam("BR-07")
    write(tmp_path / "in", slices(exam))
    (tmp_path / "masks").mkdir()
    mask = sitk.GetImageFromArray(lesion().astype(np.uint8))
    mask.SetSpacing((0.7, 0.8, 2.5))
    mask.SetOrigin(exam.position(0))
    sitk.WriteImage(mask, str(tmp_path / "masks" / "br07_mask.nii.gz"))
    importer = DicomImporter(tmp_path / "in", labels(tmp_path, "BR-07"), masks=tmp_path / "masks")
    import_cohort(importer, tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    np.testing.assert_array_equal(cohort.volume(cohort.case_ids[0]).array("mask") != 0, lesion())


def test_a_mask_is_of_the_patient_in_its_name_or_of_its_folder_below_the_root(tmp_path: Path) -> None:
    root = tmp_path / "1"
    for name in ("001_mask.nii.gz", "002_mask.nii.gz", "UKE.0123_mask.nii.gz", "p7/lesion.nrrd"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    found = {key: [Path(path).name for path in paths] for key, paths in mask_files(root).items()}
    assert found[normalised("001")] == ["001_mask.nii.gz"] and found[normalised("002")] == ["002_mask.nii.gz"]
    assert found[normalised("UKE.0123")] == ["UKE.0123_mask.nii.gz"] and normalised("UKE") not in found
    assert found[normalised("p7")] == ["lesion.nrrd"]


def test_an_empty_side_stops_nobody_else(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", Exam("BR-07", header={"Laterality": "R"}))
    (tmp_path / "labels.csv").write_text("Patient ID,breast,ER status\nBR-07,right,neg\nBR-08,,pos\n")
    import_cohort(
        DicomImporter(root, tmp_path / "labels.csv", side_column="breast"), tmp_path / "out", quiet=True
    )
    assert load_folder(tmp_path / "out").labels("er").tolist() == [0]


# Hostile files.


def test_a_transfer_syntax_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    slices(Exam())[0].save_as(tmp_path / "a.dcm", enforce_file_format=True)
    content = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.77"))
    with pytest.raises(Refused):
        (image,) = read_images(tmp_path / "a.dcm")
        stored_pixels(image)


def test_a_header_nested_ten_thousand_deep_is_refused(tmp_path: Path) -> None:
    file = slices(Exam())[0]
    file.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    content = (tmp_path / "a.dcm").read_bytes()
    head = content[: content.index(b"\x08\x00\x16\x00UI")]
    opened = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    (tmp_path / "deep.dcm").write_bytes(head + opened * 10_000)
    with pytest.raises(Refused, match="nested too deeply"):
        read_header(tmp_path / "deep.dcm")


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ({"Rows": 65535, "Columns": 65535}, "more pixels than any exam has"),
        ({"Rows": 4000, "Columns": 4000}, "it is cut short"),
        ({"NumberOfFrames": 2_000_000_000}, "more pixels than any exam has"),
        ({"SamplesPerPixel": 3}, "a colour picture"),
        ({"PixelSpacing": [0, 0]}, "how large its pixels are"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "does not say where it lies"),
    ],
)
def test_impossible_claims_are_refused_before_pixels_are_read(
    claim: dict[str, object], message: str, tmp_path: Path
) -> None:
    file = slices(Exam(header=claim))[0]
    file.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(Refused, match=message):
        read_images(tmp_path / "a.dcm")


def test_a_length_beyond_the_file_is_refused_or_read_as_far_as_it_goes(tmp_path: Path) -> None:
    slices(Exam())[0].save_as(tmp_path / "a.dcm", enforce_file_format=True)
    content = (tmp_path / "a.dcm").read_bytes()
    at = content.index(b"\x20\x00\x32\x00DS") + 6
    (tmp_path / "a.dcm").write_bytes(content[:at] + struct.pack("<H", 65534) + content[at + 2 :])
    with pytest.raises(Refused):
        read_images(tmp_path / "a.dcm")


def test_every_file_that_pydicom_ships_is_read_or_refused_with_a_reason() -> None:
    outcomes = {}
    for path in sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm")):
        try:
            outcomes[path.name] = f"{len(read_images(path))} image(s)"
        except Refused as refused:
            outcomes[path.name] = str(refused)
    assert len(outcomes) > 50 and outcomes["MR_small.dcm"] == "1 image(s)"
    assert "CT Image Storage" in outcomes["CT_small.dcm"]


# A stopped import.


@pytest.mark.slow
def test_a_killed_import_goes_on_and_gives_the_same_files(tmp_path: Path) -> None:
    exams = [Exam(f"P{at}") for at in range(6)]
    root, table = tree(tmp_path / "in", *exams), labels(tmp_path, *(exam.patient for exam in exams))
    command = [sys.executable, "-m", "bench", "cohort", "import", "dicom", str(root), "--labels", str(table)]
    process = subprocess.Popen([*command, "--out", str(tmp_path / "a"), "--quiet"])
    parts = tmp_path / "a" / ".import"
    while process.poll() is None and len(list(parts.glob("*.json"))) < 2:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(list(parts.glob("*.json"))) >= 2
    for folder in ("a", "b"):
        import_cohort(DicomImporter(root, table), tmp_path / folder, quiet=True)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert json.loads((tmp_path / "a" / "import_report.json").read_text())["patients"]["kept"] == 6


def test_a_real_exam_has_its_phases_in_order_and_passes_the_check(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "ucsf_br_06"
    report = import_cohort(DicomImporter(root, labels(tmp_path, "UCSF-BR-06")), tmp_path / "out", quiet=True)
    (found,) = report.evidence.values()
    assert found["phases"] == 3 and found["phase"].startswith("first-post: 3 phases in order of content time")
    header = tmp_path / "out" / "cohort.toml"
    header.write_text(header.read_text().replace('kind = "binary"', 'kind = "binary"\nranked = false'))
    assert check_folder(tmp_path / "out", quiet=True).would_run
    assert scan(tmp_path / "out", identifying_strings(root)) == []
