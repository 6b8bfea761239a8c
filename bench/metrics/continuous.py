"""How near predicted values are to true ones: errors, agreement and order."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics.area import score_levels, stratum_codes
from bench.metrics.metric import DRAWS_AT_ONCE, Array, Codes, Context, ratio, single, weighted_mean

# Below this share of its mean square a variance is rounding.
NO_SPREAD = 1e-12

WITHIN_LIMITS = 0.95


def mae(truth: Array, prediction: Array, context: Context = None) -> float:
    r"""Mean absolute error, :math:`\sum_i |y_i - x_i| / n`, in the task's unit.

    Least for the conditional median. Both arrays have shape (case,); NaN where there is no case.
    """
    return single(resampled_mae, truth, prediction)


def resampled_mae(truth: Array, predictions: Array, context: Context, weights: Array) -> NDArray[np.float64]:
    """:func:`mae` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    return weighted_mean(absolute_error(truth, predictions), weights)


def absolute_error(truth: Array, predictions: Array) -> Array:
    """How far each prediction is from the truth, shape (prediction, case)."""
    error: Array = np.abs(truth - predictions)
    return error


def rmse(truth: Array, prediction: Array, context: Context = None) -> float:
    r"""Root of the mean squared error, :math:`\sqrt{\sum_i (y_i - x_i)^2 / n}`, in the task's unit.

    Least for the conditional mean. Both arrays have shape (case,); NaN where there is no case.
    """
    return single(resampled_rmse, truth, prediction)


def resampled_rmse(truth: Array, predictions: Array, context: Context, weights: Array) -> NDArray[np.float64]:
    """:func:`rmse` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    root: Array = np.sqrt(weighted_mean((truth - predictions) ** 2, weights))
    return root


def r2(truth: Array, prediction: Array, context: Context = None) -> float:
    r"""Share of the variance that is predicted, :math:`1 - \sum_i (y_i - x_i)^2 / \sum_i (y_i - \bar y)^2`.

    Against the mean of these very cases, which no predictor could know: the training mean or median gets a
    little less than 0. 1 is perfect, below 0 is worse than that mean; NaN where the truth has no spread.
    """
    return single(resampled_r2, truth, prediction)


def resampled_r2(truth: Array, predictions: Array, context: Context, weights: Array) -> NDArray[np.float64]:
    """:func:`r2` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    moments = _moments(truth, predictions, weights)
    return 1 - ratio(weighted_mean((truth - predictions) ** 2, weights), moments.truth_variance)


def concordance(truth: Array, prediction: Array, context: Context = None) -> float:
    r"""Lin's concordance correlation coefficient (Lin 1989), with moments over n.

    .. math:: \frac{2 s_{xy}}{s_x^2 + s_y^2 + (\bar x - \bar y)^2}

    Correlation times nearness to the line of identity: 1 is perfect, 0 for any constant; NaN where
    truth and prediction are one and the same constant.
    """
    return single(resampled_concordance, truth, prediction)


