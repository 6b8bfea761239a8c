"""NIfTI headers at odds with themselves or the file: read with a note, or refused with the reason."""

import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from bench.errors import ImageError
from bench.imaging.volume import VolumeFile, open_file

AFFINE = np.diag([-0.8, -0.9, 2.0, 1.0])
AFFINE[:3, 3] = 20, 30, -5
VOXELS = np.random.default_rng(0).integers(1, 100, (9, 8, 7)).astype(np.int16)
# Bytes at which the fields of the header begin.
DIM, DATATYPE, BITPIX, PIXDIM, OFFSET, SLOPE, UNITS, QUATERNION = 40, 70, 72, 76, 108, 112, 123, 256


def write(path: Path, qform: np.ndarray, sform: np.ndarray, codes: tuple[int, int]) -> Path:
    image = nib.Nifti1Image(VOXELS, None)
    image.set_qform(qform, code=codes[0])
    image.set_sform(sform, code=codes[1])
    nib.save(image, path)
    return path


def opened(path: Path) -> VolumeFile:
    return open_file("a", "image", path)


def patched(path: Path, place: int, kind: str, *values: float) -> Path:
    """A sound file with a field of its header written over."""
    content = bytearray(write(path, AFFINE, AFFINE, (1, 1)).read_bytes())
    struct.pack_into(f"<{kind}", content, place, *values)
    path.write_bytes(content)
    return path


def mirrored(form: np.ndarray) -> None:
    form[0] *= -1


def shifted(form: np.ndarray) -> None:
    form[:3, 3] += 5


def turned(form: np.ndarray) -> None:
    form[:3, :3] = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) @ form[:3, :3]


