"""The lesions of a study: out of its segmentations and contours, or of mask files beside it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np

from bench.cohorts.importers.dicom.contours import CONTOURS, read_contours
from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.region import Region
from bench.cohorts.importers.dicom.seg import SEGMENTATIONS, read_segments
from bench.imaging.grid import Grid
from bench.imaging.volume import open_file

NO_MASK = "no mask"
# More segments are no lesions, and more label values no mask.
MAX_REGIONS = 100
TOO_MANY = "more than any exam has lesions"
MARKERS = (*SEGMENTATIONS, CONTOURS)
KINDS = {**dict.fromkeys(SEGMENTATIONS, "DICOM segmentation"), CONTOURS: "DICOM structure set"}


class Lesions(StrEnum):
    """What becomes of several lesions: a case each, or the largest alone."""

    EACH = "each"
    LARGEST = "largest"


@dataclass(frozen=True, eq=False)
class Lesion:
    """A lesion on the image's grid, bool, shape (z, y, x), its voxels' number, and what it was found in."""

    inside: np.ndarray
    voxels: int
    evidence: str


def lesions_of(
    marked: Sequence[tuple[str, str]], grid: Grid, space: str, segment: str, which: Lesions
) -> list[Lesion]:
    """The lesions that files mark, the largest first.

    Parameters
    ----------
    marked
        Path and SOP class of each file; the class is empty for NIfTI and NRRD.
    grid, space
        The image's, and its frame of reference.
    segment
        A regular expression that the name of a segment or contour has to match; all where empty.

    Raises
    ------
    Refused
        There is none, or it is unclear which segments are lesions.
    """
    found = [(region, holds) for path, holds in marked for region in _regions(Path(path), holds, grid)]
    wanted = [entry for entry in found if re.search(segment, entry[0].name, re.IGNORECASE)]
    if not wanted:
        raise Refused("no segment that --segment names" if found else NO_MASK)
    if not segment:
        _require_one_kind([region for region, _ in wanted])
    if len(wanted) > MAX_REGIONS:
        raise Refused(f"a mask of {len(wanted)} segments, {TOO_MANY}", TOO_MANY)
    kept: list[Lesion] = []
    for region, holds in wanted:
        kept.append(_on_image(region, holds, grid, space))
        kept.sort(key=lambda lesion: -lesion.voxels)
        kept = [lesion for lesion in kept if lesion.voxels]
        kept = kept if which is Lesions.EACH else kept[:1]
    if not kept:
        raise Refused("a mask without a voxel on the image")
    return kept


def _regions(path: Path, holds: str, grid: Grid) -> Iterator[Region]:
    if holds in SEGMENTATIONS:
        yield from read_segments(path)
    elif holds == CONTOURS:
        yield from read_contours(path, grid)
    else:
        yield from _labelled(path)


def _labelled(path: Path) -> Iterator[Region]:
    """A region for each value above 0 of a NIfTI or NRRD file."""
    file = open_file(path.name, "mask", path)
    voxels = file.whole()
    values = np.unique(voxels[voxels > 0])
    if (values != np.rint(values)).any():
        yield Region("", file.grid, lambda: voxels >= values[-1] / 2)
        return
    for value in values[: MAX_REGIONS + 1]:
        yield Region(f"label {value:g}", file.grid, partial(np.equal, voxels, value))


def _require_one_kind(regions: Sequence[Region]) -> None:
    """Refuse segments that differ by more than a number, as a breast and a lesion do."""
    kinds = {re.sub(r"[\W\d_]+", "", region.name.lower()) for region in regions}
    if len(kinds) > 1:
        raise Refused(
            f"segments of {len(kinds)} names; say which is the lesion with --segment 'REGULAR EXPRESSION'",
            "segments of several names",
        )


def _on_image(region: Region, holds: str, grid: Grid, space: str) -> Lesion:
    if region.space and space and region.space != space:
        raise Refused("a mask in another frame of reference than the image")
    inside = region.on(grid)
    count = int(inside.sum())
    return Lesion(inside, count, f"{KINDS.get(holds, 'mask file')}, {count} voxels")
