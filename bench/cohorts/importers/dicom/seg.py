"""Regions out of a DICOM segmentation: binary, fractional or a label map, on any grid."""

import re
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.cohorts.importers.dicom.files import Refused, items, number, read_header, text
from bench.cohorts.importers.dicom.headers import is_straight, levels_of, require_size, several
from bench.cohorts.importers.dicom.region import Region
from bench.imaging.grid import Grid

SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
SEGMENTATIONS = (SEGMENTATION, LABEL_MAP)
# A fraction from here on is inside.
INSIDE = 0.5
# Part of the slice distance by which a frame may lie beside the grid of the others.
OFF_GRID = 0.1
MAX_SLOTS = 4096
# I-SPY 2 stores, bit by bit, why a voxel does not belong to the functional tumour volume: 0 is the tumour.
ANALYSIS_MASK = re.compile(r"VOLSER.*analysis mask", re.IGNORECASE)


def read_segments(path: Path) -> list[Region]:
    """The segments of a segmentation, each on the file's own grid.

    Slices between the first and the last frame that no frame describes are outside. A fractional value from
    one half on is inside. Of an analysis mask of I-SPY 2, whose values say why a voxel is left out, 0 is.

    Raises
    ------
    Refused
        The file is damaged, its frames are of no common grid, or it has no segment.
    """
    header = read_header(path)
    require_size(header, path, bits=(1, 8, 16))
    places = _places(header)
    grid, slots = _grid(header, places)
    numbers = {int(number(item, "SegmentNumber") or 0): item for item in items(header, "SegmentSequence")}
    # Label maps may describe their background as segment 0.
    names = {segment: text(item, "SegmentLabel") for segment, item in numbers.items() if segment}
    if not names:
        raise Refused("the segmentation describes no segment")
    frames = _decoded(path, len(places))
    described = [several(levels, "ReferencedSegmentNumber") for levels in places]

    def drawn(segment: int) -> np.ndarray:
        inside = np.zeros(grid.size[::-1], bool)
        for slot, frame, of in zip(slots, frames, described, strict=True):
            if is_label_map(header) or of == (float(segment),):
                inside[slot] |= _inside(header, frame, segment)
        return inside

    space = text(header, "FrameOfReferenceUID")
    return [Region(name, grid, partial(drawn, segment), space) for segment, name in names.items()]


def _places(header: Any) -> list[list[Any]]:
    """Where each frame's values stand, nearest first."""
    shared = (items(header, "SharedFunctionalGroupsSequence") or [None])[0]
    frames = items(header, "PerFrameFunctionalGroupsSequence")
    count = int(number(header, "NumberOfFrames") or 1)
    if len(frames) != count:
        raise Refused(
            f"the segmentation claims {count} frames and describes {len(frames)}",
            "a segmentation with other frames than it claims",
        )
    return [levels_of(header, shared, frame) for frame in frames]


def _grid(header: Any, places: list[list[Any]]) -> tuple[Grid, list[int]]:
    """The grid of all frames, and the slice of it on which each lies."""
    orientations = {several(levels, "ImageOrientationPatient") for levels in places}
    positions = [several(levels, "ImagePositionPatient") for levels in places]
    spacing = several(places[0], "PixelSpacing")
    orientation = next(iter(orientations))
    straight = len(orientations) == 1 and len(orientation) == 6 and is_straight(orientation)
    if not straight or {len(at) for at in positions} != {3}:
        raise Refused("a segmentation whose frames do not say where they lie, or lie in several orientations")
    if len(spacing) != 2 or min(spacing) <= 0:
        raise Refused("a segmentation that does not say how large its pixels are")
    row, column = np.array(orientation).reshape(2, 3)
    normal = np.cross(row, column)
    heights = np.array(positions) @ normal
    step = _step(heights, places[0])
    slots = np.rint((heights - heights.min()) / step).astype(int)
    apart = np.abs(heights - heights.min() - slots * step).max()
    if apart > OFF_GRID * step or slots.max() >= MAX_SLOTS:
        raise Refused("a segmentation whose frames are not evenly spaced")
    size = np.array([int(number(header, name) or 0) for name in ("Columns", "Rows")] + [slots.max() + 1])
    origin = np.array(positions[int(heights.argmin())])
    grid = Grid(
        size, np.array([spacing[1], spacing[0], step]), origin, np.stack([row, column, normal], axis=1)
    )
    return grid, slots.tolist()


def _step(heights: np.ndarray, levels: list[Any]) -> float:
    """Distance between slices in mm: the smallest between two frames, else what the header says."""
    gaps = np.diff(np.unique(np.round(heights, 2)))
    if len(gaps):
        return float(gaps.min())
    said = several(levels, "SpacingBetweenSlices") or several(levels, "SliceThickness")
    return abs(said[0]) if said and said[0] else 1.0


def _decoded(path: Path, count: int) -> np.ndarray:
    """Stored values, shape (frame, row, column)."""
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stored = np.asarray(pydicom.dcmread(path, force=True).pixel_array)
        except Exception as error:  # decoders pass on whatever a damaged file makes of them
            raise Refused(f"a segmentation that cannot be decoded ({type(error).__name__})") from None
    return stored.reshape(count, *stored.shape[-2:])


def _inside(header: Any, frame: np.ndarray, segment: int) -> np.ndarray:
    kind = text(header, "SegmentationType")
    if ANALYSIS_MASK.search(text(header, "SeriesDescription")):
        return np.asarray(frame == 0)
    if is_label_map(header):
        return np.asarray(frame == segment)
    if kind == "FRACTIONAL":
        return np.asarray(frame >= INSIDE * (number(header, "MaximumFractionalValue") or 1.0))
    return np.asarray(frame != 0)


def is_label_map(header: Any) -> bool:
    """Whether the values are numbers of segments."""
    return text(header, "SegmentationType") == "LABELMAP" or text(header, "SOPClassUID") == LABEL_MAP
