"""Reading one case's image and mask whole, to find what is wrong with them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy import ndimage

from bench.cohorts.checking.violation import Tell, Violation
from bench.errors import CohortError, ImageError
from bench.imaging.crop import Crop
from bench.imaging.cut import Cut, cut_case, cut_images
from bench.imaging.grid import SPACING_MM
from bench.imaging.lesion import find_lesion
from bench.imaging.volume import NOT_FINITE, VolumeFile, check_same_grid, open_file, spacing_message

# A piece of the mask is another lesion from this share of the marked voxels on; less is a speck ...
PIECE_SHARE = 0.05
# ... which matters where it moves the crop's centre by more than this.
SHIFT_MM = 5.0
NAMED = 5

T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """What two files of a case show: violations, and hashes of their voxels, empty where unread."""

    violations: tuple[Violation, ...]
    image_hash: str = ""
    mask_hash: str = ""


def read_case(
    case_id: str,
    image_path: Path,
    mask_path: Path,
    lesion_label: Sequence[float] = (),
    others: Mapping[str, Path] | None = None,
) -> Reading:
    """Read the images and the mask of a case whole and find what is wrong with them.

    An error is what keeps the default crop from being cut, or a crop of the further images; what only may
    mislead is a warning.

    Parameters
    ----------
    lesion_label
        Values of the mask that are the lesion.
    others
        Paths of the further images by name.
    """
    violations: list[Violation] = []
    image = _attempt(violations.append, case_id, lambda: open_file(case_id, "image", image_path))
    mask = _attempt(violations.append, case_id, lambda: open_file(case_id, "mask", mask_path))
    for file in (image, mask):
        _tell_notes(violations.append, file)
    labels = _attempt(violations.append, case_id, mask.whole) if mask else None
    if mask and labels is not None:
        _check_lesion(violations.append, mask, labels, lesion_label)
    if not image:
        return Reading(tuple(violations))
    _check_spacing(violations.append, image)
    if mask:
        _attempt(violations.append, case_id, lambda: check_same_grid(image, mask))
    unread: list[Violation] = []
    values = _attempt(unread.append, case_id, image.whole)
    if mask and not _has_error(violations):
        cut = partial(cut_case, case_id, image.path, mask.path, Crop(), lesion_label)
        unread = _crop_violations(case_id, cut, unread)
    violations += unread
    if others:
        further = _further(violations.append, image, _hash(values), others)
        if mask and not _has_error(violations):
            files = {image.role: image.path, **others}
            cut = partial(cut_images, case_id, files, mask.path, Crop(), lesion_label)
            further = _crop_violations(case_id, cut, further)
        violations += further
    return Reading(tuple(violations), _hash(values), _hash(labels))


def _has_error(violations: Sequence[Violation]) -> bool:
    return any(violation.severity == "error" for violation in violations)


def _further(tell: Tell, first: VolumeFile, first_hash: str, others: Mapping[str, Path]) -> list[Violation]:
    """Tell what is wrong with the further images of a case; returned is why voxels of one are unread."""
    unread: list[Violation] = []
    seen = {first_hash: first.role}
    for name, path in others.items():
        other = _attempt(tell, first.case_id, partial(open_file, first.case_id, name, path))
        if other is None:
            continue
        _tell_notes(tell, other)
        _attempt(tell, first.case_id, partial(check_same_grid, first, other))
        voxels = _attempt(unread.append, first.case_id, other.whole)
        same = seen.setdefault(_hash(voxels), name)
        if voxels is not None and same != name:
            detail = f"{other} has the same voxels as the {same} of the case; name the file of each phase"
            tell(Violation("images alike", detail, first.case_id, "warning"))
    return unread


def _attempt(tell: Tell, case_id: str, read: Callable[[], T]) -> T | None:
    """What ``read`` returns, or None where it raised a CohortError, which is told."""
    try:
        return read()
    except CohortError as error:
        tell(
            Violation(error.kind if isinstance(error, ImageError) else "constant image", str(error), case_id)
        )
        return None


def _tell_notes(tell: Tell, file: VolumeFile | None) -> None:
    """Tell what of a header other programs may read otherwise."""
    if file is None:
        return
    for note in file.notes:
        tell(Violation("ambiguous header", f"{file} {note}", file.case_id, "warning"))


def _check_spacing(tell: Tell, image: VolumeFile) -> None:
    if image.grid.spacing.max() > SPACING_MM[1]:
        tell(
            Violation(
                "absurd spacing", spacing_message(str(image), image.grid.spacing), image.case_id, "warning"
            )
        )


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
        tell(Violation("lesion at the border", detail, mask.case_id, "warning"))
    elif edges:
        detail = (
            f"{mask} touches the image's end along {', '.join(edges)}: the lesion may be cut off there; use "
            "an image with tissue round the lesion (the crop is padded where the image ends)"
        )
        tell(Violation("lesion at the border", detail, mask.case_id, "warning"))
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
        kind, what = "several lesions", f"marks {lesions} lesions ({named} voxels)"
    elif shift > SHIFT_MM:
        kind, what = "stray voxels", f"has {count - 1} specks apart from the lesion"
    else:
        return
    detail = (
        f"{mask} {what}; the crop is centred on the box round all of them, {shift:.0f} mm from the largest; "
        "give each lesion a mask and a line of its own under one patient_id, or keep the largest: "
        f"sitk.RelabelComponent(sitk.ConnectedComponent(sitk.ReadImage({mask.path.name!r}) != 0)) == 1"
    )
    tell(Violation(kind, detail, mask.case_id, "warning"))


def _shift_mm(pieces: np.ndarray, spacing_mm: np.ndarray) -> float:
    """Distance between the centre of the box of all pieces, which is the array's, and the largest's."""
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    box = ndimage.find_objects(pieces)[largest - 1]
    centre = np.array([(edge.start + edge.stop) / 2 for edge in box])
    return float(np.linalg.norm((centre - np.array(pieces.shape) / 2) * spacing_mm))


def _crop_violations(case_id: str, cut_out: Callable[[], Cut], unread: list[Violation]) -> list[Violation]:
    """What keeps the crop from being cut, or misleads; voxels not finite beyond it become a warning."""
    told: list[Violation] = []
    cut = _attempt(told.append, case_id, cut_out)
    if cut is None:
        return unread or told
    if cut.padding:
        told.append(Violation("values far apart", cut.padding, case_id, "warning"))
    beyond = "; the crop round the lesion is valid, but methods that read whole volumes reject the case"
    return told + [
        replace(violation, detail=violation.detail + beyond, severity="warning")
        if violation.kind == NOT_FINITE
        else violation
        for violation in unread
    ]


def _hash(voxels: np.ndarray | None) -> str:
    """Hash of the voxel values, whatever their file's format, compression and number type."""
    if voxels is None:
        return ""
    digest = hashlib.sha256(str(voxels.shape).encode())
    digest.update(np.ascontiguousarray(voxels, dtype=np.float32).data)
    return digest.hexdigest()
