"""Dialects of NRRD and MetaImage: read as ITK reads them, or refused with the true reason."""

import bz2
import gzip
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.errors import ImageError
from bench.imaging.volume import VolumeFile, open_file

VOXELS = np.random.default_rng(0).integers(-50, 300, (5, 4, 3)).astype("<i2")
NRRD = "type: short\ndimension: 3\nsizes: 3 4 5\nendian: little\nencoding: raw\n"
PLACE = "space directions: (1,0,0) (0,0.9,0) (0,0,2)\nspace origin: (1,2,3)\n"
LPS = f"space: left-posterior-superior\n{PLACE}"
META = "ObjectType = Image\nNDims = 3\nBinaryData = True\nElementType = MET_SHORT\n"
META_PLACE = "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nElementSpacing = 1 0.9 2\n"
SIZE = "DimSize = 3 4 5\n"
RAW = VOXELS.tobytes()


def nrrd(folder: Path, header: str, data: bytes = RAW) -> Path:
    (folder / "a.nrrd").write_bytes(f"NRRD0004\n# made\n{header}kept:=a note\n\n".encode() + data)
    return folder / "a.nrrd"


def meta(folder: Path, header: str, data: bytes = RAW, end: str = "ElementDataFile = LOCAL\n") -> Path:
    (folder / "a.mha").write_bytes((header + end).encode() + data)
    return folder / "a.mha"


def opened(path: Path) -> VolumeFile:
    return open_file("a", "image", path)


def require_same(path: Path) -> VolumeFile:
    """The file, which ITK reads with the same voxels in the same places."""
    file, image = opened(path), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(file.whole(), sitk.GetArrayFromImage(image).reshape(5, 4, 3))
    np.testing.assert_array_equal(file.whole(), VOXELS)
    np.testing.assert_allclose(file.grid.spacing, image.GetSpacing()[:3])
    np.testing.assert_allclose(file.grid.origin, image.GetOrigin()[:3])
    return file


PADDED = NRRD.replace("dimension: 3", "dimension: 4")
NRRD_READ = {
    "plain": (NRRD + LPS, RAW),
    "right anterior": (NRRD + LPS.replace("left-posterior", "right-anterior"), RAW),
    "left anterior": (NRRD + LPS.replace("left-posterior", "left-anterior"), RAW),
    "letters": (NRRD + LPS.replace("left-posterior-superior", "LPS"), RAW),
    "big endian": (NRRD.replace("little", "big") + LPS, VOXELS.astype(">i2").tobytes()),
    "gzip": (NRRD.replace("raw", "gzip") + LPS, gzip.compress(RAW)),
    "gz": (NRRD.replace("raw", "gz") + LPS, gzip.compress(RAW)),
    "ascii": (NRRD.replace("raw", "ascii") + LPS, " ".join(map(str, VOXELS.ravel())).encode()),
    "hex": (NRRD.replace("raw", "hex") + LPS, RAW.hex().encode()),
    "line skip": (f"{NRRD}{LPS}line skip: 2\n", b"one\ntwo\n" + RAW),
    "byte skip": (f"{NRRD}{LPS}byte skip: 3\n", b"abc" + RAW),
    "byte skip from the end": (f"{NRRD}{LPS}byte skip: -1\n", b"abcdef" + RAW),
    "one vector": (
        PADDED.replace("3 4 5", "1 3 4 5")
        + LPS.replace("s: (", "s: none (")
        + "kinds: vector domain domain domain\n",
        RAW,
    ),
    "one phase": (
        PADDED.replace("3 4 5", "3 4 5 1")
        + LPS.replace("2)\n", "2) none\n")
        + "kinds: domain domain domain list\n",
        RAW,
    ),
    "windows lines": ((NRRD + LPS).replace("\n", "\r\n"), RAW),
}


@pytest.mark.parametrize("dialect", NRRD_READ)
def test_nrrd_reads_as_itk_reads_it(tmp_path: Path, dialect: str) -> None:
    assert require_same(nrrd(tmp_path, *NRRD_READ[dialect])).notes == ()


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *(("uchar", "u1"), ("signed char", "i1"), ("uint16_t", "<u2"), ("int", "<i4"), ("float", "<f4")),
        *(("unsigned int", "<u4"), ("long long int", "<i8"), ("uint64", "<u8"), ("double", "<f8")),
    ],
)
def test_every_number_type_of_nrrd_reads_as_itk_reads_it(tmp_path: Path, kind: str, number: str) -> None:
    values = np.abs(VOXELS).astype(number)
    path = nrrd(tmp_path, NRRD.replace("short", kind) + LPS, values.tobytes())
    np.testing.assert_array_equal(opened(path).whole(), values)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), values)


