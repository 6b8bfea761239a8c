"""Image and mask files: their geometry, their voxels, and what may be wrong with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from bench.errors import CohortError
from bench.imaging.grid import Grid
from bench.imaging.nifti import NotPlainError, PlainNifti, ends_early, open_plain

# Corners of image and mask may lie this share of a voxel apart: NIfTI stores its geometry in float32.
GRID_TOLERANCE = 0.1
# Voxel edges of clinical MRI, with room; far below the first, a crop would not fit in memory.
SPACING_MM = (0.1, 20.0)


@dataclass(frozen=True)
class Volume:
    """One case's image and mask on the same grid, as SimpleITK images with their geometry (mm, LPS)."""

    case_id: str
    image: sitk.Image
    mask: sitk.Image


@dataclass(frozen=True, eq=False)
class VolumeFile:
    """One file of a case whose header was read and found to be of one 3D volume."""

    case_id: str
    role: str
    path: Path
    grid: Grid
    plain: PlainNifti | None = None

    def image(self) -> sitk.Image:
        """The whole volume; raises CohortError where it cannot be read or is not finite."""
        image: sitk.Image = _attempt(str(self), _reader(self.path).Execute)
        voxels = sitk.GetArrayViewFromImage(image)
        if not voxels[-1].any():
            self._require_whole()
        _require_finite(self, voxels)
        return image

    def voxels(self, lower: np.ndarray, size: np.ndarray) -> np.ndarray:
        """The block of ``size`` from index ``lower`` (x, y, z) on, shape (z, y, x); errors as :meth:`image`.

        Formats that allow it (NIfTI, MetaImage) are read only as far as the block reaches.
        """
        voxels = self._plain_voxels(lower, size)
        if voxels is None:
            self._require_whole()
            reader = _reader(self.path)
            reader.SetExtractIndex(lower.tolist())
            reader.SetExtractSize(size.tolist())
            voxels = sitk.GetArrayFromImage(_attempt(str(self), reader.Execute))
        _require_finite(self, voxels)
        return voxels

    def _plain_voxels(self, lower: np.ndarray, size: np.ndarray) -> np.ndarray | None:
        try:
            return self.plain.read(lower, size) if self.plain else None
        except NotPlainError:
            return None

    def _require_whole(self) -> None:
        if ends_early(self.path):
            raise CohortError(f"{self} ends before its last voxel; copy it again")

    def __str__(self) -> str:
        return _place(self.case_id, self.role, self.path)


def open_file(case_id: str, role: str, path: Path) -> VolumeFile:
    """Read the header of a case's file; ``role`` is ``image`` or ``mask``.

    Raises CohortError where the file is missing, unreadable or not one 3D volume with one value a voxel, and
    where its voxels are too small to be of an MRI.
    """
    place = _place(case_id, role, path)
    if not path.is_file():
        raise CohortError(f"{place} does not exist; correct its path in cases.csv or leave the case out")
    plain: PlainNifti | None
    try:
        plain = open_plain(path)
    except NotPlainError:
        plain = None
    grid = plain.grid if plain else _grid(place, path)
    if grid.spacing.min() < SPACING_MM[0]:
        raise CohortError(spacing_fault(place, grid.spacing))
    return VolumeFile(case_id, role, path, grid, plain)


def spacing_fault(place: str, spacing: np.ndarray) -> str:
    """What is wrong with voxels outside ``SPACING_MM``, and the remedy."""
    return (
        f"{place} has voxels of {_text(spacing)} mm, expected {SPACING_MM[0]:g} to {SPACING_MM[1]:g} mm; "
        "if its header is in another unit, set the spacing in mm (image.SetSpacing), the mask's too"
    )


def check_same_grid(image: VolumeFile, mask: VolumeFile) -> None:
    """Raise CohortError unless image and mask have the same size and their voxels the same places."""
    a, b = image.grid, mask.grid
    remedy = "resample the mask onto the image's grid (nearest neighbour), or correct its header"
    if (a.size != b.size).any():
        raise CohortError(
            f"{mask} has size {_text(b.size)}, expected its image's {_text(a.size)} (x, y, z); {remedy}"
        )
    apart = np.linalg.norm(a.corners() - b.corners(), axis=1).max()
    if apart > GRID_TOLERANCE * a.spacing.min():
        raise CohortError(
            f"{mask} lies elsewhere than its image: corners up to {apart:.2f} mm apart (spacing "
            f"{_text(b.spacing)} and {_text(a.spacing)} mm, origin {_text(b.origin)} and {_text(a.origin)}); "
            f"{remedy}"
        )


def read_volume(case_id: str, image_path: Path, mask_path: Path) -> Volume:
    """Image and mask of one case, whole.

    Raises CohortError, naming the case, where a file is missing, unreadable, not one 3D volume or not
    finite, where the two lie on different grids, and where the mask is empty.
    """
    image = open_file(case_id, "image", image_path)
    mask = open_file(case_id, "mask", mask_path)
    check_same_grid(image, mask)
    labels = mask.image()
    lesion_box(mask, lesion_voxels(sitk.GetArrayViewFromImage(labels)))
    return Volume(case_id, image.image(), labels)


def lesion_voxels(mask: np.ndarray) -> np.ndarray:
    """Where the lesion is, bool, same shape: every label other than 0."""
    # A byte that is not 0 is True already: no pass over the volume and no copy.
    return mask.view(bool) if mask.dtype == np.uint8 else mask != 0


def lesion_box(mask: VolumeFile, lesion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last voxel of the lesion along z, y, x, each of shape (3,); raises CohortError when empty."""
    z = np.flatnonzero(lesion.reshape(len(lesion), -1).any(axis=1))
    if not z.size:
        raise CohortError(
            f"{mask} is empty, expected a lesion of at least one voxel; draw it or leave it out"
        )
    flat = np.logical_or.reduce(lesion[z[0] : z[-1] + 1], axis=0)
    y, x = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    return np.array([z[0], y[0], x[0]]), np.array([z[-1], y[-1], x[-1]])


def _reader(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetNumberOfThreads(1)
    reader.SetFileName(str(path))
    return reader


def _attempt(place: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("sitk::ERROR: ").removeprefix("ITK ERROR: ")
        raise CohortError(f"{place} cannot be read ({reason}); replace it or leave the case out") from error


def _grid(place: str, path: Path) -> Grid:
    reader = _reader(path)
    _attempt(place, reader.ReadImageInformation)
    size, values = reader.GetSize(), reader.GetNumberOfComponents()
    if len(size) != 3 or values != 1:
        raise CohortError(
            f"{place} has size {_text(size)} and {values} value(s) a voxel, expected three dimensions and "
            "one value; save the one phase to be read as a 3D volume"
        )
    direction = np.array(reader.GetDirection()).reshape(3, 3)
    return Grid(np.array(size), np.array(reader.GetSpacing()), np.array(reader.GetOrigin()), direction)


def _require_finite(file: VolumeFile, voxels: np.ndarray) -> None:
    if np.issubdtype(voxels.dtype, np.floating) and not np.isfinite(voxels).all():
        bad = int((~np.isfinite(voxels)).sum())
        raise CohortError(
            f"{file} has {bad} voxels that are NaN or infinite, expected finite values; fill them or leave "
            "the case out of cases.csv"
        )


def _place(case_id: str, role: str, path: Path) -> str:
    return f"case {case_id!r}: {role} {path}"


def _text(values: Sequence[float] | np.ndarray) -> str:
    return "x".join(f"{value:.4g}" for value in values)
