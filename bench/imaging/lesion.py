"""Which voxels of a mask are the lesion: one rule, for checks, crops and whatever else reads a mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import ImageError

NAMED = 5
SEVERAL = "several label values"


@dataclass(frozen=True, eq=False)
class Lesion:
    """The lesion of a mask: content of its bounding box, bool, shape (z, y, x), and the box's first voxel."""

    inside: np.ndarray
    first: np.ndarray

    @property
    def last(self) -> np.ndarray:
        """Last voxel of the box along z, y, x, shape (3,)."""
        return np.asarray(self.first + self.inside.shape - 1)


def find_lesion(mask: np.ndarray, labels: Sequence[float] = (), name: str = "mask.nii.gz") -> Lesion:
    """The lesion that a mask marks.

    * With ``labels``, the voxels that have one of these values.
    * Without, the mask must hold 0, the background, and one other value above 0, whichever it is: that is
      the lesion. A mask of one value above 0 alone marks the whole image.

    Several values, probabilities and a background other than 0 are rejected: which voxels are meant is not
    for a program to guess. The rule is the same for every number type.

    Parameters
    ----------
    mask
        Finite values, shape (z, y, x), of any number type.
    labels
        Values that are the lesion; none where they were not declared.
    name
        The file's name, for the remedy.

    Raises
    ------
    ImageError
        There is no lesion, or no telling which voxels are it.
    """
    marked = _has_label(mask, labels) if labels else mask != 0
    box = _box(marked)
    if box is None:
        raise _nothing(mask, labels)
    if not labels:
        _require_one_value(mask[box], name)
    return Lesion(marked[box], np.array([edge.start for edge in box]))


def _has_label(mask: np.ndarray, labels: Sequence[float]) -> np.ndarray:
    if np.issubdtype(mask.dtype, np.floating):
        close = [np.isclose(mask, label, rtol=1e-5, atol=1e-6) for label in labels]
        return np.asarray(np.logical_or.reduce(close))
    return np.asarray(np.isin(mask, [label for label in labels if label == int(label)]))


def _box(marked: np.ndarray) -> tuple[slice, ...] | None:
    """Smallest box of all marked voxels, None where there is none."""
    z = np.flatnonzero(marked.reshape(len(marked), -1).any(axis=1))
    if not z.size:
        return None
    flat = np.logical_or.reduce(marked[z[0] : z[-1] + 1], axis=0)
    y, x = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    return tuple(slice(int(places[0]), int(places[-1]) + 1) for places in (z, y, x))


def _require_one_value(inside: np.ndarray, name: str) -> None:
    """Raise ImageError unless all values of the box are 0 or one and the same value above 0."""
    low, high = inside.min(), inside.max()
    if low >= 0 and bool(((inside == 0) | (inside == high)).all()):
        return
    values = np.unique(inside)
    values = values[values != 0]
    counted = f"{len(values)} value{'s' if len(values) > 1 else ''} other than 0 ({_named(values)})"
    if not (values == np.rint(values)).all():
        cut = f"sitk.WriteImage(sitk.ReadImage({name!r}) >= {values[-1] / 2:g}, 'lesion.nii.gz')"
        raise ImageError(
            f"has {counted}, expected 0 and one other; if they are probabilities, cut them: {cut}", SEVERAL
        )
    what = "a background other than 0" if low < 0 else "several labels"
    raise ImageError(
        f"has {counted}, expected 0 and one other ({what}); name the lesion's with lesion_label, in "
        "cohort.toml for all cases (lesion_label = 1) or as a column of cases.csv (1, or 1+2 for several)",
        SEVERAL,
    )


def _nothing(mask: np.ndarray, labels: Sequence[float]) -> ImageError:
    """What to say of a mask without a voxel of the lesion."""
    values = np.unique(mask)
    values = values[values != 0]
    if not values.size:
        return ImageError(
            "is empty, expected a lesion of at least one voxel; draw it or leave it out", "empty mask"
        )
    return ImageError(
        f"has no voxel of lesion_label {_named(labels)}, only of {_named(values)}; correct lesion_label in "
        "cohort.toml or cases.csv, or the mask",
        "empty mask",
    )


def _named(values: Sequence[float] | np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values[:NAMED]) + (", ..." if len(values) > NAMED else "")
