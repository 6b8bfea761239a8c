"""A fast way into plain NIfTI-1 files, most of what cohorts consist of; all others go through SimpleITK.

SimpleITK needs some 8 ms to open even a small NIfTI file, and ISA-L inflates gzip faster. Plain means: one 3D
volume of a common number type, little-endian, in millimetres, without rescaling, whose qform and sform are
orthonormal and agree where both are given. Whatever is not certain is left to SimpleITK.
"""

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from isal import isal_zlib

from bench.imaging.grid import Grid

HEADER_BYTES = 348
CHUNK_BYTES = 1 << 16
NUMBER_TYPES = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 256: "i1", 512: "<u2", 768: "<u4"}
# NIfTI's axes point right, anterior, superior; ours left, posterior, superior.
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


class NotPlainError(Exception):
    """The file needs SimpleITK."""


@dataclass(frozen=True, eq=False)
class PlainNifti:
    """A NIfTI file whose voxels can be read straight from its (inflated) bytes."""

    path: Path
    grid: Grid
    number: np.dtype
    first_byte: int

    def read(self, lower: np.ndarray, size: np.ndarray) -> np.ndarray:
        """The block of ``size`` from index ``lower`` (x, y, z) on, shape (z, y, x); inflates no more.

        Raises NotPlainError where the bytes end too early or cannot be inflated.
        """
        x, y, _ = self.grid.size
        slice_bytes = int(x * y) * self.number.itemsize
        start = self.first_byte + int(lower[2]) * slice_bytes
        content = _content(self.path, start, start + int(size[2]) * slice_bytes)
        block = np.frombuffer(content, self.number).reshape(size[2], y, x)
        return block[:, lower[1] : lower[1] + size[1], lower[0] : lower[0] + size[0]]


def open_plain(path: Path) -> PlainNifti:
    """Read the header; raises NotPlainError where the file is not plain."""
    if not path.name.endswith((".nii", ".nii.gz")):
        raise NotPlainError
    header = _content(path, 0, HEADER_BYTES)
    length, *dim = struct.unpack_from("<i36x8h", header)
    datatype, _, *pixdim = struct.unpack_from("<2h2x8f", header, 70)
    first_byte, slope, offset = struct.unpack_from("<3f", header, 108)
    millimetres = header[123] & 7 in (0, 2)
    single_file = header[344:] == b"n+1\0"
    volume = length == HEADER_BYTES and dim[0] == 3 and min(dim[1:4]) > 1 and datatype in NUMBER_TYPES
    if not (single_file and volume and millimetres and slope in (0, 1) and offset == 0 and first_byte >= 352):
        raise NotPlainError
    grid = _grid(np.array(dim[1:4]), np.array(pixdim[1:4]), _affine(header, pixdim))
    return PlainNifti(path, grid, np.dtype(NUMBER_TYPES[datatype]), int(first_byte))


def ends_early(path: Path) -> bool:
    """Whether a NIfTI-1 file holds fewer voxels than its header says: ITK reads the rest as 0, silently."""
    if not path.name.endswith((".nii", ".nii.gz")):
        return False
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = file.read(HEADER_BYTES)
            order = "<" if header[:4] == struct.pack("<i", HEADER_BYTES) else ">"
            axes, *lengths = struct.unpack_from(f"{order}8h", header, 40)
            (bits,) = struct.unpack_from(f"{order}h", header, 72)
            (first_byte,) = struct.unpack_from(f"{order}f", header, 108)
            file.seek(int(first_byte) + math.prod(lengths[:axes]) * bits // 8 - 1)
            return not file.read(1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return True


def _affine(header: bytes, pixdim: list[float]) -> np.ndarray:
    """Voxel index to mm, RAS, shape (3, 4), from sform or qform; raises NotPlainError where they differ."""
    qform_code, sform_code = struct.unpack_from("<2h", header, 252)
    sform = np.array(struct.unpack_from("<12f", header, 280)).reshape(3, 4)
    quaternion, place = struct.unpack_from("<3f", header, 256), struct.unpack_from("<3f", header, 268)
    qform = np.column_stack([_rotation(*quaternion) * pixdim[1:4], place])
    if pixdim[0] < 0:
        qform[:, 2] *= -1
    known = [form for code, form in ((sform_code, sform), (qform_code, qform)) if code > 0]
    if not known or not np.allclose(known[0], known[-1], rtol=0, atol=1e-3):
        raise NotPlainError
    return known[0]


def _rotation(b: float, c: float, d: float) -> np.ndarray:
    """The rotation, shape (3, 3), of a unit quaternion (a, b, c, d) with a >= 0, as NIfTI-1 defines it."""
    rest = 1 - b * b - c * c - d * d
    # In float32 a remainder this small is noise: half a turn, as in NIfTI's reference implementation.
    a = np.sqrt(rest) if rest > 1e-7 else 0.0
    b, c, d = np.array([b, c, d]) / np.sqrt(a * a + b * b + c * c + d * d)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


def _grid(size: np.ndarray, spacing: np.ndarray, affine: np.ndarray) -> Grid:
    if not (np.isfinite(affine).all() and (spacing > 0).all()):
        raise NotPlainError
    direction = RAS_TO_LPS @ affine[:, :3] / spacing
    if not np.allclose(direction.T @ direction, np.eye(3), rtol=0, atol=1e-4):
        raise NotPlainError
    return Grid(size, spacing, RAS_TO_LPS @ affine[:, 3], direction)


def _content(path: Path, start: int, stop: int) -> bytes:
    """Bytes ``start`` to ``stop`` of the file's content, inflated where the name says gzip."""
    with path.open("rb") as file:
        if path.suffix != ".gz":
            file.seek(start)
            content = file.read(stop - start)
        else:
            content = b"".join(_inflated(iter(lambda: file.read(CHUNK_BYTES), b""), start, stop))
    if len(content) != stop - start:
        raise NotPlainError
    return content


def _inflated(chunks: Iterator[bytes], start: int, stop: int) -> Iterator[bytes]:
    """The pieces of one gzip member's content that lie between ``start`` and ``stop``."""
    inflate = isal_zlib.decompressobj(wbits=31)
    at = 0
    try:
        for chunk in chunks:
            piece = inflate.decompress(chunk)
            yield piece[max(start - at, 0) : max(stop - at, 0)]
            at += len(piece)
            if at >= stop or inflate.eof:
                return
    except isal_zlib.error as error:  # type: ignore[misc]  # a class, though its stub says an instance
        raise NotPlainError from error
