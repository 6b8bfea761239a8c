"""Boxes and points in place of drawn masks: units, oblique exams, image numbers against positions."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydicom.dataset import Dataset

from bench.cohorts.folder import load_folder
from bench.cohorts.importers.dicom.exams import DicomImporter
from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.marks import BoxUnit, marked_lesions, read_marks
from bench.cohorts.importers.dicom.masks import Lesions
from bench.cohorts.importers.dicom.volume import grid_of
from bench.cohorts.importers.duke import DukeImporter
from bench.cohorts.importers.duke_dicom import FAINT
from bench.cohorts.importers.run_import import import_cohort
from bench.errors import CohortError, UsageError
from tests.cohorts.dicom_exams import SHAPE, SPACING, TILT, Exam, labels, lesion, slices, voxels, write
from tests.cohorts.test_import_collections import DUKE_NAMES, DUKE_ROWS

# From head to feet, rows from behind: as GE wrote many exams of the Duke collection.
DUKE_PLANE = (-1.0, 0, 0, 0, -1, 0)


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def numbered_downwards(exam: Exam) -> list[Dataset]:
    """An exam whose image numbers begin at its last slice; a series a phase."""
    files = slices(exam)
    for at, file in enumerate(files):
        file.InstanceNumber = SHAPE[0] - at % SHAPE[0]
    return files


def part() -> np.ndarray:
    """The first two slices of the lesion, bool, SHAPE: no plane of symmetry."""
    inside = lesion()
    inside[4:] = False
    return inside


def table(folder: Path, columns: Mapping[str, object], patient: str = "BR-07") -> Path:
    rows = pd.DataFrame({"Patient ID": [patient], **{name: [value] for name, value in columns.items()}})
    rows.to_csv(folder / "boxes.csv", index=False)
    return folder / "boxes.csv"


NAMES = ("x_min", "y_min", "z_min", "x_max", "y_max", "z_max")
VOXELS = dict(zip(NAMES, (8, 6, 2, 15, 11, 3), strict=True))
# Slices 2 and 3 from 0 are images 6 and 5 of 8 counted from the other end.
IMAGES = {
    **{"Start Column": 9, "End Column": 16, "Start Row": 7, "End Row": 12},
    **{"Start Slice": 5, "End Slice": 6},
}


def millimetres(exam: Exam) -> dict[str, float]:
    """The box in mm, from edge to edge of its first and last voxels."""
    row, column = np.array(exam.orientation).reshape(2, 3)
    axes = np.stack([row, column, exam.normal]) * np.array(SPACING[::-1])[:, None]
    corners = [
        np.array(exam.position(0)) + np.array(at) @ axes for at in ((7.5, 5.5, 1.5), (15.5, 11.5, 3.5))
    ]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    return dict(zip([f"{name}_mm" for name in NAMES], (*low, *high), strict=True))


def mask_of(folder: Path, exam: Exam, boxes: Path, **options: object) -> np.ndarray:
    root = write(folder / "in", numbered_downwards(exam))
    importer = DicomImporter(root, labels(folder, exam.patient), boxes=boxes, **options)  # type: ignore[arg-type]
    import_cohort(importer, folder / "out", quiet=True)
    cohort = load_folder(folder / "out")
    found: np.ndarray = cohort.volume(cohort.case_ids[0]).array("mask") != 0
    return found


@pytest.mark.parametrize("plane", [(1, 0, 0, 0, 1, 0), DUKE_PLANE, TILT])
@pytest.mark.parametrize("columns", [VOXELS, IMAGES])
def test_a_box_in_voxels_or_image_numbers_lies_on_its_slices(
    columns: dict[str, object], plane: tuple[float, ...], tmp_path: Path
) -> None:
    inside = mask_of(tmp_path, Exam(orientation=plane), table(tmp_path, columns))
    np.testing.assert_array_equal(inside, part())


@pytest.mark.parametrize("plane", [(1, 0, 0, 0, 1, 0), DUKE_PLANE])
def test_a_box_in_mm_is_that_of_the_patient(plane: tuple[float, ...], tmp_path: Path) -> None:
    exam = Exam(orientation=plane)
    np.testing.assert_array_equal(mask_of(tmp_path, exam, table(tmp_path, millimetres(exam))), part())


def test_a_point_becomes_a_sphere_round_it(tmp_path: Path) -> None:
    exam = Exam(orientation=DUKE_PLANE)
    centre = np.array(exam.position(3)) + np.array([-12 * SPACING[2], -9 * SPACING[1], 0])
    points = dict(zip(("x_mm", "y_mm", "z_mm"), centre, strict=True))
    inside = mask_of(tmp_path, exam, table(tmp_path, points))
    z, y, x = np.nonzero(inside)
    np.testing.assert_allclose([axis.mean() for axis in (x, y, z)], [12, 9, 3], atol=0.05)
    assert [np.ptp(axis) + 1 for axis in (x, y, z)] == [15, 13, 5]  # 10 mm by 0.7, 0.8 and 2.5 mm


def test_several_boxes_of_a_patient_are_lesions_each_or_the_largest(tmp_path: Path) -> None:
    rows = pd.DataFrame([{"Patient ID": "br 7", **VOXELS}, {"Patient ID": "br 7", **VOXELS, "x_max": 9}])
    rows.to_csv(tmp_path / "boxes.csv", index=False)
    root = write(tmp_path / "in", slices(Exam()))
    table = labels(tmp_path, "BR-07")
    for which, sizes in ((Lesions.EACH, [96, 24]), (Lesions.LARGEST, [96])):
        importer = DicomImporter(root, table, boxes=tmp_path / "boxes.csv", lesions=which)
        report = import_cohort(importer, tmp_path / which, quiet=True, ids="keep")
        found = [int(entry["mask"].split(", ")[-1].split()[0]) for entry in report.evidence.values()]
        assert found == sizes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"z_max": 8}, "a box or point off the image"),
        ({"x_max": 3}, "a box that ends before it begins"),
        ({"x_max": 12.5}, "not in whole voxels"),
    ],
)
def test_a_box_that_is_none_is_refused_with_the_reason(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(CohortError, match=message):
        mask_of(tmp_path, Exam(), table(tmp_path, VOXELS | change))


def test_image_numbers_that_jump_between_slices_are_refused(tmp_path: Path) -> None:
    files = slices(Exam(phases=1))
    for file, number in zip(files, (1, 5, 2, 6, 3, 7, 4, 8), strict=True):
        file.InstanceNumber = number
    root = write(tmp_path / "in", files)
    importer = DicomImporter(root, labels(tmp_path, "BR-07"), boxes=table(tmp_path, IMAGES), phase="0")
    with pytest.raises(CohortError, match="do not lie side by side"):
        import_cohort(importer, tmp_path / "out", quiet=True)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": 1, "y": 2, "z": 3}, r"are x, y, z in mm or voxels\? Give box_unit=mm"),
        ({"size": 3}, "has neither a box"),
        (VOXELS | {"z_max": "many"}, "line 2: z_max is 'many', expected a number"),
    ],
)
def test_a_table_without_boxes_that_are_understood_is_named(
    columns: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        read_marks(table(tmp_path, columns))


def test_a_table_of_boxes_without_patients_is_named(tmp_path: Path) -> None:
    path = table(tmp_path, VOXELS)
    path.write_text(path.read_text().replace("Patient ID", "exam no"))
    with pytest.raises(UsageError, match="no column is called as one of patient ids"):
        read_marks(path)


def test_the_unit_that_is_named_goes_before_the_columns(tmp_path: Path) -> None:
    path = table(tmp_path, {"x": 1, "y": 2, "z": 3})
    assert {mark.unit for marks in read_marks(path, unit=BoxUnit.MM).values() for mark in marks} == {"mm"}


# The Duke collection.


def duke_sheet(folder: Path) -> Path:
    rows = [["Patient Information", *[""] * 8], DUKE_NAMES, ["", "GE=0", *[""] * 7], *DUKE_ROWS]
    pd.DataFrame(rows).to_excel(folder / "clinical.xlsx", sheet_name="Data", header=False, index=False)
    return folder / "clinical.xlsx"


def duke_dicom(folder: Path, boxed: Mapping[str, object] = IMAGES) -> tuple[DukeImporter, Path]:
    """One patient whose images are numbered downwards, the collection's mapping, and its box."""
    files = numbered_downwards(Exam("Breast_MRI_001", orientation=DUKE_PLANE, one_series=False))
    root = write(folder / "in" / "Breast_MRI_001", files).parent
    scans = [("pre", "post_1", "post_2")[at // SHAPE[0]] for at in range(len(files))]
    rows = {
        "original_path_and_filename": [
            f"DICOM_Images/Breast_MRI_001/{scan}/Breast_MRI_001_{scan}_{file.InstanceNumber:03d}.dcm"
            for scan, file in zip(scans, files, strict=True)
        ],
        "classic_path": ["-"] * len(files),
        "sop_instance_UID": [file.SOPInstanceUID for file in files],
    }
    pd.DataFrame(rows).to_excel(folder / "mapping.xlsx", index=False)
    boxes = table(folder, boxed, "Breast_MRI_001")
    return DukeImporter(duke_sheet(folder), boxes, dicom=root), folder / "mapping.xlsx"


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(("phase", "place"), [("first-post", 1), ("post2", 2), ("pre", 0)])
def test_duke_boxes_lie_on_the_numbered_images_of_the_dicom_tree(
    phase: str, place: int, mapped: bool, tmp_path: Path
) -> None:
    importer, mapping = duke_dicom(tmp_path)
    importer = DukeImporter(
        importer.sheet, importer.boxes, dicom=importer.dicom, mapping=mapping if mapped else None, phase=phase
    )
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    volume = cohort.volume("Breast_MRI_001")
    np.testing.assert_array_equal(volume.array("mask") != 0, part())
    np.testing.assert_array_equal(volume.array("image"), voxels(place))
    assert report.reasons == {"no DICOM images": 2}
    assert cohort.labels("er").tolist() == [0]
    assert cohort.covariates("acquisition")["minutes_after_first_phase"].tolist() == [2 * place]
    assert "flag" not in report.evidence["Breast_MRI_001"]


def test_a_duke_box_off_its_lesion_is_flagged(tmp_path: Path) -> None:
    importer, mapping = duke_dicom(tmp_path, IMAGES | {"Start Slice": 7, "End Slice": 8})
    importer = DukeImporter(importer.sheet, importer.boxes, dicom=importer.dicom, mapping=mapping)
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    assert report.flags == {FAINT: 1}


def test_missing_images_of_the_mapped_scan_are_named(tmp_path: Path) -> None:
    importer, mapping = duke_dicom(tmp_path)
    rows = pd.read_excel(mapping)
    lost = rows.loc[rows["original_path_and_filename"].str.contains("post_1"), "sop_instance_UID"].iloc[3]
    rows.loc[rows["sop_instance_UID"] == lost, "sop_instance_UID"] = "1.2.3"
    rows.to_csv(tmp_path / "mapping.csv", index=False)
    importer = DukeImporter(
        importer.sheet, importer.boxes, dicom=importer.dicom, mapping=tmp_path / "mapping.csv"
    )
    with pytest.raises(CohortError, match="images of the mapped scan are missing"):
        import_cohort(importer, tmp_path / "out", quiet=True)


def test_real_duke_images_are_numbered_against_their_positions(real_data: Path, tmp_path: Path) -> None:
    from bench.cohorts.importers.dicom.headers import read_images

    images = [image for path in (real_data / "duke_dicom").iterdir() for image in read_images(path)]
    ordered = sorted(images, key=lambda image: image.height)
    assert [image.moments["instance number"] for image in ordered] == [3, 2, 1]
    boxes = read_marks(real_data / "duke" / "Annotation_Boxes.xlsx")
    assert len(boxes) == 922
    (mark,) = boxes["breast mri 1"]
    assert (mark.unit, mark.first, mark.last) == ("image", (308, 234, 89), (341, 271, 112))
    with pytest.raises(Refused, match="off the image"):
        marked_lesions([mark], ordered, grid_of(ordered), Lesions.LARGEST)


def test_a_box_goes_before_a_segmentation_of_something_else(tmp_path: Path) -> None:
    from tests.cohorts.dicom_exams import segmentation

    exam, breast = Exam(), np.ones(SHAPE, int)
    write(tmp_path / "in", [*slices(exam), segmentation(exam, breast, ("breast",))])
    importer = DicomImporter(tmp_path / "in", labels(tmp_path, "BR-07"), boxes=table(tmp_path, VOXELS))
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    assert next(iter(report.evidence.values()))["mask"] == "box in voxels from 0, 96 voxels"
