"""Which voxels of a mask are the lesion: the same for every number type, byte order and value."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from bench.errors import ImageError
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop
from bench.imaging.lesion import find_lesion
from bench.imaging.volume import read_volume
from tests.imaging.imaging_exams import Exam

CROP = Crop(size_mm=24, spacing_mm=2.0)
KINDS = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
TYPES = (*KINDS, "f2", "?")


def lesion() -> np.ndarray:
    mask = np.zeros((6, 7, 8), bool)
    mask[1:4, 2:6, 3:5] = mask[2, 3, 5] = True
    return mask


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", TYPES)
def test_every_number_type_and_value_marks_the_same_lesion(kind: str, order: str) -> None:
    number = np.dtype(kind) if kind == "?" else np.dtype(order + kind)
    top = 1 if kind == "?" else min(np.iinfo(number).max if number.kind in "iu" else 1000, 2**40)
    for value in {1, min(2, top), min(127, top), min(255, top), top}:
        found = find_lesion((lesion() * value).astype(number))
        np.testing.assert_array_equal(found.first, (1, 2, 3))
        np.testing.assert_array_equal(found.last, (3, 5, 5))
        np.testing.assert_array_equal(found.inside, lesion()[1:4, 2:6, 3:6])
        assert found.inside.dtype == bool


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, np.ndarray]:
    image, mask = Exam(size=(40, 36, 30)).write(tmp_path_factory.mktemp("exam"))
    return image, mask, cut_crop("exam", image, mask, CROP)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", KINDS)
def test_a_nifti_mask_of_any_kind_gives_the_same_crop(
    exam: tuple[Path, Path, np.ndarray], tmp_path: Path, kind: str, order: str
) -> None:
    image, mask, expected = exam
    source = nib.load(mask)
    for value in (1, 2, 127 if kind == "i1" else 255):
        voxels = (np.asarray(source.dataobj) * value).astype(kind)
        header = nib.Nifti1Header(endianness=order)
        nib.save(nib.Nifti1Image(voxels, source.affine, header, dtype=kind), tmp_path / "mask.nii.gz")
        np.testing.assert_array_equal(cut_crop("exam", image, tmp_path / "mask.nii.gz", CROP), expected)


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha", ".mhd", ".nhdr"])
def test_a_volume_has_its_lesion_as_1_whatever_the_file_has(
    exam: tuple[Path, Path, np.ndarray], tmp_path: Path, suffix: str
) -> None:
    image, mask, _ = exam
    sound = sitk.ReadImage(str(mask))
    path = tmp_path / f"mask{suffix}"
    sitk.WriteImage(sound * 255, str(path))
    read = read_volume("exam", image, path).mask
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read), sitk.GetArrayFromImage(sound))


def test_rescaled_values_are_one_label(exam: tuple[Path, Path, np.ndarray], tmp_path: Path) -> None:
    image, mask, expected = exam
    source = nib.load(mask)
    scaled = nib.Nifti1Image(np.asarray(source.dataobj) * 255, source.affine)
    scaled.header.set_slope_inter(1 / 255, 0)
    nib.save(scaled, tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(cut_crop("exam", image, tmp_path / "mask.nii.gz", CROP), expected)
    np.testing.assert_array_equal(cut_crop("exam", image, tmp_path / "mask.nii.gz", CROP, (1,)), expected)


@pytest.mark.parametrize("values", [(1, 2), (128, 255), (1, 255), (2, 3)])
def test_several_labels_are_named_and_asked_for(values: tuple[int, int]) -> None:
    mask = (lesion() * values[0]).astype(np.uint8)
    mask[4, 4, 4] = values[1]
    named = rf"has 2 values other than 0 \({values[0]}, {values[1]}\).*lesion_label"
    with pytest.raises(ImageError, match=named) as refused:
        find_lesion(mask)
    assert refused.value.kind == "several label values"
    assert find_lesion(mask, (values[1],)).inside.sum() == 1
    assert find_lesion(mask, values).inside.sum() == lesion().sum() + 1
    assert find_lesion(mask, (*values, 77)).inside.sum() == lesion().sum() + 1


@pytest.mark.parametrize("labels", [(3,), (0.5,), (300,), (-1,)])
def test_a_declared_label_that_the_mask_lacks_is_told_with_those_that_it_has(labels: tuple[float]) -> None:
    for mask in (lesion().astype(np.uint8) * 255, lesion().astype(np.float32) * 255):
        with pytest.raises(ImageError, match=rf"no voxel of lesion_label {labels[0]:g}, only of 255"):
            find_lesion(mask, labels)


def test_a_declared_label_may_be_what_would_be_a_background() -> None:
    assert find_lesion(lesion().astype(np.int8) - 1, (0,)).inside.sum() == lesion().sum()


def test_an_empty_mask_is_empty_whatever_is_declared() -> None:
    for labels in ((), (1,)):
        with pytest.raises(ImageError, match="is empty, expected a lesion") as refused:
            find_lesion(np.zeros((3, 4, 5), np.uint8), labels)
        assert refused.value.kind == "empty mask"
