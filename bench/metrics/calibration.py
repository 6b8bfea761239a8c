r"""Calibration error over bins of equal mass, corrected for its upward bias."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.metrics.area import score_levels, tells_nothing
from bench.metrics.metric import Array, Context, single

# Five bins leave 15 cases in each in a cohort of 74, where more bins report more chance than error.
CALIBRATION_BINS = 5


def calibration_error(truth: Array, probability: Array, fold: Context = None) -> float:
    r"""Expected calibration error over :data:`CALIBRATION_BINS` bins of equal mass, corrected for its bias.

    .. math:: \max\Big(0, \frac1B \sum_b |g_b| - \frac1B \sum_b [m(\mu_b, s_b) - \mu_b]\Big), \quad
              g_b = \bar y_b - \bar p_b, \quad \mu_b = \sqrt{\max(0, g_b^2 - s_b^2)}

    with the standard error :math:`s_b` of :math:`g_b` and the mean :math:`m` of the absolute value of a
    normal number: a gap that is chance alone is on average 0.8 standard errors, so that the uncorrected sum
    reports 0.09 for a perfectly calibrated probability with 15 cases a bin (Bröcker 2012; Ferro & Fricker
    2012 for the Brier score). 0 is best. What is left of the bias is measured by
    ``tests/simulations/calibration_coverage.py``.

    Bins are cut in the order of the probabilities, each of exactly n / bins cases: a case that lies across
    a cut counts in both bins by its parts, and tied cases are spread evenly, so the order of cases plays no
    part (equal mass: Nguyen & O'Connor 2015). NaN with fewer than two cases a bin, and for a prediction that
    is the same for all cases of a fold, which has no calibration. All arrays have shape (case,).
    """
    return single(resampled_calibration_error, truth, probability, fold)


def resampled_calibration_error(
    truth: Array, probabilities: Array, fold: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`calibration_error` in many resamples, bins cut anew in each; (prediction, draw)."""
    return _over_bins(corrected_mean, truth, probabilities, fold, weights)


def plain_calibration_error(
    truth: Array, probabilities: Array, fold: Context, weights: Array
) -> NDArray[np.float64]:
    """The error without its correction in many resamples, whose jackknife is smooth; (prediction, draw)."""
    return _over_bins(_plain_mean, truth, probabilities, fold, weights)


def _over_bins(
    mean: Callable[[Array, Array], Array],
    truth: Array,
    probabilities: Array,
    fold: Context,
    weights: Array,
) -> Array:
    """A mean over bins, of their gaps and variances, in many resamples; NaN for a constant prediction."""
    result = np.full((len(probabilities), weights.shape[1]), np.nan)
    for row, probability in enumerate(probabilities):
        if not tells_nothing(probability, fold):
            result[row] = mean(*binned_gaps(truth - probability, score_levels(probability), weights))
    return result


def _plain_mean(gaps: Array, variances: Array) -> Array:
    mean: Array = np.abs(gaps).mean(axis=0)
    return mean


def corrected_mean(gaps: Array, variances: Array) -> Array:
    """Mean absolute gap over bins without its bias, of gaps and their variances of shape (bin, ...)."""
    errors = np.sqrt(variances)
    true = np.sqrt(np.maximum(gaps**2 - variances, 0.0))
    bias = (_mean_absolute(true, errors) - true).mean(axis=0)
    mean: Array = np.maximum(np.abs(gaps).mean(axis=0) - bias, 0.0)
    return mean


def bin_shares(probability: Array) -> Array:
    """Share of each case that lies in each bin, shape (bin, case); the shares of a case sum to 1."""
    block = score_levels(probability)
    sizes = np.bincount(block)
    ends = np.cumsum(sizes) / len(probability) * CALIBRATION_BINS
    starts = ends - sizes / len(probability) * CALIBRATION_BINS
    bins = np.arange(CALIBRATION_BINS)[:, None]
    held = np.clip(np.minimum(ends, bins + 1) - np.maximum(starts, bins), 0.0, None) / (ends - starts)
    shares: Array = held[:, block]
    return shares


def binned_gaps(error: Array, block: NDArray[np.intp], weights: Array) -> tuple[Array, Array]:
    """Mean error of each bin in each resample and its variance, NaN with too few cases, (bin, draw)."""
    order = np.argsort(block, kind="stable")
    first = np.flatnonzero(np.diff(block[order], prepend=-1))
    sums = [weights, weights * error[:, None], weights * (error**2)[:, None]]
    mass, summed, squared = (np.cumsum(np.add.reduceat(part[order], first, axis=0), axis=0) for part in sums)
    size = mass[-1] / CALIBRATION_BINS
    binned = np.empty((2, CALIBRATION_BINS, weights.shape[1]))
    for draw, cases in enumerate(size):
        cuts = np.arange(CALIBRATION_BINS + 1) * cases
        reached = np.append(0.0, mass[:, draw])
        for place, total in enumerate((summed, squared)):
            binned[place, :, draw] = np.diff(np.interp(cuts, reached, np.append(0.0, total[:, draw])))
    gaps = binned[0] / size
    several = np.where(size >= 2, size, np.nan)
    return gaps, np.maximum(binned[1] / size - gaps**2, 0.0) / (several - 1)


def _mean_absolute(mean: Array, error: Array) -> Array:
    """Mean of the absolute value of a normal number."""
    from scipy.special import ndtr

    ratio = np.divide(mean, error, out=np.full(np.shape(mean), np.inf), where=error > 0)
    folded: Array = error * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + mean * (1 - 2 * ndtr(-ratio))
    return folded
