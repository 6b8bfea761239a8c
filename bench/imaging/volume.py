"""Image and mask files: their geometry, their voxels, and what may be wrong with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import SimpleITK as sitk

from bench.errors import ImageError
from bench.imaging.detached import PAIR, other_half
from bench.imaging.file_kind import kind_of
from bench.imaging.grid import SPACING_MM, Grid
from bench.imaging.itk_header import open_text
from bench.imaging.lesion import Lesion, find_lesion
from bench.imaging.nifti import open_nifti
from bench.imaging.voxel_data import Opened, VoxelData

# Corners of image and mask may lie this share of a voxel apart: NIfTI stores its geometry in float32.
GRID_TOLERANCE = 0.1
RESAMPLE = "sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor)"
# Rules of faults that are found here.
NOT_FINITE, DIFFERENT, SPACING = "non-finite voxels", "different grids", "absurd spacing"
# What to do about a rule, by the role of the file.
REMEDIES = {
    ("4D image", "image"): (
        "save the one phase to be read as a 3D volume: the same phase for every case, such as the first "
        "after contrast agent (1 where 0 is before it): image = sitk.ReadImage({name!r}); "
        "sitk.WriteImage(image[:, :, :, 1], 'phase_1.nii.gz')"
    ),
    ("4D image", "mask"): (
        "save the 3D mask that marks the lesion: mask = sitk.ReadImage({name!r}); "
        "sitk.WriteImage(mask[:, :, :, 0], 'lesion.nii.gz')"
    ),
    ("5D image", "image"): (
        "save the one volume to be read: image = sitk.ReadImage({name!r}); "
        "sitk.WriteImage(image[:, :, :, 0, 1], 'phase_1.nii.gz')"
    ),
    ("5D image", "mask"): (
        "save the 3D mask that marks the lesion: mask = sitk.ReadImage({name!r}); "
        "sitk.WriteImage(mask[:, :, :, 0, 0], 'lesion.nii.gz')"
    ),
    ("colour or vector image", "image"): (
        "save one value a voxel; if the values are phases, the same phase for every case: image = "
        "sitk.ReadImage({name!r}); sitk.WriteImage(sitk.VectorIndexSelectionCast(image, 1), 'phase_1.nii.gz')"
    ),
    ("colour or vector image", "mask"): (
        "save the channel that marks the lesion: mask = sitk.ReadImage({name!r}); "
        "sitk.WriteImage(sitk.VectorIndexSelectionCast(mask, 0) != 0, 'lesion.nii.gz')"
    ),
    ("complex voxels", "image"): (
        "save their magnitude: image = sitk.ReadImage({name!r}); "
        "sitk.WriteImage(sitk.ComplexToModulus(image), 'image.nii.gz')"
    ),
    ("complex voxels", "mask"): "save the lesion as 0 and 1",
}

T = TypeVar("T")


@dataclass(frozen=True)
class Volume:
    """One case's image and mask on the same grid, as SimpleITK images with their geometry (mm, LPS).

    ``mask`` is 1 in the lesion and 0 elsewhere, uint8, whatever values its file has.
    """

    case_id: str
    image: sitk.Image
    mask: sitk.Image


@dataclass(frozen=True, eq=False)
class VolumeFile:
    """One file of a case whose header was read and found to be of one 3D volume.

    ``notes`` are what of its header other programs may read otherwise.
    """

    case_id: str
    role: str
    path: Path
    grid: Grid
    data: VoxelData
    notes: tuple[str, ...] = ()

    def whole(self) -> np.ndarray:
        """All voxels, shape (z, y, x); errors as :meth:`voxels`."""
        return self.voxels(np.zeros(3, int), self.grid.size)

    def voxels(self, lower: np.ndarray, size: np.ndarray) -> np.ndarray:
        """The block of ``size`` from index ``lower`` (x, y, z) on, shape (z, y, x).

        Raises ImageError where the file is cut short or damaged, or the block is not finite. Packed files are
        read to their end, as their checksum stands there; of others only the slices that the block needs.
        """
        voxels = self.attempt(lambda: self.data.read(lower, size))
        _require_finite(self, voxels)
        return voxels

    def lesion(self, labels: Sequence[float] = ()) -> Lesion:
        """The lesion that this mask marks; errors as :meth:`voxels` and :func:`find_lesion`."""
        voxels = self.whole()
        return self.attempt(lambda: find_lesion(voxels, labels, self.path.name))

    def attempt(self, read: Callable[[], T]) -> T:
        """What ``read`` returns; an ImageError names the case, its file and the remedy for its role."""
        return _attempt(self.case_id, self.role, self.path, read)

    def __str__(self) -> str:
        return _place(self.case_id, self.role, self.path)


def open_file(case_id: str, role: str, path: Path) -> VolumeFile:
    """Read the header of a case's file; ``role`` is ``image`` or ``mask``.

    Raises ImageError where the file is missing, unreadable or not one 3D volume with one value a voxel, and
    where its voxels are too small to be of an MRI.
    """
    place = _place(case_id, role, path)
    if not path.is_file():
        raise ImageError(f"{place} does not exist; correct its path in cases.csv or leave the case out")
    opened = _attempt(case_id, role, path, lambda: _open(path))
    if opened.grid.spacing.min() < SPACING_MM[0]:
        raise ImageError(spacing_fault(place, opened.grid.spacing), SPACING)
    return VolumeFile(case_id, role, path, opened.grid, opened.data, opened.notes)


def _open(path: Path) -> Opened:
    """The header of a file of any of the formats, whatever its name says of compression."""
    header, image = path, None
    if PAIR.search(path.name):
        image = other_half(path)
        if path.name.lower().endswith((".img", ".img.gz")):
            if image is None:
                raise ImageError(
                    "has no .hdr beside it, which says what it holds; copy it too", "missing file"
                )
            header, image = image, path
    return open_nifti(header, image) if kind_of(header) == "NIfTI" else open_text(path)


def spacing_fault(place: str, spacing: np.ndarray) -> str:
    """What is wrong with voxels outside ``SPACING_MM``, and the remedy."""
    return (
        f"{place} has voxels of {_text(spacing)} mm, expected {SPACING_MM[0]:g} to {SPACING_MM[1]:g} mm; "
        "if its header is in another unit, set the spacing in mm (image.SetSpacing), the mask's too"
    )


def check_same_grid(image: VolumeFile, mask: VolumeFile) -> None:
    """Raise ImageError unless image and mask have the same size and their voxels the same places."""
    a, b = image.grid, mask.grid
    remedy = f"resample the mask onto the image's grid ({RESAMPLE}), or correct its header"
    if (a.size != b.size).any():
        raise ImageError(
            f"{mask} has size {_text(b.size)}, expected its image's {_text(a.size)} (x, y, z); {remedy}",
            DIFFERENT,
        )
    apart = np.linalg.norm(a.corners() - b.corners(), axis=1).max()
    if apart > GRID_TOLERANCE * a.spacing.min():
        raise ImageError(
            f"{mask} lies elsewhere than its image: corners up to {apart:.2f} mm apart (spacing "
            f"{_text(b.spacing)} and {_text(a.spacing)} mm, origin {_text(b.origin)} and {_text(a.origin)}); "
            f"{remedy}",
            DIFFERENT,
        )


def read_volume(
    case_id: str, image_path: Path, mask_path: Path, lesion_label: Sequence[float] = ()
) -> Volume:
    """Image and mask of one case, whole; ``lesion_label`` are the mask's values that are the lesion.

    Raises ImageError, naming the case, where a file is missing, unreadable, not one 3D volume or not finite,
    where the two lie on different grids, and where the mask does not say which voxels are the lesion.
    """
    image = open_file(case_id, "image", image_path)
    mask = open_file(case_id, "mask", mask_path)
    check_same_grid(image, mask)
    lesion = mask.lesion(lesion_label)
    marked = np.zeros(mask.grid.size[::-1], np.uint8)
    marked[tuple(slice(a, b + 1) for a, b in zip(lesion.first, lesion.last, strict=True))] = lesion.inside
    return Volume(case_id, _as_image(image.whole(), image.grid), _as_image(marked, mask.grid))


def _as_image(voxels: np.ndarray, grid: Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    return image


def _attempt(case_id: str, role: str, path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except ImageError as error:
        remedy = REMEDIES.get((error.rule, role), "").format(name=path.name)
        said = f"{_place(case_id, role, path)} {error}{'; ' if remedy else ''}{remedy}"
        raise ImageError(said, error.rule) from error


def _require_finite(file: VolumeFile, voxels: np.ndarray) -> None:
    """Raise ImageError for voxels that are not finite, or too large for the single precision of crops."""
    if not np.issubdtype(voxels.dtype, np.floating):
        return
    with np.errstate(over="ignore"):
        finite = np.isfinite(voxels.astype(np.float32, copy=False))
    if not finite.all():
        raise ImageError(
            f"{file} has {int((~finite).sum())} voxels that are NaN or infinite (or beyond 3e38), expected "
            "finite values; fill them or leave the case out of cases.csv",
            NOT_FINITE,
        )


def _place(case_id: str, role: str, path: Path) -> str:
    return f"case {case_id!r}: {role} {path}"


def _text(values: Sequence[float] | np.ndarray) -> str:
    return "x".join(f"{value:.4g}" for value in values)
