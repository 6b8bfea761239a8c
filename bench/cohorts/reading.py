"""Reading one case's image and mask whole, to find what is wrong with them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from bench.cohorts.fault import Fault, Tell
from bench.errors import CohortError
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop
from bench.imaging.nifti import ends_early
from bench.imaging.volume import (
    SPACING_MM,
    VolumeFile,
    check_same_grid,
    lesion_box,
    lesion_voxels,
    open_file,
    spacing_fault,
)

# A piece of the mask is another lesion from this share of the marked voxels on; less is a speck ...
PIECE_SHARE = 0.05
# ... which matters where it moves the crop's centre by more than this.
SHIFT_MM = 5.0
NAMED = 5
NOT_FINITE = "non-finite voxels"

T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """What reading a case's two files showed: its faults, and hashes of their voxels, empty where unread."""

    faults: tuple[Fault, ...]
    image_hash: str = ""
    mask_hash: str = ""


def read_case(case_id: str, image_path: Path, mask_path: Path) -> Reading:
    """Read image and mask of a case whole and find what is wrong with them.

    An error is what keeps the default crop from being cut; what only may mislead is a warning.
    """
    faults: list[Fault] = []
    image = _open(faults.append, case_id, "image", image_path)
    mask = _open(faults.append, case_id, "mask", mask_path)
    labels = _voxels(faults.append, mask) if mask else None
    if mask and labels is not None:
        _check_lesion(faults.append, mask, labels)
    if not image:
        return Reading(tuple(faults))
    _check_spacing(faults.append, image)
    if mask:
        _attempt(faults.append, image, "different grids", lambda: check_same_grid(image, mask))
    unread: list[Fault] = []
    values = _voxels(unread.append, image)
    if mask and not any(fault.severity == "error" for fault in faults):
        unread = _crop_faults(image, mask, unread)
    return Reading((*faults, *unread), _hash(values), _hash(labels))


def _open(tell: Tell, case_id: str, role: str, path: Path) -> VolumeFile | None:
    try:
        return open_file(case_id, role, path)
    except CohortError as error:
        rule, remedy = _why_unread(path)
        tell(Fault(rule, f"{error}{remedy}", case_id))
        return None


def _voxels(tell: Tell, file: VolumeFile) -> np.ndarray | None:
    """All voxels, shape (z, y, x), or None where they cannot be read or are not finite."""
    try:
        return file.voxels(np.zeros(3, int), file.grid.size)
    except CohortError as error:
        rule, remedy = _why_unread(file.path)
        tell(Fault(rule, f"{error}{remedy}", file.case_id))
        return None


def _why_unread(path: Path) -> tuple[str, str]:
    """Rule and further remedy for a file that was refused."""
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError:
        return "unreadable file", ""
    values = image.GetNumberOfComponentsPerPixel()
    if min(image.GetSpacing()) < SPACING_MM[0]:
        return "absurd spacing", ""
    if ends_early(path):
        return "unreadable file", ""
    if image.GetDimension() == 3 and values == 1:
        return NOT_FINITE, ""
    if image.GetDimension() < 3:
        return "2D image", ""
    pick = "sitk.VectorIndexSelectionCast(image, 1)" if values > 1 else "image[:, :, :, 1]"
    return "4D image", (
        ": the same phase for every case, such as the first after contrast agent (1 where 0 is before it): "
        f"image = sitk.ReadImage({path.name!r}); sitk.WriteImage({pick}, 'phase_1.nii.gz')"
    )


def _attempt(tell: Tell, file: VolumeFile, rule: str, check: Callable[[], T]) -> T | None:
    """What ``check`` returns, or None where it raised a CohortError, which is told."""
    try:
        return check()
    except CohortError as error:
        tell(Fault(rule, str(error), file.case_id))
        return None


def _check_spacing(tell: Tell, image: VolumeFile) -> None:
    if image.grid.spacing.max() > SPACING_MM[1]:
        tell(Fault("absurd spacing", spacing_fault(str(image), image.grid.spacing), image.case_id, "warning"))


