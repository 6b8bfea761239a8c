"""From a crop's grid back onto the image that it was cut from, and into a file that viewers lay over it."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk

from bench.imaging.crop import Crop
from bench.imaging.cut import crop_grid, resample_block
from bench.imaging.grid import Grid
from bench.imaging.volume import open_file


def grids_of_case(
    case_id: str, mask_path: Path, crop: Crop, lesion_label: Sequence[float] = ()
) -> tuple[Grid, Grid]:
    """The grid of a case's files and that of its crop, both in the patient's millimetres.

    Raises
    ------
    CohortError
        As :func:`bench.imaging.cut.cut_case`, of the mask.
    """
    mask = open_file(case_id, "mask", mask_path)
    lesion = mask.lesion(lesion_label)
    return mask.grid, crop_grid(mask.grid, lesion.inside, lesion.first, crop)


def on_grid(values: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """Values of one grid on another, interpolated linearly, float32, shape (z, y, x) of the target.

    Half a voxel beyond the outermost centres of the source, where its voxels end, the value is 0.
    """
    found = resample_block(np.asarray(values, np.float32), source, np.zeros(3, int), target)
    return np.asarray(np.nan_to_num(found, nan=0.0))


def write_nifti(values: np.ndarray, grid: Grid, path: Path) -> None:
    """Write values, shape (z, y, x), as NIfTI where the grid lies: 3D Slicer and ITK lay it over the image.

    Parameters
    ----------
    path
        Its name ends in ``.nii`` or ``.nii.gz``.
    """
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    sitk.WriteImage(image, str(path), useCompression=path.suffix == ".gz")


def nifti_bytes(values: np.ndarray, grid: Grid) -> bytes:
    """The packed file that :func:`write_nifti` writes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "volume.nii.gz"
        write_nifti(values, grid, path)
        return path.read_bytes()