def test_bzip2_which_itk_cannot_read_is_read(tmp_path: Path) -> None:
    path = nrrd(tmp_path, NRRD.replace("raw", "bzip2") + LPS, bz2.compress(RAW))
    np.testing.assert_array_equal(opened(path).whole(), VOXELS)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (NRRD, "states no voxel size"),
        (NRRD, "states no orientation"),
        (f"{NRRD}spacings: 1 0.9 2\n", "states no orientation"),
        (f"{NRRD}space: scanner-xyz\n{PLACE}", "states no orientation"),
        (f"{NRRD}space: 3D-right-handed\n{PLACE}", "states no orientation"),
        (f"{NRRD}space dimension: 3\n{PLACE}", "states no orientation"),
    ],
)
def test_what_nrrd_leaves_open_is_told(tmp_path: Path, header: str, words: str) -> None:
    assert any(words in note for note in require_same(nrrd(tmp_path, header)).notes)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (NRRD + LPS.replace("(0,0.9,0)", "(0.3,0.9,0)"), "axes that are not at right angles"),
        (f'{NRRD}{LPS}space units: "cm" "cm" "cm"\n', "is in cm, expected mm"),
        (f"{NRRD}{LPS}spacings: 1 1 3\n", "cannot be read"),
        (f"{NRRD}spacings: 1 1 nan\n", "spacings 1 1 nan, expected mm"),
        (NRRD.replace("endian: little\n", "") + LPS, "cannot be read"),
        (NRRD + LPS + NRRD, "states 'type' twice"),
        (f"{NRRD.replace('3 4 5', '3 4 6')}{LPS}", "ends before its last voxel"),
        (f"{PADDED.replace('3 4 5', '3 4 5 2')}{LPS.replace('2)', '2) none')}", "has size 3x4x5x2"),
    ],
)
def test_nrrd_that_cannot_be_trusted_is_refused_with_the_reason(
    tmp_path: Path, header: str, words: str
) -> None:
    with pytest.raises(ImageError, match=rf"case 'a': image .*a.nrrd .*({words})"):
        opened(nrrd(tmp_path, header))


COMPRESSED = zlib.compress(RAW)
META_READ = {
    "plain": (META + SIZE + META_PLACE, RAW),
    "element size": (META + SIZE + META_PLACE.replace("Spacing", "Size"), RAW),
    "rotation": (META + SIZE + META_PLACE.replace("TransformMatrix", "Rotation"), RAW),
    "turned": (META + SIZE + META_PLACE.replace("1 0 0 0 1 0", "0 1 0 -1 0 0"), RAW),
    "position": (META + SIZE + META_PLACE.replace("Offset", "Position"), RAW),
    "origin": (META + SIZE + META_PLACE.replace("Offset", "Origin"), RAW),
    "big endian": (
        f"{META}{SIZE}{META_PLACE}BinaryDataByteOrderMSB = True\n",
        VOXELS.astype(">i2").tobytes(),
    ),
    "element big endian": (
        f"{META}{SIZE}{META_PLACE}ElementByteOrderMSB = True\n",
        VOXELS.astype(">i2").tobytes(),
    ),
    "compressed": (
        f"{META}{SIZE}{META_PLACE}CompressedData = True\nCompressedDataSize = {len(COMPRESSED)}\n",
        COMPRESSED,
    ),
    "a fourth axis": (
        META.replace("NDims = 3", "NDims = 4") + "DimSize = 3 4 5 1\nElementSpacing = 1 0.9 2 1\n"
        "TransformMatrix = 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\nOffset = 1 2 3 0\n",
        RAW,
    ),
    "windows lines": ((META + SIZE + META_PLACE).replace("\n", "\r\n"), RAW),
}


@pytest.mark.parametrize("dialect", META_READ)
def test_metaimage_reads_as_itk_reads_it(tmp_path: Path, dialect: str) -> None:
    assert require_same(meta(tmp_path, *META_READ[dialect])).notes == ()


@pytest.mark.parametrize(
    ("more", "data"),
    [
        ("CompressedData = True\n", COMPRESSED),  # without CompressedDataSize ITK returns noise
        ("CompressedData = True\n", gzip.compress(RAW)),
        ("BinaryData = False\n", " ".join(map(str, VOXELS.ravel())).encode()),
    ],
)
def test_metaimage_that_itk_misreads_is_read(tmp_path: Path, more: str, data: bytes) -> None:
    header = META.replace("BinaryData = True\n", "") if "Binary" in more else META
    path = meta(tmp_path, header + SIZE + META_PLACE + more, data)
    np.testing.assert_array_equal(opened(path).whole(), VOXELS)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("ElementSize = 3 3 3\n", "ElementSpacing .* and ElementSize .*: read with ElementSpacing"),
        ("ElementToIntensityFunctionSlope = 2\n", "rescales its intensities"),
    ],
)
def test_what_metaimage_states_twice_is_told(tmp_path: Path, more: str, words: str) -> None:
    (note,) = require_same(meta(tmp_path, META + SIZE + META_PLACE + more)).notes
    assert re.search(words, note)


