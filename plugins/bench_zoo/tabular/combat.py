"""ComBat: features of several sites brought to one location and scale, learned from training cases alone."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.errors import CohortError

Floats = NDArray[np.float64]
# Patients of a site below which its variance says too little; iterations end at this relative change.
FEWEST, CONVERGED, MOST_ITERATIONS = 3, 1e-4, 500
# A feature whose variance within sites is below this share of its size stays as it is.
FLAT = 1e-20


@dataclass(frozen=True, eq=False)
class ComBat:
    r"""Location and scale of each site, shrunken towards those of all its features.

    Johnson et al. 2007 (Biostatistics 8:118), parametric, with covariates as Fortin et al. 2018 keep them:

    .. math:: y^*_{ijg} = \frac{\hat\sigma_g}{\delta^*_{ig}} (z_{ijg} - \gamma^*_{ig}) + \hat\alpha_g
              + X_{ij} \hat\beta_g

    Cases of a site that was not in training keep their features as they are: nothing is learned from cases
    that are tested, as a correction of the site by its own test cases would.

    Parameters
    ----------
    sites
        Names of the training sites that are corrected; smaller ones count as not in training.
    grand_mean, scale
        Of each feature, shape (feature,): weighted mean of the sites, and standard deviation within them.
    slopes
        Of each protected covariate, shape (covariate, feature).
    location, spread
        Shrunken deviation and standard deviation of each site, shape (site, feature).
    """

    sites: tuple[str, ...]
    grand_mean: Floats
    scale: Floats
    slopes: Floats
    location: Floats
    spread: Floats

    @classmethod
    def fitted(cls, values: Floats, sites: NDArray[np.object_], covariates: Floats | None = None) -> Self:
        """Learn from training cases.

        Parameters
        ----------
        values
            Features without gaps, shape (case, feature).
        sites
            Site of each case, shape (case,).
        covariates
            What is to be kept, such as age, shape (case, covariate); no labels, which test cases have not.

        Raises
        ------
        CohortError
            No site has :data:`FEWEST` cases.
        """
        names, counts = np.unique(sites.astype(str), return_counts=True)
        kept = names[counts >= FEWEST]
        if not len(kept):
            raise CohortError(f"ComBat: no training site has {FEWEST} cases")
        rows = np.isin(sites.astype(str), kept)
        values, member = values[rows], sites.astype(str)[rows][:, None] == kept
        known = np.zeros((len(values), 0)) if covariates is None else covariates[rows]
        design = np.column_stack([member, known]).astype(float)
        found = np.linalg.lstsq(design, values, rcond=None)[0]
        means, slopes = found[: len(kept)], found[len(kept) :]
        grand_mean = member.mean(axis=0) @ means
        variance = ((values - design @ found) ** 2).mean(axis=0)
        scale = np.sqrt(np.where(variance > FLAT * (1 + grand_mean**2), variance, np.inf))
        standard = (values - grand_mean - known @ slopes) / scale
        location, spread = _shrunken(standard, member)
        return cls(tuple(map(str, kept)), grand_mean, scale, slopes, location, spread)

    def apply(self, values: Floats, sites: NDArray[np.object_], covariates: Floats | None = None) -> Floats:
        """The features of any cases, shape (case, feature); those of other sites unchanged."""
        known = np.zeros((len(values), 0)) if covariates is None else covariates
        harmonised = values.copy()
        for place, site in enumerate(self.sites):
            rows = sites.astype(str) == site
            kept = self.grand_mean + known[rows] @ self.slopes
            standard = (values[rows] - kept) / self.scale
            corrected = (standard - self.location[place]) / self.spread[place]
            changed = np.isfinite(self.scale)
            back = corrected[:, changed] * self.scale[changed] + kept[:, changed]
            harmonised[np.ix_(rows, changed)] = back
        return harmonised

    def as_json(self) -> dict[str, Any]:
        """Numbers as lists; infinite scales as None."""
        arrays = ("grand_mean", "slopes", "location", "spread")
        scale = [float(one) if np.isfinite(one) else None for one in self.scale]
        return {"sites": list(self.sites), "scale": scale} | {
            name: getattr(self, name).tolist() for name in arrays
        }

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """What :meth:`as_json` wrote."""
        scale = np.array([np.inf if one is None else one for one in row["scale"]])
        features = len(scale)
        return cls(
            tuple(row["sites"]),
            np.array(row["grand_mean"]),
            scale,
            np.array(row["slopes"]).reshape(-1, features),
            np.array(row["location"]),
            np.array(row["spread"]),
        )


def _shrunken(standard: Floats, member: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Posterior location and standard deviation of each site, shape (site, feature)."""
    locations, spreads = [], []
    for chosen in member.T:
        own = standard[chosen]
        location, variance = _posterior(own, own.mean(axis=0), own.var(axis=0, ddof=1))
        locations.append(location)
        spreads.append(np.sqrt(variance))
    return np.array(locations), np.array(spreads)


def _posterior(own: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Posterior means of location and variance of a site's features, given priors from all of them.

    A normal prior of the locations and an inverse-gamma one of the variances by their moments; without a
    spread between features (a single one, say) the estimates themselves.
    """
    live = variance > 0
    if live.sum() < 2 or mean[live].var() == 0 or variance[live].var() == 0:
        return mean, np.where(live, variance, 1.0)
    prior_mean, prior_variance = mean[live].mean(), mean[live].var(ddof=1)
    middle, around = variance[live].mean(), variance[live].var(ddof=1)
    shape, rate = (2 * around + middle**2) / around, (middle * around + middle**3) / around
    n, location, spread = len(own), mean[live], variance[live]
    for _ in range(MOST_ITERATIONS):
        moved = (n * prior_variance * mean[live] + spread * prior_mean) / (n * prior_variance + spread)
        squares = ((own[:, live] - moved) ** 2).sum(axis=0)
        scaled = (0.5 * squares + rate) / (n / 2 + shape - 1)
        change = max(
            float(np.abs((moved - location) / np.where(location == 0, 1, location)).max()),
            float(np.abs((scaled - spread) / spread).max()),
        )
        location, spread = moved, scaled
        if change < CONVERGED:
            break
    found_location, found_variance = mean.copy(), np.ones_like(variance)
    found_location[live], found_variance[live] = location, spread
    return found_location, found_variance
