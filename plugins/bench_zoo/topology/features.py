"""A persistence diagram as numbers: statistics, a Betti curve and a persistence image."""

import numpy as np

from bench_zoo.topology.persistence import Pairs, persistence_pairs, smoothed

# Normalised intensity: most of a crop lies between these.
LOW, HIGH = -0.2, 1.2
LEVELS = 8
BINS = 4
STATISTICS = 6
# Numbers of one diagram.
MEASURES = STATISTICS + LEVELS + BINS * BINS


def crop_features(image: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Measures of components, loops and voids of every region, shape (region x 3 x MEASURES,).

    Parameters
    ----------
    image
        Normalised intensity, shape (z, y, x).
    regions
        Bool, shape (region, z, y, x); a region without a voxel has the measures of an empty diagram.
    """
    soft = smoothed(image)
    return np.concatenate(
        [diagram_features(pairs) for region in regions for pairs in persistence_pairs(soft, region)]
    )


def diagram_features(pairs: Pairs) -> np.ndarray:
    """Statistics, Betti curve and persistence image of one diagram, shape (MEASURES,)."""
    return np.concatenate([statistics(pairs), betti_curve(pairs), persistence_image(pairs).ravel()])


def statistics(pairs: Pairs) -> np.ndarray:
    """log(1 + count); sum, greatest, mean and entropy of persistence; mean birth; shape (6,)."""
    lives = pairs.persistence
    if not lives.sum() > 0:
        return np.zeros(STATISTICS)
    shares = lives[lives > 0] / lives.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    births = pairs.values[:, 0]
    return np.array([np.log1p(lives.size), lives.sum(), lives.max(), lives.mean(), entropy, births.mean()])


def betti_curve(pairs: Pairs) -> np.ndarray:
    """How many are alive at each of eight intensities, as log(1 + count), shape (8,)."""
    levels = np.linspace(LOW, HIGH, LEVELS)
    alive = (pairs.values[:, :1] <= levels) & (pairs.values[:, 1:] > levels)
    return np.asarray(np.log1p(alive.sum(axis=0)))


def persistence_image(pairs: Pairs) -> np.ndarray:
    """Birth against persistence on a 4 x 4 grid, weighted by persistence (Adams et al. 2017), shape (4, 4).

    Gaussians of the width of a cell; births from -0.2 to 1.2, persistence from 0 to half of that.
    """
    births, lives = pairs.values[:, 0], pairs.persistence
    width = (HIGH - LOW) / BINS
    along = LOW + width * (np.arange(BINS) + 0.5)
    up = width / 2 * (np.arange(BINS) + 0.5)
    near_birth = np.exp(-0.5 * ((births[:, None] - along) / width) ** 2)  # (pair, bin)
    near_life = np.exp(-0.5 * ((lives[:, None] - up) / (width / 2)) ** 2)
    return np.asarray((near_birth * lives[:, None]).T @ near_life)
