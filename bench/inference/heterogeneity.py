"""How far the true values of sites differ from each other."""

from typing import NamedTuple

import numpy as np

from bench.inference.bootstrap import DRAW_SEED
from bench.inference.estimate import ALPHA, NO_INTERVAL, Interval
from bench.metrics import Array
from bench.metrics.metric import NAN


class Heterogeneity(NamedTuple):
    """How far the true values of sites differ: a random-effects model.

    ``tau`` is the standard deviation between sites beyond sampling error, ``i_squared`` the share of
    the observed variance that is no sampling error, ``sites`` the number of sites that entered,
    ``new_site`` the 95 % interval in which the true value of another site of this kind lies.
    """

    tau: float
    i_squared: float
    sites: int
    new_site: Interval = NO_INTERVAL


NO_HETEROGENEITY = Heterogeneity(NAN, NAN, 0)


def between_sites(values: Array, errors: Array) -> Heterogeneity:
    r"""Spread of true values between sites by the moments of DerSimonian & Laird (1986).

    .. math:: \hat\tau^2 = \max\Big(0, \frac{Q - (k - 1)}{\sum w - \sum w^2 / \sum w}\Big), \quad
              Q = \sum_j w_j (y_j - \bar y_w)^2, \quad w_j = 1 / s_j^2, \quad
              I^2 = \max(0, 1 - (k - 1) / Q)

    It assumes independent sites, known standard errors and normal estimates, which for an AUC holds best on
    the logit scale (Snell et al. 2018; Debray et al. 2017). Few sites leave it very uncertain.

    Parameters
    ----------
    values, errors
        Estimate and standard error of each site, shape (site,); those without a positive error are left out.

    Returns
    -------
    Heterogeneity
        ``tau`` and ``i_squared`` NaN with fewer than :data:`MIN_SITES` sites.
    """
    usable = np.isfinite(values) & (errors > 0) & np.isfinite(errors)
    count = int(usable.sum())
    if count < MIN_SITES:
        return Heterogeneity(NAN, NAN, count)
    weight = 1 / errors[usable] ** 2
    mean = (weight * values[usable]).sum() / weight.sum()
    heterogeneity = float((weight * (values[usable] - mean) ** 2).sum())
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    excess = max(0.0, heterogeneity - (count - 1))
    i_squared = excess / heterogeneity if heterogeneity > 0 else 0.0
    tau = float(np.sqrt(excess / scale))
    return Heterogeneity(tau, i_squared, count, _new_site(values[usable], errors[usable]))


def _new_site(values: Array, errors: Array) -> Interval:
    r"""The prediction interval for the true value of a new site.

    .. math:: \theta_{new} = \hat\mu(\tau^2) - t_{k-1} \, \hat\sigma_{HK}(\tau^2) + z \, \tau, \quad
              Q(\tau^2) = \chi^2_{k-1}

    Nagashima, Noma & Furukawa 2019: tau is drawn from its confidence distribution, as one estimate of it is
    often 0 and the interval then too short; the variance of the mean is that of Hartung & Knapp.
    """
    rng, sites = np.random.default_rng(DRAW_SEED), len(values)
    squares = _solved(values, errors, rng.chisquare(sites - 1, NEW_SITES))
    weight = 1 / (errors**2 + squares[:, None])
    mean = (weight * values).sum(axis=1) / weight.sum(axis=1)
    around = (weight * (values - mean[:, None]) ** 2).sum(axis=1) / ((sites - 1) * weight.sum(axis=1))
    chance, further = rng.standard_t(sites - 1, NEW_SITES), rng.standard_normal(NEW_SITES)
    low, high = np.quantile(
        mean - chance * np.sqrt(around) + further * np.sqrt(squares), [ALPHA / 2, 1 - ALPHA / 2]
    )
    return Interval(float(low), float(high))


def _solved(values: Array, errors: Array, quantiles: Array) -> Array:
    """The variance between sites at which Q is each quantile, 0 where it is below that at 0 already."""
    low, high = np.zeros(len(quantiles)), np.full(len(quantiles), 1e3 * (np.ptp(values) + errors.max()) ** 2)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        weight = 1 / (errors**2 + middle[:, None])
        mean = (weight * values).sum(axis=1) / weight.sum(axis=1)
        above = (weight * (values - mean[:, None]) ** 2).sum(axis=1) > quantiles
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return low


# Draws of a new site, and steps to the variance between sites.
NEW_SITES, HALVINGS = 4000, 60
# Two sites give a spread one degree of freedom: its estimate is then mostly 0 or far too large.
MIN_SITES = 3
