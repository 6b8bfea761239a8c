"""Signed distance to the lesion's boundary."""

import numpy as np
from scipy import ndimage


def signed_distance(lesion: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """Distance of each voxel's centre to the lesion's boundary in mm, negative inside.

    The boundary runs half-way between a voxel inside and its nearest voxel outside, so half a voxel is taken
    off the exact Euclidean distance between the centres: half the norm of spacing x unit vector, element by
    element, for anisotropic voxels (a face between slices 12 mm apart is 6 mm from either centre). For
    rasterised spheres of 5 to 14 mm the error has a mean of -0.2 mm, and an RMS of 0.3 mm at 1-1.5 mm
    spacing, 0.5 mm at 3 mm slices and 0.9 mm at 6 mm slices.

    Parameters
    ----------
    lesion
        Bool, shape (z, y, x), with at least one voxel of the lesion and an outermost layer that is not.
    spacing_mm
        Voxel edges along z, y, x, shape (3,).

    Returns
    -------
    numpy.ndarray
        float32, shape (z, y, x), mm.
    """
    distance = _to_other_side(~lesion, spacing_mm)
    # Inside, the nearest voxel outside lies at most one voxel beyond the lesion's bounding box.
    (box,) = ndimage.find_objects(lesion.astype(np.uint8))
    box = tuple(slice(edge.start - 1, edge.stop + 1) for edge in box)
    distance[box] -= _to_other_side(lesion[box], spacing_mm)
    return distance


def _to_other_side(side: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """Distance to the boundary for the voxels of ``side``, 0 for the others, float32, same shape."""
    nearest = ndimage.distance_transform_edt(
        side, sampling=spacing_mm, return_distances=False, return_indices=True
    )
    squared = np.zeros(side.shape, np.float32)
    hop = np.zeros(side.shape, np.float32)
    for axis, spacing in enumerate(spacing_mm):
        places = np.arange(side.shape[axis]).reshape([-1 if a == axis else 1 for a in range(3)])
        step = ((nearest[axis] - places) * spacing).astype(np.float32) ** 2
        squared += step
        hop += step * np.float32(spacing**2)
    centres = np.sqrt(squared)
    half = np.divide(np.sqrt(hop), 2 * centres, out=np.zeros_like(centres), where=centres > 0)
    return np.asarray(centres - half)
