"""How much the contents of crops resemble each other, whatever the pose, the grey scale and noise."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import rankdata

Floats = NDArray[np.float32]
# Standard deviations, in voxels, of the two Gaussians whose difference is the band that is compared: fine
# enough to tell lesions apart, coarse enough for noise, resampling and a turn by a few degrees.
FINE, COARSE = 1.0, 2.0
# Share of the half edge of a crop within which content is compared; the corners turn out of the cube.
REACH = 0.95
# A crop whose ranks vary less than this after the band has no structure to compare.
FLAT = 1e-6


def similarities(crops: Floats) -> Floats:
    """Largest correlation of each pair of crops over mirrorings and quarter turns, shape (case, case).

    Grey values are replaced by their ranks within the ball that is compared, so that a gamma curve or another
    scale changes nothing, then kept in a band of spatial frequencies. The second crop is mirrored along any
    axis and turned by quarters in the plane of the slices: 16 poses.

    Parameters
    ----------
    crops
        Isotropic cubes round the lesions, shape (case, z, y, x).

    Returns
    -------
    numpy.ndarray
        float32, symmetric, between -1 and 1; the diagonal is 1. A crop without structure is like no other.
    """
    inside = _ball(crops.shape[-1])
    banded = np.zeros(crops.shape, np.float32)
    for case, crop in enumerate(crops):
        banded[case, inside] = _content(crop, inside)
    plain = banded[:, inside]
    best = np.full((len(crops), len(crops)), -1.0, np.float32)
    for posed in _poses(banded):
        np.maximum(best, plain @ posed[:, inside].T, out=best)
    found: Floats = np.maximum(best, best.T)
    np.fill_diagonal(found, 1.0)
    return found


def _content(crop: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Ranks of the grey values in the band, inside the ball, of mean 0 and norm 1; all 0 where flat."""
    ranked = np.zeros(crop.shape, np.float32)
    ranked[inside] = rankdata(crop[inside]) / inside.sum() - 0.5
    banded = (ndimage.gaussian_filter(ranked, FINE) - ndimage.gaussian_filter(ranked, COARSE))[inside]
    banded -= banded.mean()
    norm = float(np.linalg.norm(banded))
    if np.ptp(crop[inside]) == 0 or norm < FLAT:
        return np.zeros_like(banded)
    found: Floats = banded / np.float32(norm)
    return found


def _poses(volumes: Floats) -> Iterator[Floats]:
    """The volumes in each of the 16 poses, shape (case, z, y, x)."""
    for upside in (volumes, volumes[:, ::-1]):
        for mirrored in (upside, upside[..., ::-1]):
            for quarters in range(4):
                yield np.rot90(mirrored, quarters, axes=(2, 3))


def _ball(edge: int) -> NDArray[np.bool_]:
    """The voxels that are compared, shape (z, y, x)."""
    middle = (edge - 1) / 2
    offsets = (np.indices((edge, edge, edge)) - middle) / (edge / 2)
    inside: NDArray[np.bool_] = (offsets**2).sum(axis=0) <= REACH**2
    return inside
