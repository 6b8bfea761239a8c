"""The fast NIfTI path against two independent readers: what it takes, it reads as they do."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from imaging_exams import Exam
from scipy.spatial.transform import Rotation

from bench.errors import CohortError
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop
from bench.imaging.nifti import NotPlainError, open_plain
from bench.imaging.volume import open_file

EVERYTHING = np.zeros(3, int)


def nifti(path: Path, seed: int, qform: int | None, sform: int | None, kind: type = np.int16) -> Path:
    """A volume with a random geometry, written by nibabel."""
    rng = np.random.default_rng(seed)
    voxels = rng.integers(0, 100, (11, 13, 7)).astype(kind)
    turn = Rotation.random(random_state=seed).as_matrix() if seed % 2 else np.eye(3)
    flips = np.diag(rng.choice([-1, 1], 3))
    affine = np.eye(4)
    affine[:3, :3] = turn @ flips @ np.diag(rng.uniform(0.4, 6, 3))
    affine[:3, 3] = rng.uniform(-200, 200, 3)
    image = nib.Nifti1Image(voxels, None)
    image.set_qform(affine, code=qform or 0)
    image.set_sform(affine if sform else None, code=sform or 0)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


@pytest.mark.parametrize("name", ["volume.nii", "volume.nii.gz"])
@pytest.mark.parametrize(("qform", "sform"), [(1, None), (None, 2), (1, 1)])
@pytest.mark.parametrize("seed", range(6))
def test_plain_files_read_as_simpleitk_and_nibabel_read_them(
    tmp_path: Path, name: str, qform: int | None, sform: int | None, seed: int
) -> None:
    path = nifti(tmp_path / name, seed, qform, sform)
    plain = open_plain(path)
    image, other = sitk.ReadImage(str(path)), nib.load(path)
    np.testing.assert_array_equal(plain.read(EVERYTHING, plain.grid.size), sitk.GetArrayFromImage(image))
    np.testing.assert_array_equal(plain.read(EVERYTHING, plain.grid.size).T, np.asarray(other.dataobj))
    index = np.array([[0, 0, 0], [10, 12, 6], [3, 0, 5]])
    places = [image.TransformIndexToPhysicalPoint(row.tolist()) for row in index]
    np.testing.assert_allclose(plain.grid.points(index), places, atol=1e-3)
    right_anterior = nib.affines.apply_affine(other.affine, index) * [-1, -1, 1]
    np.testing.assert_allclose(plain.grid.points(index), right_anterior, atol=1e-3)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.float32, np.float64])
def test_every_plain_number_type_reads_as_it_is(tmp_path: Path, kind: type) -> None:
    path = nifti(tmp_path / "volume.nii.gz", 1, 1, 1, kind)
    plain = open_plain(path)
    voxels = plain.read(np.array([2, 3, 1]), np.array([4, 5, 6]))
    assert voxels.dtype == kind
    np.testing.assert_array_equal(voxels, sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[1:7, 3:8, 2:6])


def not_plain(path: Path) -> dict[str, Path]:
    """Files that only SimpleITK can be trusted with."""
    base = nib.load(nifti(path / "base.nii.gz", 1, 1, 1))
    voxels, affine = np.asarray(base.dataobj), base.affine
    scaled = nib.Nifti1Image(voxels, affine)
    scaled.header.set_slope_inter(2.5, -10)
    shifted = affine.copy()
    shifted[:3, 3] += 5
    torn = nib.Nifti1Image(voxels, affine)
    torn.set_qform(shifted, code=1)
    metres = nib.Nifti1Image(voxels, affine)
    metres.header.set_xyzt_units("meter")
    images = {
        "scaled": scaled,
        "big_endian": nib.Nifti1Image(voxels, affine, nib.Nifti1Header(endianness=">")),
        "one_phase_of_4d": nib.Nifti1Image(voxels[..., None], affine),
        "qform_and_sform_differ": torn,
        "metres": metres,
        "no_geometry": nib.Nifti1Image(voxels, None),
    }
    for name, image in images.items():
        nib.save(image, path / f"{name}.nii.gz")
    return {name: path / f"{name}.nii.gz" for name in images}


def test_whatever_is_not_plain_is_left_to_simpleitk(tmp_path: Path) -> None:
    for name, path in not_plain(tmp_path).items():
        with pytest.raises(NotPlainError):
            open_plain(path)
        image = sitk.ReadImage(str(path))
        file = open_file("a", "image", path)
        lower, size = np.array([1, 2, 3]), np.array([4, 5, 3])
        expected = sitk.GetArrayFromImage(image)[3:6, 2:7, 1:5]
        np.testing.assert_array_equal(file.voxels(lower, size), expected, err_msg=name)
        np.testing.assert_allclose(file.grid.origin, image.GetOrigin(), err_msg=name)


def test_gzip_in_several_members_reads_whole(tmp_path: Path) -> None:
    image, mask = Exam().write(tmp_path)
    expected = cut_crop("a", image, mask, Crop())
    content = gzip.decompress(image.read_bytes())
    third = len(content) // 3
    parts = (content[:third], content[third : 2 * third], content[2 * third :])
    image.write_bytes(b"".join(gzip.compress(part) for part in parts))
    np.testing.assert_array_equal(cut_crop("a", image, mask, Crop()), expected)


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_a_truncated_file_is_an_error_that_names_the_case(tmp_path: Path, share: float) -> None:
    image, mask = Exam().write(tmp_path)
    content = image.read_bytes()
    image.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        CohortError, match=r"case 'a': image .*exam_image.nii.gz (cannot be read|ends before)"
    ):
        cut_crop("a", image, mask, Crop())
