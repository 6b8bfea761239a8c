"""A damaged or cut file is refused, whatever its size and format and whichever part of it a crop needs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.errors import CohortError
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop

CROP = Crop(size_mm=8, spacing_mm=2.0)
NOISE = np.random.default_rng(0)


def exam(folder: Path, slices: int, suffix: str) -> tuple[Path, Path]:
    """An image of noise, which does not pack, with a small lesion near its first slices."""
    image = NOISE.integers(0, 2**15, (slices, 128, 160)).astype(np.int16)
    mask = np.zeros(image.shape, np.uint8)
    mask[3:5, 60:64, 60:64] = 1
    paths = folder / f"image{suffix}", folder / f"mask{suffix}"
    for path, voxels in zip(paths, (image, mask), strict=True):
        sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path), useCompression=True)
    return paths


def last_byte_of_the_checksum(content: bytearray) -> None:
    content[-5] ^= 0xFF


def length(content: bytearray) -> None:
    content[-1] ^= 0x01


def cut_in_the_checksum(content: bytearray) -> None:
    del content[-4:]


def cut_in_the_voxels(content: bytearray) -> None:
    del content[len(content) * 6 // 10 :]


def a_bit_in_the_last_slice(content: bytearray) -> None:
    content[-2000] ^= 0x10


DAMAGES = [last_byte_of_the_checksum, length, cut_in_the_checksum, cut_in_the_voxels, a_bit_in_the_last_slice]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("slices", [8, 170])  # 0.3 and 6.5 MB
@pytest.mark.parametrize("role", [0, 1])
def test_a_damaged_gzip_of_any_size_is_refused(
    tmp_path: Path, damage: Callable[[bytearray], None], slices: int, role: int
) -> None:
    paths = exam(tmp_path, slices, ".nii.gz")
    cut_crop("a", *paths, CROP)
    content = bytearray(paths[role].read_bytes())
    if damage is a_bit_in_the_last_slice and role == 1:
        content[len(content) // 2] ^= 0x10
    else:
        damage(content)
    paths[role].write_bytes(content)
    named = rf"case 'a': {('image', 'mask')[role]} .*(is damaged|ends before its last voxel)"
    with pytest.raises(CohortError, match=named):
        cut_crop("a", *paths, CROP)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize("slices", [8, 170])
@pytest.mark.parametrize("damage", DAMAGES)
def test_packed_voxels_of_other_formats_too(
    tmp_path: Path, suffix: str, slices: int, damage: Callable[[bytearray], None]
) -> None:
    paths = exam(tmp_path, slices, suffix)
    content = bytearray(paths[0].read_bytes())
    damage(content)
    paths[0].write_bytes(content)
    with pytest.raises(CohortError, match=r"case 'a': image .*(is damaged|ends before its last voxel)"):
        cut_crop("a", *paths, CROP)


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
def test_a_plain_file_cut_in_its_voxels_is_refused_as_cut(tmp_path: Path, suffix: str) -> None:
    paths = exam(tmp_path, 8, ".nii.gz")
    path = tmp_path / f"plain{suffix}"
    sitk.WriteImage(sitk.ReadImage(str(paths[0])), str(path), useCompression=False)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(
        CohortError, match=r"case 'a': image .*plain.* ends before its last voxel; copy it again"
    ):
        cut_crop("a", path, paths[1], CROP)


def test_zeros_after_a_gzip_are_padding_and_other_bytes_are_damage(tmp_path: Path) -> None:
    paths = exam(tmp_path, 8, ".nii.gz")
    expected = cut_crop("a", *paths, CROP)
    content = paths[0].read_bytes()
    paths[0].write_bytes(content + bytes(512))
    np.testing.assert_array_equal(cut_crop("a", *paths, CROP), expected)
    paths[0].write_bytes(content + b"something else")
    with pytest.raises(CohortError, match="is damaged"):
        cut_crop("a", *paths, CROP)
