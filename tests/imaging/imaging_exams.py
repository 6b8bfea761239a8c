"""Synthetic exams whose anatomy is a function of the place in the patient, whatever grid it is sampled on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from bench.cohorts.cohort import Cohort
from bench.task import Task

OBLIQUE = Rotation.from_euler("zyx", [25, -15, 10], degrees=True).as_matrix()


def anatomy(points: np.ndarray) -> np.ndarray:
    """Smooth intensities at places (point, 3) in mm, x, y, z, with no symmetry between the axes."""
    x, y, z = points.T
    return 400 + 120 * np.sin(x / 7 + 0.3) + 90 * np.cos(y / 9 + z / 11) + 2.5 * z + 1.5 * y


@dataclass(frozen=True)
class Exam:
    """Image and mask of a spherical lesion, on a grid centred on ``middle``."""

    radius: float = 9.0
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    size: tuple[int, int, int] = (72, 72, 72)
    middle: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: np.ndarray | None = None
    values: Callable[[np.ndarray], np.ndarray] = anatomy

    def grid(self) -> sitk.Image:
        """An empty image with the exam's geometry."""
        direction = np.eye(3) if self.direction is None else self.direction
        image = sitk.Image(list(self.size), sitk.sitkFloat32)
        half = (np.array(self.size) - 1) / 2 * self.spacing
        image.SetOrigin((np.array(self.middle) - direction @ half).tolist())
        image.SetSpacing(self.spacing)
        image.SetDirection(direction.ravel().tolist())
        return image

    def points(self) -> np.ndarray:
        """Places of the voxels in mm, (voxel, 3), in the order of the array (z, y, x)."""
        grid = self.grid()
        index = np.indices(self.size[::-1]).reshape(3, -1).T[:, ::-1]
        direction = np.array(grid.GetDirection()).reshape(3, 3)
        return np.array(grid.GetOrigin()) + (index * self.spacing) @ direction.T

    def volumes(self) -> tuple[sitk.Image, sitk.Image]:
        """Image (int16) and mask (uint8)."""
        points, shape = self.points(), self.size[::-1]
        lesion = np.linalg.norm(points - self.centre, axis=1) <= self.radius
        arrays = self.values(points).round().astype(np.int16), lesion.astype(np.uint8)
        volumes = [sitk.GetImageFromArray(array.reshape(shape)) for array in arrays]
        for volume in volumes:
            volume.CopyInformation(self.grid())
        return volumes[0], volumes[1]

    def write(self, folder: Path, name: str = "exam", suffix: str = ".nii.gz") -> tuple[Path, Path]:
        """Write both; returns their paths."""
        paths = folder / f"{name}_image{suffix}", folder / f"{name}_mask{suffix}"
        for path, volume in zip(paths, self.volumes(), strict=True):
            sitk.WriteImage(volume, str(path), useCompression=True)
        return paths


def make_cohort(folder: Path, names: list[str], files: list[tuple[str, str]]) -> Cohort:
    """A cohort of one task of the files of a folder."""
    index = pd.Index(names, name="case_id")
    table = pd.DataFrame({"patient_id": names, "site": "a", "group": "internal", "er": 1.0}, index=index)
    return Cohort(
        name="spheres",
        tasks=(Task("er", "binary"),),
        table=table,
        files=pd.DataFrame(files, columns=["image", "mask"], index=index),
        folder=folder,
        fingerprint=f"{abs(hash(folder)):016x}" * 4,
        synthetic=True,
    )
