"""One exam of a DICOM folder: the phase and the lesion that are meant, or how to say which."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from bench.cohorts.importers.dicom.one_exam import Choice, OneExam, read_exam
from bench.errors import CohortError
from tests.cohorts.dicom_exams import Exam, enhanced, lesion, segmentation, slices, voxels, write

TWO = lesion().astype(int) + 2 * np.roll(lesion(), (0, 0, -6), (0, 1, 2))


def shown(exam: OneExam) -> tuple[np.ndarray, np.ndarray]:
    return sitk.GetArrayFromImage(exam.image), sitk.GetArrayFromImage(exam.mask) != 0


def marked(exam: Exam) -> list[Any]:
    return [*slices(exam), segmentation(exam, lesion().astype(int))]


@pytest.mark.parametrize(("phase", "place"), [("first-post", 1), ("pre", 0), ("2", 2), ("4min", 2)])
def test_the_phase_asked_for_is_read_with_its_mask(phase: str, place: int, tmp_path: Path) -> None:
    exam = read_exam(write(tmp_path, marked(Exam())), choice=Choice(phase))
    image, mask = shown(exam)
    np.testing.assert_array_equal(image, voxels(place))
    np.testing.assert_array_equal(mask, lesion())
    assert exam.acquisition["vendor"] == "Siemens" and len(exam.images) == len(image)
    assert exam.evidence["phase_number"] == place and exam.evidence["phases"] == 3


def test_a_mask_beside_the_folder_takes_the_place_of_those_in_it(tmp_path: Path) -> None:
    exam = Exam()
    root = write(tmp_path / "exam", marked(exam))
    smaller = lesion()
    smaller[2] = False
    grid_image = read_exam(root).image
    drawn = sitk.GetImageFromArray(smaller.astype(np.uint8))
    drawn.CopyInformation(grid_image)
    sitk.WriteImage(drawn, tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(shown(read_exam(root, tmp_path / "mask.nii.gz"))[1], smaller)
    write(tmp_path / "seg", [segmentation(exam, smaller.astype(int))])
    np.testing.assert_array_equal(shown(read_exam(root, tmp_path / "seg" / "IM0000"))[1], smaller)
    image = write(tmp_path / "other", slices(exam)) / "IM0000"
    with pytest.raises(CohortError, match="neither a segmentation nor a structure set"):
        read_exam(root, image)


def test_an_enhanced_file_is_read_as_single_slices_are(tmp_path: Path) -> None:
    exam = Exam()
    found = read_exam(write(tmp_path, [enhanced(exam), segmentation(exam, lesion().astype(int))]))
    rescaled = (1 + 1) * voxels(1) / ((1 + 1) * 0.5)  # Philips: slope, then its own divisor
    np.testing.assert_allclose(shown(found)[0], rescaled)
    assert {image.path for image in found.images} == {found.images[0].path}


@pytest.mark.parametrize(
    ("files", "choice", "words"),
    [
        (lambda: slices(Exam()), Choice(), "no mask: `mask` names the file"),
        (
            lambda: [*marked(Exam()), *marked(Exam())],
            Choice(),
            r"2 studies of 1 patient\(s\); name the folder",
        ),
        (
            lambda: [*marked(Exam("A")), *slices(Exam("B"))],
            Choice(),
            r"2 studies of 2 patient\(s\); name the folder of one",
        ),
        (lambda: marked(Exam()), Choice("post3"), "it has 3 phases, so no post3; name another with `phase`"),
        (lambda: marked(Exam(phases=1)), Choice(), "one phase, and no header .* choose phase 0: phase=1"),
        (lambda: marked(Exam()), Choice(series="T2"), "does not match"),
        (
            lambda: [*slices(Exam()), segmentation(Exam(), TWO, ("breast", "lesion"))],
            Choice(),
            "segments of 2 names; say which is the lesion with --segment",
        ),
    ],
)
def test_what_is_unclear_is_refused_with_the_remedy(
    files, choice: Choice, words: str, tmp_path: Path
) -> None:
    with pytest.raises(CohortError, match=words):
        read_exam(write(tmp_path, files()), choice=choice)


def test_two_dynamic_series_are_told_apart_by_their_description(tmp_path: Path) -> None:
    early = Exam()
    moved = Exam(study=early.study, space=early.space, header={"EchoTime": 9.0, "SeriesDescription": "dyn B"})
    root = write(tmp_path, [*marked(early), *slices(moved, seed=5)])
    with pytest.raises(CohortError, match="several series could be the dynamic study; choose with --series"):
        read_exam(root)
    np.testing.assert_array_equal(shown(read_exam(root, choice=Choice(series="dyn B")))[0], voxels(1, seed=5))


def wide(regions: np.ndarray, folder: Path, names: tuple[str, ...]) -> Path:
    """An exam of both breasts, 24 pixels of 12 mm from side to side."""
    exam = Exam(header={"PixelSpacing": [0.8, 12.0]})
    files = [*slices(exam), segmentation(exam, regions, names)]
    files[-1].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [0.8, 12.0]
    return write(folder, files)


def test_lesions_in_both_breasts_need_a_choice(tmp_path: Path) -> None:
    both = np.zeros_like(TWO)
    both[2:6, 6:12, 2:6], both[2:5, 6:12, 18:22] = 1, 2
    root = wide(both, tmp_path / "two", ("lesion 1", "lesion 2"))
    with pytest.raises(CohortError, match="lesions in both breasts; name one with `segment`"):
        read_exam(root)
    one = read_exam(root, choice=Choice("1", segment="lesion 2", side=True))
    assert shown(one)[0].shape == (8, 20, 12) and shown(one)[1].sum() == 72
    assert "cut to the left half" in str(one.evidence["side"])
    with pytest.raises(CohortError, match="lesions in both breasts"):
        read_exam(wide((both > 0).astype(int), tmp_path / "one", ("lesion",)))


def test_of_lesions_in_one_breast_the_largest_is_taken_and_said(tmp_path: Path) -> None:
    several = np.zeros_like(TWO)
    several[2:6, 6:12, 2:4], several[2:3, 6:8, 7:9] = 1, 2
    found = read_exam(wide(several, tmp_path, ("lesion 1", "lesion 2")), choice=Choice("1"))
    assert shown(found)[1].sum() == 48
    assert str(found.evidence["mask"]).endswith("48 voxels, the largest of 2")


def test_a_real_exam_is_read_from_its_folder_alone(real_data: Path) -> None:
    exam = read_exam(real_data / "ucsf_br_06")
    assert exam.evidence["phases"] == 3 and exam.evidence["phase_number"] == 1
    image, mask = shown(exam)
    assert image.shape == mask.shape and image[mask].mean() > image.mean()
