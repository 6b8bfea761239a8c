"""In which breast a lesion lies, and that breast cut out of a volume that shows both."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from bench.cohorts.importers.dicom.image import Image
from bench.imaging.grid import Grid

# An image from here on, from side to side, shows both breasts.
BOTH_BREASTS_MM = 240
# What stays round a lesion that lies at the middle or beyond it: more than the peritumoural region.
MARGIN_MM = 20.0


@dataclass(frozen=True)
class Cut:
    """The block of a volume that is kept: first voxel and size along x, y, z; and what was done, in words."""

    first: tuple[int, ...]
    size: tuple[int, ...]
    evidence: str

    def of(self, image: sitk.Image) -> sitk.Image:
        """The block of an image, each voxel at the place where it was."""
        block: sitk.Image = sitk.RegionOfInterest(image, list(self.size), list(self.first))
        return block


def side_of(inside: np.ndarray, grid: Grid, image: Image) -> str:
    """The breast in which a lesion lies, L or R: as the header says, else by its place.

    Its place counts from the middle of an image that shows both breasts, else from the scanner's middle.
    """
    if image.laterality in ("L", "R"):
        return image.laterality
    centre = np.array([axis.mean() for axis in np.nonzero(inside)])[::-1]
    corners = grid.corners()[:, 0]
    middle = corners.mean() if np.ptp(corners) >= BOTH_BREASTS_MM else 0.0
    return "L" if grid.points(centre[None])[0, 0] > middle else "R"


def cut_to_side(inside: np.ndarray, grid: Grid) -> Cut:
    """The half of a volume of both breasts in which the lesion lies; the whole of one that shows one breast.

    The cut goes through the middle, across the axis of the array that runs nearest to left and right. No
    voxel is resampled. A lesion that reaches the middle moves the cut beyond it, with a margin.

    Parameters
    ----------
    inside
        The lesion, bool, shape (z, y, x).
    """
    size, wide = grid.size.astype(int), float(np.ptp(grid.corners()[:, 0]))
    if wide < BOTH_BREASTS_MM:
        return Cut((0, 0, 0), tuple(size.tolist()), f"not cut: {wide:.0f} mm wide, which is one breast")
    axis = int(np.abs(grid.direction[0]).argmax())
    marked = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != 2 - axis)))
    length, margin = int(size[axis]), int(np.ceil(MARGIN_MM / grid.spacing[axis]))
    low = marked.mean() < (length - 1) / 2
    first, stop = (0, (length + 1) // 2) if low else (length // 2, length)
    first = max(min(first, int(marked[0]) - margin), 0)
    stop = min(max(stop, int(marked[-1]) + 1 + margin), length)
    side = "left" if bool(low) == bool(grid.direction[0, axis] < 0) else "right"
    start, kept = np.zeros(3, int), size.copy()
    start[axis], kept[axis] = first, stop - first
    said = f"cut to the {side} half: voxels {first} to {stop - 1} of {length} along {'xyz'[axis]}"
    return Cut(tuple(start.tolist()), tuple(kept.tolist()), said)
