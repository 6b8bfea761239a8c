"""Cubical persistence of an image: components, loops and voids of the sets below a rising intensity."""

from dataclasses import dataclass

import numpy as np
from gudhi import CubicalComplex
from scipy.ndimage import uniform_filter

DIMENSIONS = 3
LOOPS, VOIDS = 1, 2


@dataclass(frozen=True, eq=False)
class Pairs:
    """What is born and dies in one dimension as the intensity rises; infinite lives are left out.

    Parameters
    ----------
    births, deaths
        Flat places of the voxels, in the order of (z, y, x), shape (pair,).
    values
        Intensities at birth and death, shape (pair, 2).
    """

    births: np.ndarray
    deaths: np.ndarray
    values: np.ndarray

    @property
    def persistence(self) -> np.ndarray:
        """Death less birth, shape (pair,), at least 0."""
        lives: np.ndarray = self.values[:, 1] - self.values[:, 0]
        return lives

    def longer_than(self, least: float) -> "Pairs":
        """Those that live longer."""
        kept = self.persistence > least
        return Pairs(self.births[kept], self.deaths[kept], self.values[kept])


def smoothed(image: np.ndarray) -> np.ndarray:
    """Mean over 3 x 3 x 3 voxels, shape (z, y, x): white noise alone has thousands of short-lived pairs."""
    return np.asarray(uniform_filter(image.astype(np.float64), 3, mode="nearest"))


def persistence_pairs(image: np.ndarray, mask: np.ndarray | None = None) -> tuple[Pairs, Pairs, Pairs]:
    """Components, loops and voids of the sublevel sets of an image (gudhi's cubical complex).

    Parameters
    ----------
    image
        Shape (z, y, x).
    mask
        Voxels that exist, bool, shape (z, y, x); the others never enter. None: all.
    """
    values = image if mask is None else np.where(mask, image, np.inf)
    complex_ = CubicalComplex(top_dimensional_cells=values)
    complex_.compute_persistence()
    regular, _ = complex_.cofaces_of_persistence_pairs()
    components, loops, voids = (
        _pairs(values, regular[at] if at < len(regular) else np.empty((0, 2), dtype=int))
        for at in range(DIMENSIONS)
    )
    return components, loops, voids


def _pairs(values: np.ndarray, cells: np.ndarray) -> Pairs:
    # gudhi counts voxels with the first axis running fastest.
    cells = np.asarray(cells, dtype=int).reshape(-1, 2)
    found = values.ravel(order="F")[cells]
    cells, found = cells[np.isfinite(found[:, 1])], found[np.isfinite(found[:, 1])]
    places = np.ravel_multi_index(np.unravel_index(cells, values.shape, order="F"), values.shape)
    return Pairs(places[:, 0], places[:, 1], found)


def drawn_structures(image: np.ndarray, least: float) -> np.ndarray:
    """Loops and voids that live longer than ``least``, drawn at their birth and death voxels.

    Returns
    -------
    numpy.ndarray
        Bool, shape (2, z, y, x): loops, voids.
    """
    drawn = np.zeros((2, image.size), dtype=bool)
    pairs = persistence_pairs(smoothed(image))
    for channel, dimension in enumerate((LOOPS, VOIDS)):
        kept = pairs[dimension].longer_than(least)
        drawn[channel, kept.births] = drawn[channel, kept.deaths] = True
    return drawn.reshape(2, *image.shape)
