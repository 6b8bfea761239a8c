"""The surrogate of a drawn mask where a case has a box or a point only."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from bench.errors import CohortError, parameter
from bench.imaging.grid import Grid
from bench.imaging.volume import open_file

SPHERE_MM = 10.0
"""Diameter of the sphere that is the mask of a lesion of which only a point is known."""


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid along the axes of an image: centre and half axes in voxels, order x, y, z."""

    centre: np.ndarray
    half: np.ndarray


def ellipsoid_in_box(first: np.ndarray, last: np.ndarray) -> Ellipsoid:
    """The ellipsoid inscribed in the box from the first to the last voxel, both inside, order x, y, z.

    Raises CohortError where a last voxel comes before the first.
    """
    if not (first <= last).all():
        raise CohortError(
            f"its box ends before it begins: {_text(first)} to {_text(last)} (x, y, z); correct it"
        )
    return Ellipsoid((first + last) / 2, (last - first + 1) / 2)


def ellipsoid_in_box_mm(first: np.ndarray, last: np.ndarray, grid: Grid) -> Ellipsoid:
    """The ellipsoid inscribed in the box between two opposite corners in mm (LPS, x, y, z).

    In an oblique image the box is the smallest along the axes of the image that holds all eight corners.
    """
    corners = np.where(np.array(list(np.ndindex(2, 2, 2))), last, first)
    indices = grid.indices(corners)
    low, high = indices.min(axis=0), indices.max(axis=0)
    return Ellipsoid((low + high) / 2, np.maximum((high - low) / 2, 0.5))


def sphere_round(point: np.ndarray, unit: str, grid: Grid) -> Ellipsoid:
    """The sphere of ``SPHERE_MM`` round a point in ``mm`` (LPS) or in ``voxel`` indices, order x, y, z."""
    centre = grid.indices(point[None])[0] if unit == "mm" else point
    return Ellipsoid(centre, SPHERE_MM / 2 / grid.spacing)


def grid_of(case_id: str, image_path: Path) -> Grid:
    """Grid of a case's image; raises CohortError where it cannot be read."""
    return open_file(case_id, "image", image_path).grid


def require_inside(shape: Ellipsoid, grid: Grid) -> None:
    """Raise CohortError unless the centre of the ellipsoid lies in the image."""
    if (shape.centre < -0.5).any() or (shape.centre > grid.size - 0.5).any():
        raise CohortError(
            f"its lesion would be at voxel {_text(shape.centre)}, outside its image of {_text(grid.size)} "
            f"voxels (x, y, z from 0); correct the numbers, their unit ({parameter('point')}) or "
            "their axes (LPS)"
        )


def voxels_in(shape: Ellipsoid, grid: Grid) -> np.ndarray:
    """Voxels inside the ellipsoid, at least the one nearest to its centre, bool, shape (z, y, x)."""
    mask = np.zeros(grid.size[::-1], bool)
    nearest = np.clip(np.rint(shape.centre), 0, grid.size - 1).astype(int)
    mask[tuple(nearest[::-1])] = True
    low = np.clip(np.ceil(shape.centre - shape.half), 0, grid.size).astype(int)
    high = np.clip(np.floor(shape.centre + shape.half) + 1, 0, grid.size).astype(int)
    axes = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    x, y, z = (((axis - c) / h) ** 2 for axis, c, h in zip(axes, shape.centre, shape.half, strict=True))
    inside = z[:, None, None] + y[None, :, None] + x[None, None, :] <= 1
    mask[tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))] |= inside
    return mask


def write_surrogate(shape: Ellipsoid, grid: Grid, path: Path) -> None:
    """Write the voxels inside the ellipsoid as a NIfTI mask."""
    mask = voxels_in(shape, grid).astype(np.uint8)
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path), useCompression=True)


def _text(values: np.ndarray) -> str:
    return "x".join(f"{value:.4g}" for value in values)
