"""Lesions of DICOM studies: segmentations, structure sets and mask files, on any grid."""

from pathlib import Path

import highdicom
import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib.path import Path as Outline
from pydicom.sr.codedict import codes

from bench.cohorts.importers.dicom.choice import mean_intensity
from bench.cohorts.importers.dicom.contours import inside_of, read_contours
from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.headers import read_images
from bench.cohorts.importers.dicom.masks import Lesions, lesions_of
from bench.cohorts.importers.dicom.seg import SEGMENTATION, read_segments
from bench.cohorts.importers.dicom.study import dynamic_of
from bench.cohorts.importers.dicom.volume import grid_of, read_phase, same_pixels
from bench.imaging.grid import Grid
from bench.imaging.volume import as_image
from tests.cohorts.dicom_exams import (
    SHAPE,
    SPACING,
    TILT,
    Exam,
    lesion,
    segmentation,
    slices,
    structure_set,
    write,
)

SQUARE = np.array([(7.5, 5.5), (15.5, 5.5), (15.5, 11.5), (7.5, 11.5)])
HOLE = np.array([(9.5, 7.5), (12.5, 7.5), (12.5, 9.5), (9.5, 9.5)])


def grid(exam: Exam) -> Grid:
    row, column = np.array(exam.orientation).reshape(2, 3)
    direction = np.stack([row, column, exam.normal], axis=1)
    return Grid(np.array(SHAPE[::-1]), np.array(SPACING[::-1]), np.array(exam.position(0)), direction)


def saved(folder: Path, file: object) -> tuple[str, str]:
    return str(write(folder, [file]) / "IM0000"), str(file.SOPClassUID)  # type: ignore[list-item, attr-defined]


def found(marked: tuple[str, str], exam: Exam, segment: str = "", which: str = "largest") -> list[np.ndarray]:
    lesions = lesions_of([marked], grid(exam), exam.space, segment, Lesions(which))
    return [lesion.inside for lesion in lesions]


@pytest.mark.parametrize("exam", [Exam(), Exam(orientation=TILT)])
def test_a_fractional_segmentation_of_some_slices_lies_where_it_was_drawn(exam: Exam, tmp_path: Path) -> None:
    inside = found(saved(tmp_path, segmentation(exam, lesion().astype(int))), exam)
    np.testing.assert_array_equal(inside[0], lesion())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_segmentations_written_by_highdicom_are_read_as_highdicom_reads_them(
    kind: str, tmp_path: Path
) -> None:
    exam = Exam(orientation=TILT, phases=1)
    written = highdicom_segmentation(exam, kind)
    path, holds = saved(tmp_path, written)
    np.testing.assert_array_equal(found((path, holds), exam)[0], lesion())
    volume = highdicom.seg.segread(path).get_volume(
        combine_segments=False, rescale_fractional=False, allow_missing_positions=True
    )
    region = read_segments(Path(path))[0]
    there = volume.array[..., 0] != 0
    if not np.allclose(volume.direction[:, 0], region.grid.direction[:, 2]):
        there = there[::-1]
    np.testing.assert_array_equal(region.draw(), there)


def highdicom_segmentation(exam: Exam, kind: str) -> highdicom.seg.Segmentation:
    sources = slices(exam)
    for source in sources:
        source.PatientSex = source.AccessionNumber = source.StudyID = source.ReferringPhysicianName = ""
        source.PositionReferenceIndicator = ""
    described = highdicom.seg.SegmentDescription(
        1, "lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion, "MANUAL"
    )
    return highdicom.seg.Segmentation(
        sources,
        lesion().astype(np.float32 if kind == "FRACTIONAL" else np.uint8),
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


@pytest.mark.parametrize("exam", [Exam(), Exam(orientation=TILT)])
def test_contours_of_a_structure_set_are_filled_and_inner_ones_are_holes(exam: Exam, tmp_path: Path) -> None:
    drawn = [(at, outline) for at in range(2, 6) for outline in (SQUARE, HOLE)]
    inside = found(saved(tmp_path, structure_set(exam, {"lesion": drawn})), exam)[0]
    expected = lesion()
    expected[2:6, 8:10, 10:13] = False
    np.testing.assert_array_equal(inside, expected)


def test_contours_on_every_second_slice_fill_those_between(tmp_path: Path) -> None:
    exam = Exam()
    inside = found(saved(tmp_path, structure_set(exam, {"gtv": [(at, SQUARE) for at in (2, 4)]})), exam)[0]
    assert np.flatnonzero(inside.any(axis=(1, 2))).tolist() == [1, 2, 3, 4]
    assert inside[2].sum() == inside[3].sum() == inside[4].sum() == 6 * 8


def test_scan_conversion_agrees_with_matplotlib() -> None:
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:40, :50]
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1)
    for _ in range(20):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 17))
        radii = rng.uniform(4, 22, 17)
        corners = np.stack([25 + radii * np.cos(angles), 20 + radii * np.sin(angles)], axis=1)
        expected = Outline(np.vstack([corners, corners[:1]])).contains_points(centres).reshape(rows.shape)
        np.testing.assert_array_equal(inside_of([corners], rows.shape), expected)


