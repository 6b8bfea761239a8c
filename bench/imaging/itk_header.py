"""NRRD and MetaImage: the geometry as ITK reads it, the voxels as the header describes them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from bench.errors import ImageError
from bench.imaging.detached import data_file
from bench.imaging.grid import Grid
from bench.imaging.one_volume import require_volume
from bench.imaging.text_header import TextHeader, read_text_header
from bench.imaging.voxel_data import Coding, Opened, VoxelData

READERS = {"NRRD": "NrrdImageIO", "MetaImage": "MetaImageIO"}
SIZES = {"NRRD": "sizes", "MetaImage": "DimSize"}
SPACES = ("left", "right", "l", "r")
NO_ORIENTATION = (
    "states no orientation in the patient (its axes are taken as left, posterior, superior; other programs "
    "may take others)"
)
NO_SPACING = "states no voxel size (1 mm is taken)"

NRRD_NUMBERS = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long"), "i8"),
    **dict.fromkeys(("signed long long int", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int"), "u8"),
    **dict.fromkeys(("uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
NRRD_CODINGS: dict[str, Coding] = {
    "raw": "raw",
    **dict.fromkeys(("gzip", "gz"), "gzip"),
    **dict.fromkeys(("bzip2", "bz2"), "bzip2"),
    **dict.fromkeys(("ascii", "text", "txt"), "text"),
    "hex": "hex",
}
METAIMAGE_NUMBERS = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def open_text(path: Path) -> Opened:
    """Read the header of an NRRD or MetaImage file; raises ImageError where it is not of one 3D volume."""
    header = read_text_header(path)
    nrrd = header.format == "NRRD"
    holder = data_file(path)
    grid = _grid(path, header)
    locate = _nrrd_data if nrrd else _metaimage_data
    data = locate(header, holder or path, 0 if holder else header.end, grid.size)
    notes = _nrrd_notes(header) if nrrd else _metaimage_notes(header)
    return Opened(grid, data, (*notes, *data.length_notes()))


def _grid(path: Path, header: TextHeader) -> Grid:
    """ITK's reading of the geometry; raises ImageError unless it is of one volume with one value a voxel."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO(READERS[header.format])
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        require_volume(tuple(int(length) for length in header.numbers(SIZES[header.format])))
        raise ImageError(f"cannot be read ({_reason(error)}); replace it or leave the case out") from error
    size, values = reader.GetSize(), reader.GetNumberOfComponents()
    require_volume(size, values)
    axes = len(size)
    direction = np.array(reader.GetDirection()).reshape(axes, axes)[:3, :3]
    grid = Grid(
        np.array(size[:3]), np.array(reader.GetSpacing()[:3]), np.array(reader.GetOrigin()[:3]), direction
    )
    require_right_angles(grid)
    return grid


def require_right_angles(grid: Grid) -> None:
    """Raise ImageError where the axes are not at right angles and of unit length."""
    numbers = np.concatenate([grid.origin, grid.spacing, grid.direction.ravel()])
    if not np.isfinite(numbers).all() or not (grid.spacing > 0).all():
        raise ImageError("has a place or voxel size that is no number; correct its header", "geometry")
    if not grid.is_straight():
        raise ImageError(
            "has axes that are not at right angles or not of unit length; resample it onto a straight grid, "
            "or correct its header",
            "geometry",
        )


def _reason(error: RuntimeError) -> str:
    """The last line of ITK's error without the names and addresses of its objects."""
    line = str(error).strip().splitlines()[-1]
    return re.sub(r"(sitk::|ITK )ERROR: |\w+\(0x[0-9a-f]+\): ", "", line)


