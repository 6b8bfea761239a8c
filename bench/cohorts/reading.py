"""Reading one case's image and mask whole, to find what is wrong with them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy import ndimage

from bench.cohorts.fault import Fault, Tell
from bench.errors import CohortError, ImageError
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_case
from bench.imaging.grid import SPACING_MM
from bench.imaging.lesion import find_lesion
from bench.imaging.volume import NOT_FINITE, VolumeFile, check_same_grid, open_file, spacing_fault

# A piece of the mask is another lesion from this share of the marked voxels on; less is a speck ...
PIECE_SHARE = 0.05
# ... which matters where it moves the crop's centre by more than this.
SHIFT_MM = 5.0
NAMED = 5

T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """What reading a case's two files showed: its faults, and hashes of their voxels, empty where unread."""

    faults: tuple[Fault, ...]
    image_hash: str = ""
    mask_hash: str = ""


def read_case(case_id: str, image_path: Path, mask_path: Path, lesion_label: Sequence[float] = ()) -> Reading:
    """Read image and mask of a case whole and find what is wrong with them.

    An error is what keeps the default crop from being cut; what only may mislead is a warning.
    """
    faults: list[Fault] = []
    image = _attempt(faults.append, case_id, lambda: open_file(case_id, "image", image_path))
    mask = _attempt(faults.append, case_id, lambda: open_file(case_id, "mask", mask_path))
    for file in (image, mask):
        _tell_notes(faults.append, file)
    labels = _attempt(faults.append, case_id, mask.whole) if mask else None
    if mask and labels is not None:
        _check_lesion(faults.append, mask, labels, lesion_label)
    if not image:
        return Reading(tuple(faults))
    _check_spacing(faults.append, image)
    if mask:
        _attempt(faults.append, case_id, lambda: check_same_grid(image, mask))
    unread: list[Fault] = []
    values = _attempt(unread.append, case_id, image.whole)
    if mask and not any(fault.severity == "error" for fault in faults):
        unread = _crop_faults(image, mask, lesion_label, unread)
    return Reading((*faults, *unread), _hash(values), _hash(labels))


def _attempt(tell: Tell, case_id: str, read: Callable[[], T]) -> T | None:
    """What ``read`` returns, or None where it raised a CohortError, which is told."""
    try:
        return read()
    except CohortError as error:
        tell(Fault(error.rule if isinstance(error, ImageError) else "constant image", str(error), case_id))
        return None


def _tell_notes(tell: Tell, file: VolumeFile | None) -> None:
    """Tell what of a header other programs may read otherwise."""
    if file is None:
        return
    for note in file.notes:
        tell(Fault("ambiguous header", f"{file} {note}", file.case_id, "warning"))


def _check_spacing(tell: Tell, image: VolumeFile) -> None:
    if image.grid.spacing.max() > SPACING_MM[1]:
        tell(Fault("absurd spacing", spacing_fault(str(image), image.grid.spacing), image.case_id, "warning"))


def _check_lesion(tell: Tell, mask: VolumeFile, labels: np.ndarray, lesion_label: Sequence[float]) -> None:
    """Tell what is wrong with the lesion that a mask marks; ``labels`` has shape (z, y, x)."""
    read = partial(find_lesion, labels, lesion_label, mask.path.name)
    lesion = _attempt(tell, mask.case_id, lambda: mask.attempt(read))
    if lesion is None:
        return
    ends = zip("zyx", lesion.first, lesion.last, labels.shape, strict=True)
    edges = [axis for axis, a, b, n in ends if a == 0 or b == n - 1]
    if lesion.inside.shape == labels.shape and lesion.inside.all():
        detail = f"{mask} covers the whole image: draw the lesion, or use an image with tissue round it"
        tell(Fault("lesion at the border", detail, mask.case_id, "warning"))
    elif edges:
        detail = (
            f"{mask} touches the image's end along {', '.join(edges)}: the lesion may be cut off there; use "
            "an image with tissue round the lesion (the crop is padded where the image ends)"
        )
        tell(Fault("lesion at the border", detail, mask.case_id, "warning"))
    _check_pieces(tell, mask, lesion.inside)


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


def _crop_faults(
    image: VolumeFile, mask: VolumeFile, lesion_label: Sequence[float], unread: list[Fault]
) -> list[Fault]:
    """What keeps the crop from being cut, or misleads; voxels not finite beyond it become a warning."""
    told: list[Fault] = []
    case_id = image.case_id
    cut = _attempt(
        told.append, case_id, lambda: cut_case(case_id, image.path, mask.path, Crop(), lesion_label)
    )
    if cut is None:
        return unread or told
    if cut.padding:
        told.append(Fault("values far apart", cut.padding, case_id, "warning"))
    beyond = "; the crop round the lesion is sound, but methods that read whole volumes refuse the case"
    return told + [
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
