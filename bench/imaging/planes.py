"""Three planes of a crop through its lesion, as a radiologist looks at them."""

from typing import NamedTuple

import numpy as np

NAMES = ("axial", "coronal", "sagittal")


class Plane(NamedTuple):
    """A slice: its name, intensities and lesion, each of shape (row, column), the first row on top."""

    name: str
    image: np.ndarray
    mask: np.ndarray


def three_planes(image: np.ndarray, mask: np.ndarray) -> tuple[Plane, Plane, Plane]:
    """The axial, coronal and sagittal slice with the most lesion; of several, the one in the middle.

    In radiological convention: the patient's left is on the right of the axial and coronal slice, the front
    on top of the axial and on the left of the sagittal one, the head on top of the other two.

    Parameters
    ----------
    image, mask
        Channels of a crop, shape (z, y, x): z towards the head, y towards the back, x towards the left.
    """
    inside = mask > 0
    centre = lesion_centre(inside)
    axial, coronal, sagittal = map(Plane, NAMES, slices_at(image, centre), slices_at(inside, centre))
    return axial, coronal, sagittal


def lesion_centre(inside: np.ndarray) -> tuple[int, int, int]:
    """The z, y and x of the slices with the most lesion; ``inside`` is bool, shape (z, y, x)."""
    z, y, x = (_fullest(inside.sum(axis=others)) for others in ((1, 2), (0, 2), (0, 1)))
    return z, y, x


def slices_at(values: np.ndarray, centre: tuple[int, int, int]) -> tuple[np.ndarray, ...]:
    """Axial, coronal and sagittal slice of values of shape (z, y, x), as :func:`three_planes` turns them."""
    z, y, x = centre
    return values[z], values[::-1, y], values[::-1, :, x]


def _fullest(counts: np.ndarray) -> int:
    best = np.flatnonzero(counts == counts.max())
    return int(best[len(best) // 2])