def resampled_concordance(
    truth: Array, predictions: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`concordance` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    moments = _moments(truth, predictions, weights)
    gap = (moments.mean - moments.truth_mean) ** 2
    return ratio(2 * moments.covariance, moments.variance + moments.truth_variance + gap)


def spearman(truth: Array, prediction: Array, stratum: NDArray[np.generic] | None = None) -> float:
    r"""Correlation of ranks within strata, mean over strata weighted by their cases.

    .. math:: \hat\rho = \sum_s |s| \rho_s \Big/ \sum_s |s|

    with :math:`\rho_s` the correlation of mid-ranks (Spearman 1904; ties share the mean of their ranks).
    Ranks of different folds' models are not compared, as for the AUC: a prediction that is constant within
    each has exactly 0. Strata whose truth has no spread do not count; NaN where none has.
    """
    return single(resampled_spearman, truth, prediction, stratum)


def resampled_spearman(
    truth: Array, predictions: Array, stratum: NDArray[np.generic] | None, weights: Array
) -> NDArray[np.float64]:
    """:func:`spearman` in many resamples, ranked anew in each; see :func:`bench.metrics.resampled_auc`."""
    codes = stratum_codes(stratum, len(truth))
    result = np.empty((len(predictions), weights.shape[1]))
    for start in range(0, weights.shape[1], DRAWS_AT_ONCE):
        drawn = np.ascontiguousarray(weights[:, start : start + DRAWS_AT_ONCE], dtype=float)
        summed, size = np.zeros((len(predictions), drawn.shape[1])), np.zeros(drawn.shape[1])
        for code in np.unique(codes):
            here = codes == code
            correlations, counted = _rank_correlations(truth[here], predictions[:, here], drawn[here])
            summed += counted * correlations
            size += counted
        result[:, start : start + DRAWS_AT_ONCE] = ratio(summed, size)
    return result


def bias(truth: Array, prediction: Array, context: Context = None) -> float:
    """Mean of prediction minus truth, in the task's unit (Bland & Altman 1986); 0 is best."""
    return single(resampled_bias, truth, prediction)


def resampled_bias(truth: Array, predictions: Array, context: Context, weights: Array) -> NDArray[np.float64]:
    """:func:`bias` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    return weighted_mean(predictions - truth, weights)


def lower_limit(truth: Array, prediction: Array, context: Context = None) -> float:
    r"""Lower 95 % limit of agreement, :math:`\bar d - 1.96\, s_d` of the differences prediction minus truth.

    With :math:`s_d` over n - 1. Between the two limits lie 95 % of the differences where these are normal and
    do not depend on the size of the value (Bland & Altman 1986). NaN with fewer than two cases.
    """
    return single(resampled_lower_limit, truth, prediction)


def resampled_lower_limit(
    truth: Array, predictions: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`lower_limit` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    return _limit(truth, predictions, weights, side=-1)


def upper_limit(truth: Array, prediction: Array, context: Context = None) -> float:
    r"""Upper 95 % limit of agreement, :math:`\bar d + 1.96\, s_d`; see :func:`lower_limit`."""
    return single(resampled_upper_limit, truth, prediction)


def resampled_upper_limit(
    truth: Array, predictions: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`upper_limit` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    return _limit(truth, predictions, weights, side=1)


class _Moments(NamedTuple):
    """Moments over n, each (prediction, draw), those of the truth (1, draw); variances NaN without spread."""

    truth_mean: Array
    truth_variance: Array
    mean: Array
    variance: Array
    covariance: Array


def _moments(truth: Array, predictions: Array, weights: Array) -> _Moments:
    # Moments are taken about a common centre: squares of values far from 0 would cancel.
    centre = truth.mean()
    true, said = (truth - centre)[None], predictions - centre
    truth_mean, mean = weighted_mean(true, weights), weighted_mean(said, weights)
    truth_square, square = weighted_mean(true**2, weights), weighted_mean(said**2, weights)
    return _Moments(
        truth_mean,
        _spread(truth_square, truth_mean),
        mean,
        _spread(square, mean),
        weighted_mean(said * true, weights) - mean * truth_mean,
    )


def _spread(square: Array, mean: Array) -> Array:
    """Variance from mean square and mean; exactly 0 where rounding is all there is."""
    variance = square - mean**2
    return np.where(variance > NO_SPREAD * square, variance, 0.0)


def _limit(truth: Array, predictions: Array, weights: Array, side: int) -> Array:
    centre = (predictions - truth).mean(axis=1, keepdims=True)
    differences = predictions - truth - centre
    mean, count = weighted_mean(differences, weights), weights.sum(axis=0)
    variance = np.maximum(weighted_mean(differences**2, weights) - mean**2, 0.0) * ratio(count, count - 1)
    reach = NormalDist().inv_cdf((1 + WITHIN_LIMITS) / 2)
    limit: Array = centre + mean + side * reach * np.sqrt(variance)
    return limit


def _rank_correlations(truth: Array, predictions: Array, weights: Array) -> tuple[Array, Array]:
    """Rank correlation of each prediction in each resample of one stratum, and how many cases count there."""
    count = weights.sum(axis=0)
    true = _mid_ranks(truth, weights) - (count + 1) / 2  # (case, draw)
    spread = (weights * true**2).sum(axis=0)
    correlations = np.empty((len(predictions), weights.shape[1]))
    for row, prediction in enumerate(predictions):
        said = _mid_ranks(prediction, weights) - (count + 1) / 2
        product = np.sqrt(spread * (weights * said**2).sum(axis=0))
        correlations[row] = np.nan_to_num(ratio((weights * true * said).sum(axis=0), product))
    return correlations, np.where(spread > 0, count, 0.0)


def _mid_ranks(values: Array, weights: Array) -> Array:
    """Mean rank of each case among the repeated cases of each resample, from 1, shape (case, draw)."""
    block = score_levels(values)
    order: Codes = np.argsort(block, kind="stable")
    first = np.flatnonzero(np.diff(block[order], prepend=-1))
    held = np.add.reduceat(weights[order], first, axis=0)  # (block, draw)
    ranks: Array = np.cumsum(held, axis=0) - (held - 1) / 2
    return ranks[block]
