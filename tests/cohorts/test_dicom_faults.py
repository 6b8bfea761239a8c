"""A real exam with planted faults: what becomes of each, and where masks of other kinds lie on it."""

import shutil
from pathlib import Path

import highdicom
import highdicom.legacy
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from bench.cohorts.folder import load_folder
from bench.cohorts.importers.dicom.exams import DicomImporter
from bench.cohorts.importers.dicom.phases import CUT_OFF, UNEVEN
from bench.cohorts.importers.report import ImportReport
from bench.cohorts.importers.run_import import import_cohort
from bench.errors import CohortError
from tests.cohorts.dicom_exams import Exam, labels, structure_set

pytestmark = pytest.mark.slow
PHASES = 3


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def exam(real_data: Path, tmp_path: Path) -> Path:
    """A copy of the exam, its mask among the images."""
    return Path(shutil.copytree(real_data / "ucsf_br_06", tmp_path / "in"))


def images(exam: Path) -> list[Path]:
    return sorted((exam / "image_dce_3dfgre_orig").iterdir())


def by_place(exam: Path) -> list[list[Path]]:
    """The images of each place in the order of time; the places along the normal, from left to right."""
    places: dict[float, list[tuple[float, Path]]] = {}
    for path in images(exam):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        places.setdefault(-float(header.ImagePositionPatient[0]), []).append(
            (float(header.ContentTime), path)
        )
    return [[path for _, path in sorted(places[place])] for place in sorted(places)]


def imported(exam: Path, folder: Path, **options: object) -> tuple[ImportReport, np.ndarray, np.ndarray]:
    """The report, and image and mask of the one case."""
    importer = DicomImporter(exam, labels(folder, "UCSF-BR-06"), **options)  # type: ignore[arg-type]
    report = import_cohort(importer, folder / "out", quiet=True)
    cohort = load_folder(folder / "out")
    volume = cohort.volume(cohort.case_ids[0])
    return report, volume.array("image"), volume.array("mask") != 0


