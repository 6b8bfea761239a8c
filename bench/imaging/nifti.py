"""NIfTI-1: what a header says, and what is wrong with it.

Read here rather than through SimpleITK, which needs some 8 ms to open even a small file, inflates more
slowly, compares no checksum and chooses between contradictions in silence.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import ImageError
from bench.imaging.file_kind import HEADER_BYTES
from bench.imaging.nifti_grid import Geometry, nifti_grid
from bench.imaging.one_volume import require_volume
from bench.imaging.voxel_data import Opened, VoxelData, first_bytes, is_gzip

NUMBER_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
COLOURS = {128: 3, 2304: 4}
COMPLEX = (32, 1792, 2048)
MIN_OFFSET = 352
ANALYZE = (
    "is Analyze 7.5, which does not say left from right (programs mirror it differently); convert it to "
    "NIfTI with its orientation stated"
)


@dataclass(frozen=True, eq=False)
class Header:
    """Fields of a NIfTI-1 header as they stand."""

    magic: bytes
    order: str
    lengths: tuple[int, ...]
    datatype: int
    bitpix: int
    first_byte: float
    slope: float
    intercept: float
    geometry: Geometry


def open_nifti(path: Path, image: Path | None = None) -> Opened:
    """Read the header of a NIfTI-1 file, or of a pair whose voxels lie in ``image``.

    Raises ImageError where it is not of one 3D volume, or contradicts itself in what all programs need.
    """
    header = _header(first_bytes(path, HEADER_BYTES))
    if header.magic == b"n+1\0":
        image = None
    elif header.magic != b"ni1\0":
        raise ImageError(ANALYZE)
    elif image is None:
        raise ImageError("has its voxels in an .img file that is not there; copy it too", "missing file")
    number = _number(header)
    slope, intercept, notes = _rescaling(header)
    data = VoxelData(
        path=image or path,
        size=header.geometry.size,
        number=number,
        first_byte=_first_byte(header, single=image is None),
        coding="gzip" if is_gzip(image or path) else "raw",
        wrapped=True,
        slope=slope,
        intercept=intercept,
    )
    grid, placed = nifti_grid(header.geometry)
    return Opened(grid, data, (*notes, *placed, *data.length_notes()))


def _header(content: bytes) -> Header:
    if len(content) < HEADER_BYTES:
        raise ImageError("ends within its header; copy it again")
    order = "<" if struct.unpack_from("<i", content)[0] == HEADER_BYTES else ">"
    axes, *dim = struct.unpack_from(f"{order}8h", content, 40)
    datatype, bitpix, *pixdim = struct.unpack_from(f"{order}2h2x8f", content, 70)
    first_byte, slope, intercept = struct.unpack_from(f"{order}3f", content, 108)
    qform_code, sform_code, *form = struct.unpack_from(f"{order}2h18f", content, 252)
    lengths = tuple(dim[: max(axes, 0)])
    if not 1 <= axes <= 7 or min(lengths) < 1:
        raise ImageError(f"has axes of {lengths or axes} voxels; correct its header")
    geometry = Geometry(
        size=np.array([*lengths, 1, 1][:3]),
        pixdim=pixdim,
        unit=content[123],
        qform_code=qform_code,
        sform_code=sform_code,
        quaternion=form[:3],
        place=form[3:6],
        sform=np.array(form[6:]).reshape(3, 4),
    )
    return Header(content[344:], order, lengths, datatype, bitpix, first_byte, slope, intercept, geometry)


def _number(header: Header) -> np.dtype:
    """The number type; raises ImageError where it, or the axes, are not of one 3D volume of real numbers."""
    if header.datatype in COMPLEX:
        raise ImageError("holds complex numbers, expected real ones", "complex voxels")
    require_volume(header.lengths, COLOURS.get(header.datatype, 1))
    if header.datatype not in NUMBER_TYPES:
        raise ImageError(
            f"has voxels of NIfTI's number type {header.datatype}, expected whole numbers or floats of at "
            "most 64 bits; save it as float32"
        )
    number = np.dtype(header.order + NUMBER_TYPES[header.datatype])
    if header.bitpix not in (0, 8 * number.itemsize):
        raise ImageError(
            f"has {header.bitpix} bits a voxel (bitpix) and a number type of {8 * number.itemsize} "
            "(datatype); correct its header"
        )
    return number


def _first_byte(header: Header, single: bool) -> int:
    least = MIN_OFFSET if single else 0
    if not (header.first_byte >= least and header.first_byte == int(header.first_byte)):
        raise ImageError(
            f"says that its voxels begin at byte {header.first_byte:g} (vox_offset), expected a whole number "
            f"from {least} on; programs read them from different places: correct its header"
        )
    return int(header.first_byte)


def _rescaling(header: Header) -> tuple[float, float, tuple[str, ...]]:
    """Slope and intercept; a slope of 0, or none at all, means that there is no rescaling (NIfTI-1)."""
    slope, intercept = header.slope, header.intercept
    if slope != 0 and np.isfinite(slope):
        if not np.isfinite(intercept):
            raise ImageError(f"has scl_slope {slope:g} and scl_inter {intercept:g}; correct its header")
        return slope, intercept, ()
    if np.isfinite(intercept) and intercept != 0:
        note = (
            f"has scl_slope {slope:g} and scl_inter {intercept:g}: read without rescaling, as NIfTI-1 says "
            "and nibabel does; ITK adds the intercept"
        )
        return 1.0, 0.0, (note,)
    return 1.0, 0.0, ()