def _nrrd_data(header: TextHeader, path: Path, start: int, size: np.ndarray) -> VoxelData:
    kind, encoding = header.fields.get("type", "").lower(), header.fields.get("encoding", "").lower()
    if kind not in NRRD_NUMBERS or encoding not in NRRD_CODINGS:
        raise ImageError(f"has type {kind!r} and encoding {encoding!r}, which cannot be read; save it anew")
    order = ">" if header.fields.get("endian", "little").lower() == "big" else "<"
    number, coding = np.dtype(order + NRRD_NUMBERS[kind]), NRRD_CODINGS[encoding]
    start = _after_lines(path, start, header.number("line skip", 0) or header.number("lineskip", 0))
    skip = header.number("byte skip", 0) or header.number("byteskip", 0)
    if skip == -1:
        start, skip = path.stat().st_size - int(np.prod(size)) * number.itemsize, 0
    if skip and coding != "raw":
        raise ImageError("skips bytes of packed voxels; save it anew without 'byte skip'")
    return VoxelData(path, size, number, start + skip, coding)


def _after_lines(path: Path, start: int, lines: int) -> int:
    with path.open("rb") as file:
        file.seek(start)
        for _ in range(lines):
            file.readline()
        return file.tell()


def _metaimage_data(header: TextHeader, path: Path, start: int, size: np.ndarray) -> VoxelData:
    kind = header.fields.get("ElementType", "")
    if kind not in METAIMAGE_NUMBERS:
        raise ImageError(f"has ElementType = {kind}, which cannot be read; save it anew")
    big = header.true("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
    number = np.dtype((">" if big else "<") + METAIMAGE_NUMBERS[kind])
    coding: Coding = "raw"
    if header.true("CompressedData"):
        coding = "zlib"
    elif "BinaryData" in header.fields and not header.true("BinaryData"):
        coding = "text"
    skip = header.number("HeaderSize", 0)
    if skip == -1:
        start, skip = path.stat().st_size - int(np.prod(size)) * number.itemsize, 0
    return VoxelData(path, size, number, start + skip, coding)


def _nrrd_notes(header: TextHeader) -> list[str]:
    """What NRRD leaves open; raises ImageError for another unit than mm and for lengths that are none."""
    units = header.fields.get("space units", header.fields.get("units", ""))
    _require_millimetres(word.strip('"') for word in units.split())
    steps = header.numbers("spacings")  # NaN for an axis that is not of space
    if steps and np.isfinite(steps).sum() < 3:
        raise ImageError(f"has spacings {header.fields['spacings']}, expected mm; correct it", "geometry")
    notes = []
    if "space directions" not in header.fields and "spacings" not in header.fields:
        notes.append(NO_SPACING)
    if not header.fields.get("space", "").lower().startswith(SPACES):
        notes.append(NO_ORIENTATION)
    return notes


def _metaimage_notes(header: TextHeader) -> list[str]:
    """What MetaImage leaves open; raises ImageError for another unit than mm."""
    _require_millimetres(header.fields.get("DistanceUnits", "").split())
    spacing, edges = header.numbers("ElementSpacing"), header.numbers("ElementSize")
    notes = []
    if not spacing and not edges:
        notes.append(NO_SPACING)
    if spacing and edges and not np.allclose(spacing, edges, rtol=1e-3):
        notes.append(f"has ElementSpacing {spacing} and ElementSize {edges}: read with ElementSpacing")
    if not {"TransformMatrix", "Rotation", "Orientation"} & set(header.fields):
        notes.append(NO_ORIENTATION)
    slope = header.numbers("ElementToIntensityFunctionSlope") or [1.0]
    offset = header.numbers("ElementToIntensityFunctionOffset") or [0.0]
    if (*slope, *offset) != (1.0, 0.0):
        notes.append("rescales its intensities, which is passed over, as ITK passes over it")
    return notes


def _require_millimetres(units: Any) -> None:
    for unit in units:
        if unit.lower() not in ("mm", "millimeter", "millimetre", "none", "???", "?", ""):
            raise ImageError(
                f"is in {unit}, expected mm, which ITK takes whatever the header says; write spacing and "
                "origin in mm",
                "absurd spacing",
            )