@pytest.fixture(scope="module")
def clean(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """Image and mask of the exam as it is."""
    folder = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        _, image, mask = imported(real_data / "ucsf_br_06", folder)
    return image, mask


def refusal(exam: Path, folder: Path, **options: object) -> str:
    with pytest.raises(CohortError) as refused:
        imported(exam, folder, **options)
    return str(refused.value)


def test_shuffled_names_change_nothing(
    exam: Path, clean: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    order = np.random.default_rng(0).permutation(len(images(exam)))
    for path, name in zip(images(exam), order, strict=True):
        path.rename(path.with_name(f"x{name:04d}"))
    _, image, mask = imported(exam, tmp_path)
    np.testing.assert_array_equal(image, clean[0])
    np.testing.assert_array_equal(mask, clean[1])


def test_a_duplicated_slice_counts_once(
    exam: Path, clean: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    copied = pydicom.dcmread(images(exam)[70])
    copied.SOPInstanceUID = copied.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    copied.save_as(exam / "copy.dcm")
    report, image, _ = imported(exam, tmp_path)
    np.testing.assert_array_equal(image, clean[0])
    (found,) = report.evidence.values()
    assert any("1 duplicated image(s) counted once" in note for note in found["notes"])


@pytest.mark.parametrize("phase", [0, 1])
def test_a_slice_missing_in_a_phase_that_is_needed_is_named(phase: int, exam: Path, tmp_path: Path) -> None:
    by_place(exam)[30][phase].unlink()
    assert "slices are missing in between" in refusal(exam, tmp_path)


def test_a_slice_missing_in_a_later_phase_is_noted_and_the_exam_kept(
    exam: Path, clean: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    by_place(exam)[30][2].unlink()
    report, image, _ = imported(exam, tmp_path)
    np.testing.assert_array_equal(image, clean[0])
    (found,) = report.evidence.values()
    assert any("phase 2" in note and "59 of 60 slices" in note for note in found["notes"])


def test_a_place_missing_in_every_phase_is_an_uneven_gap(exam: Path, tmp_path: Path) -> None:
    for path in by_place(exam)[30]:
        path.unlink()
    assert UNEVEN in refusal(exam, tmp_path)


def test_a_phase_cut_off_at_an_end_is_named(exam: Path, tmp_path: Path) -> None:
    for place in by_place(exam)[:12]:
        place[1].unlink()
    assert CUT_OFF in refusal(exam, tmp_path)


def test_two_series_mixed_are_refused(exam: Path, tmp_path: Path) -> None:
    """Every second slice of the first phase again, half a slice beside, as of another series with one UID."""
    for number, place in enumerate(by_place(exam)[::2]):
        other = pydicom.dcmread(place[0])
        other.ImagePositionPatient = [other.ImagePositionPatient[0] + 1.0, *other.ImagePositionPatient[1:]]
        other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        other.save_as(exam / f"other{number}.dcm")
    message = refusal(exam, tmp_path)
    assert "tells its images at one place apart" in message or UNEVEN in message or "missing" in message


def completed(header: Dataset) -> Dataset:
    """A header with the attributes that highdicom asks for and the exam lacks."""
    for name in ("PatientSex", "AccessionNumber", "StudyID", "ReferringPhysicianName", "PatientName"):
        if name not in header:
            setattr(header, name, "")
    if "PositionReferenceIndicator" not in header:
        header.PositionReferenceIndicator = ""
    return header


def sources(exam: Path) -> list[Dataset]:
    """The slices of the first phase in the order of their positions."""
    return [completed(pydicom.dcmread(place[0])) for place in by_place(exam)]


def segmentation(exam: Path, mask: np.ndarray, kind: str) -> Dataset:
    described = highdicom.seg.SegmentDescription(
        1, "lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion, "MANUAL"
    )
    return highdicom.seg.Segmentation(
        sources(exam),
        mask.astype(np.uint8),
        kind,
        [described],
        series_instance_uid=highdicom.UID(),
        series_number=9,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
    )


def block(shape: tuple[int, ...]) -> np.ndarray:
    """A lesion that is nowhere symmetric, bool, shape (z, y, x)."""
    inside = np.zeros(shape, bool)
    inside[12:20, 100:130, 60:110] = True
    inside[20:26, 100:112, 60:80] = True
    return inside


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segmentations_by_highdicom_lie_where_they_were_drawn(
    kind: str, exam: Path, clean: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    drawn = block(clean[0].shape)
    shutil.rmtree(exam / "mask")
    segmentation(exam, drawn, kind).save_as(exam / "seg.dcm")
    report, image, mask = imported(exam, tmp_path, phase="1")
    np.testing.assert_array_equal(image, clean[0])
    np.testing.assert_array_equal(mask, drawn)
    assert next(iter(report.evidence.values()))["mask"].startswith("DICOM segmentation")


def test_a_structure_set_lies_where_it_was_drawn(
    exam: Path, clean: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    drawn = block(clean[0].shape)
    shutil.rmtree(exam / "mask")
    contours = []
    for at, source in enumerate(sources(exam)):
        if drawn[at].any():
            rows, columns = np.nonzero(drawn[at])
            corners = np.array(
                [
                    (columns.min() - 0.5, rows.min() - 0.5),
                    (columns.max() + 0.5, rows.min() - 0.5),
                    (columns.max() + 0.5, rows.max() + 0.5),
                    (columns.min() - 0.5, rows.max() + 0.5),
                ]
            )
            contours.append((source, corners))
    write_structure_set(exam / "rt.dcm", contours)
    _, image, mask = imported(exam, tmp_path, phase="1")
    np.testing.assert_array_equal(image, clean[0])
    np.testing.assert_array_equal(mask, drawn)


def write_structure_set(path: Path, contours: list[tuple[Dataset, np.ndarray]]) -> None:
    """One contour a slice, corners (column, row) in pixels, in the patient of the sources."""
    source = contours[0][0]
    data = structure_set(
        Exam("UCSF-BR-06", study=source.StudyInstanceUID, space=source.FrameOfReferenceUID), {"lesion": []}
    )
    points = []
    for image, corners in contours:
        row, column = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
        down, across = map(float, image.PixelSpacing)
        origin = np.array(image.ImagePositionPatient, float)
        points.append(origin + corners[:, :1] * across * row + corners[:, 1:] * down * column)
    data.ROIContourSequence[0].ContourSequence = [contour(one) for one in points]
    data.save_as(path, enforce_file_format=True)


def contour(points: np.ndarray) -> Dataset:
    found = Dataset()
    found.ContourGeometricType, found.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
    found.ContourData = [f"{value:.6f}" for value in points.ravel()]
    return found


def test_an_enhanced_multi_frame_version_by_highdicom_gives_the_same_case(
    exam: Path, clean: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    enhanced = highdicom.legacy.LegacyConvertedEnhancedMRImage(
        [completed(pydicom.dcmread(path)) for path in images(exam)],
        series_instance_uid=highdicom.UID(),
        series_number=3,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
    )
    shutil.rmtree(exam / "image_dce_3dfgre_orig")
    enhanced.save_as(exam / "enhanced.dcm")
    report, image, mask = imported(exam, tmp_path)
    np.testing.assert_array_equal(image, clean[0])
    np.testing.assert_array_equal(mask, clean[1])
    (found,) = report.evidence.values()
    # The conversion loses the times of content, which told single images apart, and numbers the frames.
    assert found["phases"] == PHASES and "in order of acquisition number" in found["phase"]
