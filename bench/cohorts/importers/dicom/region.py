"""A region that somebody marked: its voxels on a grid of its own, and the same on the image's grid."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk

from bench.imaging.grid import Grid
from bench.imaging.volume import as_image


@dataclass(frozen=True, eq=False)
class Region:
    """One segment, contour or label.

    ``draw`` gives its voxels on ``grid``, bool, shape (z, y, x), when they are needed: a file may have a
    hundred regions of which one is the lesion. ``name`` is what its author called it and is never written;
    ``space`` is the frame of reference in which it lies, empty where the file does not say.
    """

    name: str = field(repr=False)
    grid: Grid
    draw: Callable[[], np.ndarray] = field(repr=False)
    space: str = ""

    def on(self, grid: Grid) -> np.ndarray:
        """The region on another grid, bool, shape (z, y, x): of each voxel the nearest of the region's."""
        mask = as_image(self.draw().astype(np.uint8), self.grid)
        like = sitk.Image([int(n) for n in grid.size], sitk.sitkUInt8)
        like.SetSpacing(grid.spacing.tolist())
        like.SetOrigin(grid.origin.tolist())
        like.SetDirection(grid.direction.ravel().tolist())
        found = sitk.Resample(mask, like, sitk.Transform(), sitk.sitkNearestNeighbor)
        return np.asarray(sitk.GetArrayFromImage(found) != 0)
