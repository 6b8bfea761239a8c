"""Image and mask files: their geometry, their voxels, and what may be wrong with them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
RESAMPLE_IMAGE = "sitk.Resample({name}, image, sitk.Transform(), sitk.sitkLinear)"
MASK = "mask"
# Kinds of violation that are found here.
NOT_FINITE, DIFFERENT, SPACING = "non-finite voxels", "different grids", "absurd spacing"
# What to do about a violation, by the role of the file.
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
    """One case's images and mask on the same grid, as SimpleITK images with their geometry (mm, LPS).

    Parameters
    ----------
    case_id
        Whose they are.
    image
        One phase, as its file has it: of several images the first.
    mask
        1 in the lesion and 0 elsewhere, uint8, whatever values its file has.
    files
        The further images by name; their voxels are read when they are asked for.
    first
        Name of the first image.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> volume = cohort.volume(cohort.case_ids[0])
    >>> image, mask = volume.array("image"), volume.array("mask")
    >>> image.dtype, image.shape == mask.shape, sorted(set(mask.ravel().tolist()))
    (dtype('float32'), True, [0.0, 1.0])
    >>> len(volume.spacing_mm)  # along z, y, x
    3
    """

    case_id: str
    image: sitk.Image
    mask: sitk.Image
    files: Mapping[str, "VolumeFile"] = field(default_factory=dict, repr=False)
    first: str = "image"

    def array(self, role: str) -> np.ndarray:
        """Voxels of an image or the mask, float32, shape (z, y, x).

        Parameters
        ----------
        role
            ``image`` (of several the first), ``mask``, or the name of an image.

        Raises
        ------
        ValueError
            The case has no such image.
        ImageError
            The file of a further image is cut short or damaged.
        """
        if role in self.files:
            return self.files[role].whole().astype(np.float32)
        if role not in ("image", MASK, self.first):
            named = "".join(f", {name!r}" for name in self.files)
            raise ValueError(f"a volume has an 'image' and a 'mask'{named}, got {role!r}")
        chosen = self.mask if role == MASK else self.image
        return sitk.GetArrayFromImage(chosen).astype(np.float32)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxels in mm along z, y and x, the axes of :meth:`array`."""
        x, y, z = self.image.GetSpacing()
        return z, y, x


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
    """Read the header of a case's file; ``role`` is ``image``, ``mask`` or the name of a further image.

    Raises ImageError where the file is missing, unreadable or not one 3D volume with one value a voxel, and
    where its voxels are too small to be of an MRI.
    """
    place = _place(case_id, role, path)
    if not path.is_file():
        raise ImageError(f"{place} does not exist; correct its path in cases.csv or leave the case out")
    opened = _attempt(case_id, role, path, lambda: _open(path))
    if opened.grid.spacing.min() < SPACING_MM[0]:
        raise ImageError(spacing_message(place, opened.grid.spacing), SPACING)
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


def spacing_message(place: str, spacing: np.ndarray) -> str:
    """What is wrong with voxels outside ``SPACING_MM``, and the remedy."""
    return (
        f"{place} has voxels of {_text(spacing)} mm, expected {SPACING_MM[0]:g} to {SPACING_MM[1]:g} mm; "
        "if its header is in another unit, set the spacing in mm (image.SetSpacing), the mask's too"
    )


def check_same_grid(image: VolumeFile, other: VolumeFile) -> None:
    """Raise ImageError unless two files of a case have the same size and their voxels the same places.

    ``other`` is the mask, or a further image: neither is resampled onto the grid of the image.
    """
    a, b = image.grid, other.grid
    call = RESAMPLE if other.role == MASK else RESAMPLE_IMAGE.format(name=other.role)
    whose = "its image" if other.role == MASK else "its first image"
    remedy = f"resample the {other.role} onto {whose}'s grid ({call}), or correct its header"
    if (a.size != b.size).any():
        raise ImageError(
            f"{other} has size {_text(b.size)}, expected {whose}'s {_text(a.size)} (x, y, z); {remedy}",
            DIFFERENT,
        )
    apart = np.linalg.norm(a.corners() - b.corners(), axis=1).max()
    if apart > GRID_TOLERANCE * a.spacing.min():
        raise ImageError(
            f"{other} lies elsewhere than {whose}: corners up to {apart:.2f} mm apart (spacing "
            f"{_text(b.spacing)} and {_text(a.spacing)} mm, origin {_text(b.origin)} and {_text(a.origin)}); "
            f"{remedy}",
            DIFFERENT,
        )


def read_volume(
    case_id: str,
    image_path: Path,
    mask_path: Path,
    lesion_label: Sequence[float] = (),
    others: Mapping[str, Path] | None = None,
    first: str = "image",
) -> Volume:
    """Image and mask of one case, whole, and its further images.

    Parameters
    ----------
    lesion_label
        The mask's values that are the lesion.
    others
        Paths of the further images by name.
    first
        Name of the image.

    Raises
    ------
    ImageError
        A file is missing, unreadable, not one 3D volume or not finite, two lie on different grids, or the
        mask does not say which voxels are the lesion. The message names the case.
    """
    image = open_file(case_id, "image", image_path)
    mask = open_file(case_id, MASK, mask_path)
    check_same_grid(image, mask)
    files = {name: open_file(case_id, name, path) for name, path in (others or {}).items()}
    for other in files.values():
        check_same_grid(image, other)
    lesion = mask.lesion(lesion_label)
    marked = np.zeros(mask.grid.size[::-1], np.uint8)
    marked[tuple(slice(a, b + 1) for a, b in zip(lesion.first, lesion.last, strict=True))] = lesion.inside
    whole = as_image(image.whole(), image.grid)
    return Volume(case_id, whole, as_image(marked, mask.grid), files, first)


def as_image(voxels: np.ndarray, grid: Grid) -> sitk.Image:
    """Voxels, shape (z, y, x), as an image with the geometry of a grid."""
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    return image


def _attempt(case_id: str, role: str, path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except ImageError as error:
        kind = role if role == MASK else "image"
        remedy = REMEDIES.get((error.kind, kind), "").format(name=path.name)
        said = f"{_place(case_id, role, path)} {error}{'; ' if remedy else ''}{remedy}"
        raise ImageError(said, error.kind) from error


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
