from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.errors import CohortError
from bench.imaging.volume import read_volume
from tests.imaging.imaging_exams import Exam


def write(path: Path, voxels: np.ndarray, spacing: tuple[float, float, float] = (1, 1, 1)) -> Path:
    image = sitk.GetImageFromArray(voxels)
    if image.GetDimension() == 3:
        image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def exam(tmp_path: Path) -> tuple[Path, Path]:
    return Exam(size=(24, 24, 24), spacing=(1, 1, 2)).write(tmp_path)


def test_a_volume_keeps_voxels_and_geometry(exam: tuple[Path, Path], cohort: object) -> None:
    volume = read_volume("a", *exam)
    image, mask = Exam(size=(24, 24, 24), spacing=(1, 1, 2)).volumes()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(volume.image), sitk.GetArrayFromImage(image))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(volume.mask), sitk.GetArrayFromImage(mask))
    assert volume.image.GetSpacing() == (1, 1, 2)
    assert volume.image.GetOrigin() == pytest.approx(image.GetOrigin())


def test_a_cohort_reads_the_volume_of_a_case(cohort: object) -> None:
    volume = cohort.volume("case1")
    assert volume.case_id == "case1"
    assert volume.image.GetSize() == volume.mask.GetSize() == (40, 36, 24)


def test_a_missing_file_names_case_and_path(exam: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"case 'a': mask .*gone.nii.gz does not exist; correct its path"):
        read_volume("a", exam[0], tmp_path / "gone.nii.gz")


def test_a_file_that_is_no_image_is_named(exam: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("text.nii.gz", "text.nii", "text.nrrd", "text.mha"):
        (tmp_path / name).write_text("this is not an image, but long enough to hold a header " * 20)
        with pytest.raises(CohortError, match=rf"case 'a': image .*{name} cannot be read \(.+\); replace it"):
            read_volume("a", tmp_path / name, exam[1])


def test_another_grid_is_named_with_both_sizes(exam: tuple[Path, Path], tmp_path: Path) -> None:
    other = write(tmp_path / "other.nii.gz", np.ones((24, 24, 20), np.uint8), (1, 1, 2))
    with pytest.raises(CohortError, match=r"mask .* has size 20x24x24, expected its image's 24x24x24 \(x, y"):
        read_volume("a", exam[0], other)


def test_a_mask_that_lies_elsewhere_is_named_with_the_distance(
    exam: tuple[Path, Path], tmp_path: Path
) -> None:
    moved = sitk.ReadImage(str(exam[1]))
    moved.SetOrigin([value + shift for value, shift in zip(moved.GetOrigin(), (0, 0, 3), strict=True)])
    sitk.WriteImage(moved, str(tmp_path / "moved.nii.gz"))
    with pytest.raises(CohortError, match=r"mask .* lies elsewhere than its image: corners up to 3\.00 mm"):
        read_volume("a", exam[0], tmp_path / "moved.nii.gz")


def test_rounding_of_the_geometry_is_no_other_grid(exam: tuple[Path, Path], tmp_path: Path) -> None:
    near = sitk.ReadImage(str(exam[1]))
    near.SetOrigin([value + 0.01 for value in near.GetOrigin()])
    sitk.WriteImage(near, str(tmp_path / "near.nrrd"))
    assert read_volume("a", exam[0], tmp_path / "near.nrrd").case_id == "a"


def test_an_empty_mask_is_named(exam: tuple[Path, Path], tmp_path: Path) -> None:
    empty = sitk.ReadImage(str(exam[1])) * 0
    sitk.WriteImage(empty, str(tmp_path / "empty.nii.gz"))
    with pytest.raises(CohortError, match=r"case 'a': mask .*empty.nii.gz is empty, expected a lesion"):
        read_volume("a", exam[0], tmp_path / "empty.nii.gz")


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_several_phases_in_one_file_are_named_with_their_size(
    exam: tuple[Path, Path], tmp_path: Path, suffix: str
) -> None:
    phases = sitk.JoinSeries([sitk.ReadImage(str(exam[0]))] * 2)
    path = tmp_path / f"phases{suffix}"
    sitk.WriteImage(phases, str(path))
    with pytest.raises(CohortError, match=r"image .*phases.* has size 24x24x24x2, .* save the one phase"):
        read_volume("a", path, exam[1])


def test_a_colour_image_is_named(exam: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "colour.nrrd"
    sitk.WriteImage(sitk.Compose([sitk.ReadImage(str(exam[0]))] * 3), str(path))
    with pytest.raises(CohortError, match=r"has size 24x24x24 and 3 value\(s\) a voxel"):
        read_volume("a", path, exam[1])


def test_not_finite_voxels_are_counted(exam: tuple[Path, Path], tmp_path: Path) -> None:
    voxels = np.ones((24, 24, 24), np.float32)
    voxels[0, 0, :3] = np.nan, np.inf, -np.inf
    broken = sitk.GetImageFromArray(voxels)
    broken.CopyInformation(sitk.ReadImage(str(exam[0])))
    sitk.WriteImage(broken, str(tmp_path / "broken.mha"))
    with pytest.raises(CohortError, match=r"image .*broken.mha has 3 voxels that are NaN or infinite"):
        read_volume("a", tmp_path / "broken.mha", exam[1])
