"""Where voxels lie in the patient."""

from dataclasses import dataclass

import numpy as np

# Voxel edges of clinical MRI, with room; far below the first, a crop would not fit in memory.
SPACING_MM = (0.1, 20.0)
# Cosine between axes, and error of their length, that rounding of written numbers explains.
RIGHT_ANGLE = 1e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels lie in the patient: ITK's convention, order x, y, z, millimetres, LPS.

    ``size``, ``spacing`` and ``origin`` have shape (3,); ``direction`` has shape (3, 3), a column an axis of
    the array.
    """

    size: np.ndarray
    spacing: np.ndarray
    origin: np.ndarray
    direction: np.ndarray

    def points(self, indices: np.ndarray) -> np.ndarray:
        """Positions in mm, shape (point, 3), of voxel indices (x, y, z), shape (point, 3)."""
        return np.asarray(self.origin + turned(indices * self.spacing, self.direction))

    def indices(self, points: np.ndarray) -> np.ndarray:
        """Fractional voxel indices (x, y, z), shape (point, 3), of positions in mm, shape (point, 3)."""
        return np.asarray(turned(points - self.origin, inverse(self.direction)) / self.spacing)

    def corners(self) -> np.ndarray:
        """Positions in mm of the centres of the eight corner voxels, shape (8, 3)."""
        return self.points(np.array(list(np.ndindex(2, 2, 2))) * (self.size - 1))

    def is_straight(self) -> bool:
        """Whether the axes are at right angles and of unit length."""
        products = turned(self.direction.T, self.direction.T)
        return bool(np.abs(products - np.eye(3)).max() <= RIGHT_ANGLE)


def turned(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """``matrix @ vector`` of each row of ``vectors``, shape (vector, 3).

    Written out, as the last bit of a BLAS product depends on the processor and with it whether a voxel lies
    at an image's very end.
    """
    x, y, z = (vectors[:, axis, None] * matrix[:, axis] for axis in range(3))
    return np.asarray(x + y + z)


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a matrix of shape (3, 3), by cross products: the same bits on every processor."""
    a, b, c = matrix
    crossed = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)])
    return np.asarray(crossed.T / (a * crossed[0]).sum())
