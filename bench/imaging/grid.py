"""Where voxels lie in the patient."""

from dataclasses import dataclass

import numpy as np


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
        return np.asarray(self.origin + (indices * self.spacing) @ self.direction.T)

    def indices(self, points: np.ndarray) -> np.ndarray:
        """Fractional voxel indices (x, y, z), shape (point, 3), of positions in mm, shape (point, 3)."""
        return np.asarray(np.linalg.solve(self.direction, (points - self.origin).T).T / self.spacing)

    def corners(self) -> np.ndarray:
        """Positions in mm of the centres of the eight corner voxels, shape (8, 3)."""
        return self.points(np.array(list(np.ndindex(2, 2, 2))) * (self.size - 1))
