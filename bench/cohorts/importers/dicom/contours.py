"""Regions out of a DICOM structure set (RTSTRUCT): closed contours filled on the image's planes."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.cohorts.importers.dicom.files import Refused, items, number, numbers, read_header, text
from bench.cohorts.importers.dicom.region import Region
from bench.imaging.grid import Grid

CONTOURS = "1.2.840.10008.5.1.4.1.1.481.3"
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
# Part of a slice distance by which points of one contour may lie beside its plane.
FLAT = 0.1
MAX_PLANES = 4096
# Not drawn on an image: the outline of the body, points and supports.
NO_REGION = ("EXTERNAL", "MARKER", "REGISTRATION", "ISOCENTER", "SUPPORT", "BOLUS")


def read_contours(path: Path, grid: Grid) -> list[Region]:
    """The closed contours of a structure set, a region each, on planes parallel to the image's slices.

    A point lies inside where a line to it crosses the contours of its plane an odd number of times, so that a
    contour within another one is a hole. Where contours are further apart than the slices, each
    stands for the slices next to it.

    Raises
    ------
    Refused
        The file is damaged, or contours are not drawn on planes parallel to the slices.
    """
    header = read_header(path)
    names = {number(item, "ROINumber"): item for item in items(header, "StructureSetROISequence")}
    kinds = {
        number(item, "ReferencedROINumber"): text(item, "RTROIInterpretedType").upper()
        for item in items(header, "RTROIObservationsSequence")
    }
    found = []
    for drawn in items(header, "ROIContourSequence"):
        roi = number(drawn, "ReferencedROINumber")
        contours = list(_closed(drawn))
        if contours and kinds.get(roi) not in NO_REGION:
            item = names.get(roi)
            space = text(item, "ReferencedFrameOfReferenceUID") if item is not None else ""
            name = text(item, "ROIName") if item is not None else ""
            own, slots = _planes(contours, grid)
            found.append(Region(name, own, partial(_filled, contours, own, slots), space))
    return found


def _closed(drawn: Any) -> Iterator[np.ndarray]:
    """Points of each closed contour in mm, shape (point, 3)."""
    for contour in items(drawn, "ContourSequence"):
        points = np.array(numbers(contour, "ContourData"))
        if text(contour, "ContourGeometricType") in CLOSED and points.size >= 9:
            if points.size % 3:
                raise Refused("a contour whose points lack a coordinate")
            yield points.reshape(-1, 3)


def _planes(contours: Sequence[np.ndarray], grid: Grid) -> tuple[Grid, np.ndarray]:
    """A grid with the contours' planes as slices, and the slice of each contour."""
    indices = [grid.indices(points) for points in contours]
    if max(np.ptp(points[:, 2]) for points in indices) > 2 * FLAT:
        raise Refused("contours that are not drawn on planes parallel to the slices of the image")
    planes = np.array([points[:, 2].mean() for points in indices])
    gaps = np.diff(np.unique(np.round(planes, 1)))
    step = float(gaps.min()) if len(gaps) else 1.0
    slots = np.rint((planes - planes.min()) / step).astype(int)
    if slots.max() >= MAX_PLANES:
        raise Refused("contours on more planes than any exam has slices")
    size = np.array([grid.size[0], grid.size[1], slots.max() + 1])
    origin = grid.points(np.array([[0.0, 0.0, planes.min()]]))[0]
    return Grid(size, grid.spacing * (1, 1, step), origin, grid.direction), slots


def _filled(contours: Sequence[np.ndarray], own: Grid, slots: np.ndarray) -> np.ndarray:
    """Voxels inside contours on their slices, bool, shape (z, y, x)."""
    inside = np.zeros(own.size[::-1], bool)
    for slot in np.unique(slots):
        here = [own.indices(points)[:, :2] for points, at in zip(contours, slots, strict=True) if at == slot]
        inside[slot] = inside_of(here, inside.shape[1:])
    return inside


def inside_of(contours: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Pixels inside closed contours, by the even-odd rule, bool, shape (row, column).

    Parameters
    ----------
    contours
        Corners of each in pixels, (column, row) of pixel centres, shape (corner, 2).
    """
    starts = np.concatenate(contours)
    ends = np.concatenate([np.roll(points, -1, axis=0) for points in contours])
    columns = np.arange(shape[1])
    inside = np.zeros(shape, bool)
    for row in range(shape[0]):
        crossed = (starts[:, 1] <= row) != (ends[:, 1] <= row)
        (x, y), (to_x, to_y) = starts[crossed].T, ends[crossed].T
        crossings = x + (row - y) / (to_y - y) * (to_x - x)
        inside[row] = np.searchsorted(np.sort(crossings), columns, side="right") % 2 == 1
    return inside