def _check_lesion(tell: Tell, mask: VolumeFile, labels: np.ndarray) -> None:
    """Tell what is wrong with the lesion that a mask marks; ``labels`` has shape (z, y, x)."""
    box = _attempt(tell, mask, "empty mask", lambda: lesion_box(mask, lesion_voxels(labels)))
    if box is None:
        return
    first, last = box
    edges = [
        axis for axis, a, b, n in zip("zyx", first, last, labels.shape, strict=True) if a == 0 or b == n - 1
    ]
    if edges:
        detail = (
            f"{mask} touches the image's end along {', '.join(edges)}: the lesion may be cut off there; use "
            "an image with tissue round the lesion (the crop is padded where the image ends)"
        )
        tell(Fault("lesion at the border", detail, mask.case_id, "warning"))
    inside = labels[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
    _check_values(tell, mask, inside)
    _check_pieces(tell, mask, inside != 0)


def _check_values(tell: Tell, mask: VolumeFile, inside: np.ndarray) -> None:
    values = np.unique(inside[inside != 0])
    if len(values) > 1:
        named = ", ".join(f"{value:g}" for value in values[:NAMED]) + (", ..." if len(values) > NAMED else "")
        whole = bool((values == np.rint(values)).all())
        chosen = f"== {values[0]:g}" if whole else f">= {values[-1] / 2:g}"
        detail = (
            f"{mask} has {len(values)} label values ({named}), and all but 0 are read as lesion; to choose "
            f"{'one' if whole else 'from where on'}: "
            f"sitk.WriteImage(sitk.ReadImage({mask.path.name!r}) {chosen}, 'lesion.nii.gz')"
        )
        tell(Fault("several label values", detail, mask.case_id, "warning"))


def _check_pieces(tell: Tell, mask: VolumeFile, lesion: np.ndarray) -> None:
    """Tell of several lesions, or of specks that move the crop; ``lesion`` is the content of the box."""
    pieces, count = ndimage.label(lesion, np.ones((3, 3, 3)))
    if count == 1:
        return
    sizes = np.sort(np.bincount(pieces.ravel())[1:])[::-1]
    lesions = int((sizes >= PIECE_SHARE * sizes.sum()).sum())
    shift = _shift_mm(pieces, mask.grid.spacing[::-1])
    if lesions > 1:
        named = ", ".join(map(str, sizes[: min(lesions, NAMED)]))
        rule, what = "several lesions", f"marks {lesions} lesions ({named} voxels)"
    elif shift > SHIFT_MM:
        rule, what = "stray voxels", f"has {count - 1} specks apart from the lesion"
    else:
        return
    detail = (
        f"{mask} {what}; the crop is centred on the box round all of them, {shift:.0f} mm from the largest; "
        "give each lesion a mask and a line of its own under one patient_id, or keep the largest: "
        f"sitk.RelabelComponent(sitk.ConnectedComponent(sitk.ReadImage({mask.path.name!r}) != 0)) == 1"
    )
    tell(Fault(rule, detail, mask.case_id, "warning"))


def _shift_mm(pieces: np.ndarray, spacing_mm: np.ndarray) -> float:
    """Distance between the centre of the box of all pieces, which is the array's, and the largest's."""
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    box = ndimage.find_objects(pieces)[largest - 1]
    centre = np.array([(edge.start + edge.stop) / 2 for edge in box])
    return float(np.linalg.norm((centre - np.array(pieces.shape) / 2) * spacing_mm))


def _crop_faults(image: VolumeFile, mask: VolumeFile, unread: list[Fault]) -> list[Fault]:
    """What keeps the crop from being cut; voxels that are not finite beyond the crop become a warning."""
    refused: list[Fault] = []
    crop = _attempt(
        refused.append,
        image,
        "constant image",
        lambda: cut_crop(image.case_id, image.path, mask.path, Crop()),
    )
    if crop is None:
        return unread or refused
    beyond = "; the crop round the lesion is sound, but methods that read whole volumes refuse the case"
    return [
        replace(its, detail=its.detail + beyond, severity="warning") if its.rule == NOT_FINITE else its
        for its in unread
    ]


def _hash(voxels: np.ndarray | None) -> str:
    """Hash of the voxel values, whatever their file's format, compression and number type."""
    if voxels is None:
        return ""
    digest = hashlib.sha256(str(voxels.shape).encode())
    digest.update(np.ascontiguousarray(voxels, dtype=np.float32).data)
    return digest.hexdigest()