def test_metaimage_without_a_place_is_told(tmp_path: Path) -> None:
    notes = opened(meta(tmp_path, META + SIZE)).notes
    assert "states no voxel size" in notes[0] and "states no orientation" in notes[1]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            META + SIZE + META_PLACE.replace("1 0 0 0 1 0", "1 0 0 0.3 1 0"),
            "axes that are not at right angles",
        ),
        (META + SIZE + META_PLACE.replace("1 0 0 0 1 0", "2 0 0 0 1 0"), "not of unit length"),
        (f"{META}{SIZE}{META_PLACE}DistanceUnits = um\n", "is in um, expected mm"),
        (f"{META}{SIZE}{META_PLACE}ElementNumberOfChannels = 3\n", r"3 value\(s\) a voxel"),
        (f"{META}DimSize = 3 4 6\n{META_PLACE}", "ends before its last voxel"),
        (META.replace("MET_SHORT", "MET_OTHER") + SIZE + META_PLACE, "MET_OTHER|cannot be read"),
    ],
)
def test_metaimage_that_cannot_be_trusted_is_refused_with_the_reason(
    tmp_path: Path, header: str, words: str
) -> None:
    with pytest.raises(ImageError, match=rf"case 'a': image .*a.mha .*({words})"):
        opened(meta(tmp_path, header))


def test_a_raw_file_longer_than_the_header_says_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"12345678" + RAW)
    path = tmp_path / "a.mhd"
    path.write_text(f"{META}{SIZE}{META_PLACE}ElementDataFile = a.raw\n")
    assert "is 8 bytes longer than its header says" in opened(path).notes[0]
    path.write_text(f"{META}{SIZE}{META_PLACE}HeaderSize = 8\nElementDataFile = a.raw\n")
    np.testing.assert_array_equal(opened(path).whole(), VOXELS)
    path.write_text(f"{META}{SIZE}{META_PLACE}HeaderSize = -1\nElementDataFile = a.raw\n")
    np.testing.assert_array_equal(opened(path).whole(), VOXELS)


OTHER_FILES = {
    "dicom.dcm": (
        bytes(128) + b"DICM" + bytes(600),
        "is one DICOM file, expected a volume; convert the series",
    ),
    "IM0001": (bytes(128) + b"DICM" + bytes(600), "sitk.ImageSeriesReader"),
    "bare": (bytes.fromhex("0800050043530a00") + bytes(600), "is one DICOM file"),
    "pointer.nii.gz": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer.*git lfs pull"),
    "page.nii": (b"<!DOCTYPE html><html>not found</html>", "a page of HTML"),
    "empty.nii": (b"", "is empty; copy it again"),
    "a.zip": (b"PK\x03\x04" + bytes(600), "a zip archive.*unpack it"),
    "a.nii.bz2": (bz2.compress(bytes(600)), r"bzip2.*unpack it"),
    "slice.png": (b"\x89PNG\r\n\x1a\n" + bytes(600), "a PNG picture"),
    "a.tif": (b"II*\x00" + bytes(600), "TIFF, which holds no place in the patient"),
    "a.mgz": (gzip.compress(b"\x00\x00\x00\x01\x00\x00" + bytes(600)), "mri_convert"),
    "noise.nii": (b"\x07" * 600, "neither NIfTI, NRRD nor MetaImage"),
    "v2.nii": (b"\x1c\x02\x00\x00n+2\x00" + bytes(600), "is NIfTI-2, expected NIfTI-1; save it with nibabel"),
    "named.nii": (b"NRRD0004\n\n" + bytes(600), r"is NRRD under another name; rename it to end in .nrrd"),
    "named.img": (b"NRRD0004\n\n" + bytes(600), "has no .hdr beside it"),
    "packed.nrrd": (gzip.compress(b"NRRD0004\n\n" + bytes(600)), "is NRRD packed with gzip as a whole"),
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_a_file_that_is_something_else_is_refused_with_what_it_is(tmp_path: Path, name: str) -> None:
    content, words = OTHER_FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=rf"case 'a': image .*{name} .*{words}"):
        opened(tmp_path / name)