def test_contours_across_the_slices_are_refused(tmp_path: Path) -> None:
    path, _ = saved(tmp_path, structure_set(Exam(orientation=TILT), {"gtv": [(2, SQUARE)]}))
    with pytest.raises(Refused, match="not drawn on planes parallel to the slices"):
        read_contours(Path(path), grid(Exam()))


@pytest.mark.parametrize("ending", ["nii.gz", "nrrd"])
def test_a_mask_file_on_another_grid_is_taken_voxel_by_nearest_voxel(ending: str, tmp_path: Path) -> None:
    exam = Exam(orientation=TILT)
    mask = as_image(lesion().astype(np.uint8) * 3, grid(exam))
    flipped = sitk.Flip(sitk.ConstantPad(mask, (3, 0, 2), (0, 4, 1)), (True, False, True))
    sitk.WriteImage(flipped, str(tmp_path / f"mask.{ending}"))
    np.testing.assert_array_equal(found((str(tmp_path / f"mask.{ending}"), ""), exam)[0], lesion())


def test_each_lesion_or_the_largest(tmp_path: Path) -> None:
    exam, numbers = Exam(), lesion().astype(int)
    numbers[3:5, 14:17, 2:5] = 2
    marked = saved(tmp_path, segmentation(exam, numbers, ("lesion 1", "lesion 2")))
    assert [one.sum() for one in found(marked, exam, which="each")] == [4 * 6 * 8, 2 * 3 * 3]
    assert [one.sum() for one in found(marked, exam)] == [4 * 6 * 8]


def test_segments_of_several_names_have_to_be_chosen(tmp_path: Path) -> None:
    exam, numbers = Exam(), lesion().astype(int)
    numbers[3:5, 14:17, 2:5] = 2
    marked = saved(tmp_path, segmentation(exam, numbers, ("breast", "tumour")))
    with pytest.raises(Refused, match="say which is the lesion with --segment"):
        found(marked, exam)
    assert found(marked, exam, "tumou?r")[0].sum() == 2 * 3 * 3
    with pytest.raises(Refused, match="no segment that --segment names"):
        found(marked, exam, "node")


def test_a_mask_of_another_frame_of_reference_is_refused(tmp_path: Path) -> None:
    marked = saved(tmp_path, segmentation(Exam(), lesion().astype(int)))
    with pytest.raises(Refused, match="another frame of reference"):
        found(marked, Exam())


def test_a_real_exam_brightens_from_phase_to_phase_inside_its_segmentation(real_data: Path) -> None:
    path = real_data / "ucsf_br_06" / "mask" / "1-1.dcm"
    files = sorted((path.parents[1] / "image_dce_3dfgre_orig").iterdir())
    phases = dynamic_of([image for file in files for image in read_images(file)], same_pixels).phases
    marked = [(str(path), SEGMENTATION)]
    (found,) = lesions_of(marked, grid_of(phases[0].images), phases[0].first.space, "", Lesions.LARGEST)
    stored = highdicom.seg.segread(path).pixel_array != 0
    assert found.inside.shape == (60, 256, 256) and found.voxels == stored.sum() == 82_527
    np.testing.assert_array_equal(found.inside[9:51], stored)
    means = [mean_intensity(read_phase(phase), found.inside) for phase in phases]
    np.testing.assert_allclose(means, [51.64, 88.12, 93.40], atol=0.01)