@pytest.mark.parametrize("change", [mirrored, shifted, turned])
@pytest.mark.parametrize("codes", [(1, 2), (2, 4), (1, 1), (4, 1)])
def test_forms_that_disagree_are_read_as_itk_reads_them_and_told(
    tmp_path: Path, change: Callable[[np.ndarray], None], codes: tuple[int, int]
) -> None:
    other = AFFINE.copy()
    change(other)
    path = write(tmp_path / "a.nii", AFFINE, other, codes)
    file, image = opened(path), sitk.ReadImage(str(path))
    (note,) = file.notes
    assert "has a qform (axes LPS, first voxel at -20x-30x-5 mm LPS) and an sform (axes " in note
    assert ("mirror images of each other" in note) == (change is mirrored)
    assert (
        f"read by its {'sform' if codes[1] == 1 else 'qform'}" in note and "nibabel takes the sform" in note
    )
    np.testing.assert_allclose(file.grid.origin, image.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(file.grid.direction.ravel(), image.GetDirection(), atol=1e-5)


def test_forms_that_differ_by_rounding_are_no_contradiction(tmp_path: Path) -> None:
    near = AFFINE.copy()
    near[:3, :3] *= 1.0005
    near[:3, 3] += 0.03
    assert opened(write(tmp_path / "a.nii", AFFINE, near, (1, 1))).notes == ()


def test_a_sheared_sform_is_passed_over_for_the_qform_and_refused_without_one(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[0, 1] += 0.3
    file = opened(write(tmp_path / "a.nii", AFFINE, sheared, (1, 1)))
    assert "read by its qform, as its sform is sheared" in file.notes[0]
    np.testing.assert_allclose(file.grid.spacing, (0.8, 0.9, 2), rtol=1e-6)
    with pytest.raises(ImageError, match="no valid geometry: its sform is sheared"):
        opened(write(tmp_path / "a.nii", AFFINE, sheared, (0, 1)))


def test_an_sform_of_other_voxel_sizes_is_told(tmp_path: Path) -> None:
    larger = AFFINE @ np.diag([2, 2, 2, 1.0])
    alone = opened(write(tmp_path / "a.nii", AFFINE, larger, (0, 1)))
    assert "voxels of 1.6x1.8x4 mm and a pixdim of 0.8x0.9x2 mm: read by the sform" in alone.notes[0]
    np.testing.assert_allclose(alone.grid.spacing, (1.6, 1.8, 4), rtol=1e-6)
    both = opened(write(tmp_path / "a.nii", AFFINE, larger, (1, 1)))
    assert "read by its qform" in both.notes[0]
    np.testing.assert_allclose(both.grid.spacing, (0.8, 0.9, 2), rtol=1e-6)


def test_a_header_without_orientation_is_told(tmp_path: Path) -> None:
    file = opened(write(tmp_path / "a.nii", AFFINE, AFFINE, (0, 0)))
    assert "states no orientation in the patient" in file.notes[0]
    np.testing.assert_allclose(file.grid.spacing, (0.8, 0.9, 2), rtol=1e-6)


def test_units_other_than_mm_are_told_or_refused(tmp_path: Path) -> None:
    for unit, factor in ((1, 0.001), (3, 1000.0)):
        scaled = AFFINE @ np.diag([factor] * 3 + [1])
        scaled[:3, 3] *= factor
        path = write(tmp_path / "a.nii", scaled, scaled, (1, 1))
        content = bytearray(path.read_bytes())
        content[UNITS] = unit
        path.write_bytes(content)
        file = opened(path)
        assert "(xyzt_units): read so, as ITK does; nibabel takes the numbers for mm" in file.notes[0]
        np.testing.assert_allclose(file.grid.spacing, (0.8, 0.9, 2), rtol=1e-5)
        np.testing.assert_allclose(file.grid.origin, (-20, -30, -5), rtol=1e-5)
    for unit, size in ((1, "800x900x2000"), (3, "0.0008x0.0009x0.002")):
        with pytest.raises(ImageError, match=f"has voxels of {size} mm, as its header counts in") as refused:
            opened(patched(tmp_path / "a.nii", UNITS, "B", unit))
        assert refused.value.kind == "absurd spacing"


@pytest.mark.parametrize(
    ("place", "kind", "values", "words"),
    [
        (OFFSET, "f", [0], r"begin at byte 0 \(vox_offset\)"),
        (OFFSET, "f", [348], r"begin at byte 348"),
        (OFFSET, "f", [352.5], r"begin at byte 352.5"),
        (OFFSET, "f", [float("nan")], r"begin at byte nan"),
        (OFFSET, "f", [368], "ends before its last voxel"),
        (SLOPE, "2f", [2, float("nan")], "scl_slope 2 and scl_inter nan"),
        (BITPIX, "h", [8], r"has 8 bits a voxel \(bitpix\) and a number type of 16 \(datatype\)"),
        (DATATYPE, "2h", [1536, 128], "NIfTI's number type 1536"),
        (DATATYPE, "2h", [128, 24], r"3 value\(s\) a voxel"),
        (DATATYPE, "2h", [32, 64], "holds complex numbers"),
        (DIM, "8h", [3, 9, 8, 70, 1, 1, 1, 1], "ends before its last voxel"),
        (DIM, "8h", [3, 10000, 10000, 10000, 1, 1, 1, 1], "claims 1,000,000,000,000 voxels"),
        (DIM, "8h", [3, 9, 8, 0, 1, 1, 1, 1], r"has axes of \(9, 8, 0\) voxels"),
        (DIM, "8h", [3, 9, -8, 7, 1, 1, 1, 1], r"has axes of \(9, -8, 7\) voxels"),
        (DIM, "8h", [9, 9, 8, 7, 1, 1, 1, 1], "has axes of"),
        (DIM, "8h", [2, 9, 56, 1, 1, 1, 1, 1], "has size 9x56, expected three dimensions"),
        (DIM, "8h", [3, 9, 56, 1, 1, 1, 1, 1], r"is one slice \(size 9x56x1\)"),
        (DIM, "8h", [4, 9, 8, 1, 7, 1, 1, 1], "has size 9x8x1x7, expected three dimensions"),
        (344, "4s", [b"\0\0\0\0"], "is Analyze 7.5, which does not say left from right"),
        (344, "4s", [b"ni1\0"], "has its voxels in an .img file that is not there"),
    ],
)
def test_a_header_at_odds_with_itself_or_its_file_is_refused_with_the_reason(
    tmp_path: Path, place: int, kind: str, values: list[float], words: str
) -> None:
    with pytest.raises(ImageError, match=rf"case 'a': image .*a.nii .*{words}"):
        opened(patched(tmp_path / "a.nii", place, kind, *values))


@pytest.mark.parametrize("slope", [0, float("nan"), float("inf")])
def test_a_slope_that_is_none_does_not_rescale_and_a_lost_intercept_is_told(
    tmp_path: Path, slope: float
) -> None:
    file = opened(patched(tmp_path / "a.nii", SLOPE, "2f", slope, 5))
    assert "read without rescaling, as NIfTI-1 says and nibabel does; ITK adds the intercept" in file.notes[0]
    np.testing.assert_array_equal(file.whole().T, VOXELS)
    file = opened(patched(tmp_path / "a.nii", SLOPE, "2f", slope, 0))
    assert file.notes == ()


def test_bytes_after_the_last_voxel_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii", AFFINE, AFFINE, (1, 1))
    path.write_bytes(path.read_bytes() + bytes(16))
    assert "is 16 bytes longer than its header says" in opened(path).notes[0]
    packed = write(tmp_path / "a.nii.gz", AFFINE, AFFINE, (1, 1))
    assert opened(packed).notes == ()


@pytest.mark.parametrize("quaternion", [(2, 0, 0), (float("nan"), 0, 0), (0.8, 0.8, 0.8)])
def test_a_quaternion_that_is_no_rotation_is_told_and_refused_alone(
    tmp_path: Path, quaternion: tuple[float, ...]
) -> None:
    path = patched(tmp_path / "a.nii", QUATERNION, "3f", *quaternion)
    assert "read by its sform, as its qform is not made of finite numbers" in opened(path).notes[0]
    content = bytearray(path.read_bytes())
    struct.pack_into("<h", content, 254, 0)
    path.write_bytes(content)
    with pytest.raises(ImageError, match="no valid geometry: its qform is not made of"):
        opened(path)


@pytest.mark.parametrize("size", [-0.8, 0, float("nan")])
def test_a_voxel_size_that_is_none_is_told(tmp_path: Path, size: float) -> None:
    file = opened(patched(tmp_path / "a.nii", PIXDIM + 4, "f", size))
    assert "read by its sform, as its qform" in file.notes[0]
    np.testing.assert_allclose(file.grid.spacing, (0.8, 0.9, 2), rtol=1e-6)
