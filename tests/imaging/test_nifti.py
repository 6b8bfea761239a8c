"""NIfTI files against two independent readers, ITK and nibabel: all three read the same."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from bench.errors import CohortError
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop
from bench.imaging.nifti import open_nifti
from bench.imaging.volume import open_file
from tests.imaging.imaging_exams import Exam

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
    image = nib.Nifti1Image(voxels, None, dtype=kind)
    image.set_qform(affine, code=qform or 0)
    image.set_sform(affine if sform else None, code=sform or 0)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


@pytest.mark.parametrize("name", ["volume.nii", "volume.nii.gz"])
@pytest.mark.parametrize(("qform", "sform"), [(1, None), (None, 2), (1, 1)])
@pytest.mark.parametrize("seed", range(6))
def test_files_read_as_simpleitk_and_nibabel_read_them(
    tmp_path: Path, name: str, qform: int | None, sform: int | None, seed: int
) -> None:
    path = nifti(tmp_path / name, seed, qform, sform)
    plain = open_nifti(path)
    image, other = sitk.ReadImage(str(path)), nib.load(path)
    np.testing.assert_array_equal(plain.data.read(EVERYTHING, plain.grid.size), sitk.GetArrayFromImage(image))
    np.testing.assert_array_equal(plain.data.read(EVERYTHING, plain.grid.size).T, np.asarray(other.dataobj))
    index = np.array([[0, 0, 0], [10, 12, 6], [3, 0, 5]])
    places = [image.TransformIndexToPhysicalPoint(row.tolist()) for row in index]
    np.testing.assert_allclose(plain.grid.points(index), places, atol=1e-3)
    right_anterior = nib.affines.apply_affine(other.affine, index) * [-1, -1, 1]
    np.testing.assert_allclose(plain.grid.points(index), right_anterior, atol=1e-3)
    assert plain.notes == ()


@pytest.mark.parametrize(
    "kind", [np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64, np.float32, np.float64]
)
def test_every_number_type_reads_as_it_is(tmp_path: Path, kind: type) -> None:
    path = nifti(tmp_path / "volume.nii.gz", 1, 1, 1, kind)
    voxels = open_nifti(path).data.read(np.array([2, 3, 1]), np.array([4, 5, 6]))
    assert voxels.dtype == kind
    np.testing.assert_array_equal(voxels, sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[1:7, 3:8, 2:6])


def unusual(path: Path) -> dict[str, Path]:
    """Files of rarer kinds that ITK and nibabel read alike."""
    base = nib.load(nifti(path / "base.nii.gz", 1, 1, 1))
    voxels, affine = np.asarray(base.dataobj), base.affine
    scaled = nib.Nifti1Image(voxels, affine)
    scaled.header.set_slope_inter(2.5, -10)
    images = {
        "scaled": scaled,
        "big_endian": nib.Nifti1Image(voxels, affine, nib.Nifti1Header(endianness=">")),
        "one_phase_of_4d": nib.Nifti1Image(voxels[..., None], affine),
        "five_axes": nib.Nifti1Image(voxels[..., None, None], affine),
    }
    for name, image in images.items():
        nib.save(image, path / f"{name}.nii.gz")
    return {name: path / f"{name}.nii.gz" for name in images}


@pytest.mark.parametrize("name", ["scaled", "big_endian", "one_phase_of_4d", "five_axes"])
def test_rarer_kinds_read_as_simpleitk_reads_them(tmp_path: Path, name: str) -> None:
    path = unusual(tmp_path)[name]
    image = sitk.ReadImage(str(path))
    file = open_file("a", "image", path)
    lower, size = np.array([1, 2, 3]), np.array([4, 5, 3])
    expected = sitk.GetArrayFromImage(image).reshape(7, 13, 11)[3:6, 2:7, 1:5]
    np.testing.assert_allclose(file.voxels(lower, size), expected, rtol=1e-6)
    np.testing.assert_allclose(file.grid.origin, image.GetOrigin()[:3], atol=1e-4)


def test_a_pair_of_header_and_image_reads_by_either_name(tmp_path: Path) -> None:
    whole = nib.load(nifti(tmp_path / "whole.nii", 1, 1, 1))
    nib.save(nib.Nifti1Pair(np.asarray(whole.dataobj), whole.affine), tmp_path / "pair.img")
    for name in ("pair.img", "pair.hdr"):
        file = open_file("a", "image", tmp_path / name)
        np.testing.assert_array_equal(file.whole().T, np.asarray(whole.dataobj))
        np.testing.assert_allclose(
            file.grid.origin, open_file("a", "image", tmp_path / "whole.nii").grid.origin
        )
    (tmp_path / "pair.hdr").unlink()
    with pytest.raises(CohortError, match=r"pair.img has no .hdr beside it"):
        open_file("a", "image", tmp_path / "pair.img")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.NII.GZ", "scan"])
def test_the_content_says_whether_a_file_is_packed_not_the_name(
    tmp_path: Path, name: str, packed: bool
) -> None:
    content = nifti(tmp_path / "sound.nii", 1, 1, 1).read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    file, sound = open_file("a", "image", tmp_path / name), open_file("a", "image", tmp_path / "sound.nii")
    np.testing.assert_array_equal(file.whole(), sound.whole())


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
