"""Clusters of voxels as numbers, and the habitats that they make of a region."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.ndimage import label
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

# Of a covariance, in squared standard deviations of all voxels: a cluster of equal voxels has a density.
LEAST_VARIANCE = 1e-3
TOUCHING = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Gaussians in the space of standardised traits, from the darkest cluster to the brightest.

    Parameters
    ----------
    centre, spread
        Mean and standard deviation of the traits over all voxels, shape (trait,).
    means, precisions, offsets
        Of each cluster: shapes (cluster, trait), (cluster, trait, trait), (cluster,).
    """

    centre: np.ndarray
    spread: np.ndarray
    means: np.ndarray
    precisions: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, kind: str, voxels: np.ndarray, count: int, seed: int) -> Self:
        """Fit ``kmeans`` or ``gmm`` to voxels (voxel, trait)."""
        centre, spread = voxels.mean(axis=0), voxels.std(axis=0)
        spread[spread == 0] = 1.0
        scaled = (voxels - centre) / spread
        means, precisions, offsets = (
            _kmeans(scaled, count, seed) if kind == "kmeans" else _gmm(scaled, count, seed)
        )
        order = np.argsort(means[:, 0])
        return cls(centre, spread, means[order], precisions[order], offsets[order])

    def assign(self, traits: np.ndarray) -> np.ndarray:
        """Most probable cluster of voxels: (..., trait) -> (...), int."""
        scaled = (traits - self.centre) / self.spread
        away = scaled[..., None, :] - self.means
        far = np.einsum("...ki,kij,...kj->...k", away, self.precisions, away)
        found: np.ndarray = (self.offsets - far / 2).argmax(axis=-1)
        return found

    def as_json(self) -> dict[str, Any]:
        """Plain lists."""
        return {name: values.tolist() for name, values in vars(self).items()}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """What :meth:`as_json` wrote."""
        return cls(**{name: np.array(values) for name, values in state.items()})


def _kmeans(scaled: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    means = KMeans(count, n_init=4, random_state=seed).fit(scaled).cluster_centers_
    return means, np.tile(np.eye(scaled.shape[1]), (count, 1, 1)), np.zeros(count)


def _gmm(scaled: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    fitted = GaussianMixture(count, reg_covar=LEAST_VARIANCE, n_init=2, random_state=seed).fit(scaled)
    offsets = np.log(fitted.weights_) + np.linalg.slogdet(fitted.precisions_)[1] / 2
    return fitted.means_, fitted.precisions_, offsets


def habitat_features(
    assigned: np.ndarray, intensity: np.ndarray, region: np.ndarray, count: int
) -> dict[str, float]:
    """What a region is made of; NaN where it has no voxel.

    Parameters
    ----------
    assigned, intensity, region
        Cluster, intensity and membership of each voxel, shape (z, y, x).

    Returns
    -------
    dict
        Of each habitat its ``share``, ``mean`` and ``sd`` of intensity; of all ``entropy`` of the shares,
        ``border`` (share of neighbouring voxels that are of two habitats) and ``ith``, see :func:`ith`.
    """
    features: dict[str, float] = {}
    shares = []
    for habitat in range(count):
        own = region & (assigned == habitat)
        values = intensity[own]
        shares.append(own.sum() / region.sum() if region.any() else np.nan)
        features[f"share{habitat}"] = shares[-1]
        features[f"mean{habitat}"] = float(values.mean()) if values.size else np.nan
        features[f"sd{habitat}"] = float(values.std()) if values.size > 1 else np.nan
    held = np.array([share for share in shares if share > 0])
    features["entropy"] = float(-(held * np.log(held)).sum()) if held.size else np.nan
    features["border"] = border(assigned, region)
    features["ith"] = ith(assigned, region, count)
    return features


def border(assigned: np.ndarray, region: np.ndarray) -> float:
    """Share of the pairs of face neighbours within a region that are of two clusters; NaN without a pair."""
    apart = pairs = 0
    for axis in range(3):
        first, second = (np.moveaxis(region, axis, 0)[part] for part in (np.s_[1:], np.s_[:-1]))
        one, other = (np.moveaxis(assigned, axis, 0)[part] for part in (np.s_[1:], np.s_[:-1]))
        both = first & second
        pairs += int(both.sum())
        apart += int((both & (one != other)).sum())
    return apart / pairs if pairs else np.nan


def ith(assigned: np.ndarray, region: np.ndarray, count: int) -> float:
    r"""Index of heterogeneity: 0 where each cluster is one body, towards 1 where all are scattered.

    .. math:: 1 - \frac1S \sum_i \frac{S_{i,\max}}{n_i}

    with the voxels :math:`S` of the region and, of cluster :math:`i`, the number :math:`n_i` of connected
    bodies (26 neighbours) and the voxels of the largest one. NaN without a voxel.
    """
    if not region.any():
        return float("nan")
    total = 0.0
    for cluster in range(count):
        bodies, number = label(region & (assigned == cluster), TOUCHING)
        if number:
            total += np.bincount(bodies.ravel())[1:].max() / number
    return float(1 - total / region.sum())
