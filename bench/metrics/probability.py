"""How good probabilities are as probabilities: losses, slope and intercept of calibration, net benefit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics.area import tells_nothing
from bench.metrics.metric import DRAWS_AT_ONCE, Array, Context, ratio, single, weighted_mean

# Probabilities are kept this far from 0 and 1 where a logarithm is taken of them: one that is certain and
# wrong then costs 13.8 nats instead of infinitely many.
CLIP = 1e-6

# Threshold probabilities that net benefit is averaged over: they enclose the prevalence of every biomarker.
NET_BENEFIT_RANGE = (0.1, 0.9)

NEWTON_STEPS = 60
LAST_STEP = 1e-5
ROUNDING = 1e-9


def brier(truth: Array, probability: Array, context: Context = None) -> float:
    r"""Mean squared error of a probability, :math:`\sum_i (p_i - y_i)^2 / n` (Brier 1950).

    Strictly proper: least in expectation for the true probabilities. Both arrays have shape (case,),
    ``truth`` is 0 or 1; in 0 (best) to 1, NaN without a case.
    """
    return single(resampled_brier, truth, probability)


def resampled_brier(
    truth: Array, probabilities: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`brier` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    return weighted_mean(squared_error(truth, probabilities), weights)


def squared_error(truth: Array, probabilities: Array) -> Array:
    """Square of each probability's distance from the truth, shape (prediction, case)."""
    error: Array = (probabilities - truth) ** 2
    return error


def brier_skill(truth: Array, probability: Array, constant: Context = None) -> float:
    r"""Share of the baseline's Brier score that is avoided, :math:`1 - B(p) / B(c)`.

    ``constant`` is what the baseline predicts for each case, the share of positives among the training
    cases of its fold, shape (case,); where left out, the share among these cases, which no predictor could
    know. 1 is perfect, 0 no better than the baseline, below 0 worse; NaN where the baseline makes no error
    (Murphy 1973).
    """
    return single(resampled_brier_skill, truth, probability, constant)


def resampled_brier_skill(
    truth: Array, probabilities: Array, constant: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`brier_skill` in many resamples; the third argument is the baseline, shape (case,)."""
    loss = resampled_brier(truth, probabilities, None, weights)
    if constant is None:
        prevalence = weighted_mean(truth[None], weights)
        return 1 - ratio(loss, prevalence * (1 - prevalence))
    return 1 - ratio(loss, resampled_brier(truth, constant[None], None, weights))


def log_loss(truth: Array, probability: Array, context: Context = None) -> float:
    r"""Mean negative log-likelihood in nats, :math:`-\sum_i \log |1 - y_i - p_i| / n` (Good 1952).

    Probabilities are clipped to :data:`CLIP` from 0 and 1. Strictly proper otherwise. 0 is best; NaN without
    a case.
    """
    return single(resampled_log_loss, truth, probability)


def resampled_log_loss(
    truth: Array, probabilities: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`log_loss` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    return weighted_mean(-np.log(np.abs(1 - truth - _clipped(probabilities))), weights)


def calibration_intercept(truth: Array, probability: Array, context: Context = None) -> float:
    r"""Calibration in the large: the shift :math:`a` of the logits that makes the mean right.

    Maximum likelihood of :math:`\mathrm{logit}\, P(y_i = 1) = a + \mathrm{logit}\, p_i`, the logit an offset
    (Cox 1958; Van Calster et al. 2016). 0 is best, above 0 probabilities are too low. Probabilities are
    clipped to :data:`CLIP`. NaN with one class, and for a prediction that is the same for all cases of a
    fold, which has no calibration.
    """
    return single(resampled_calibration_intercept, truth, probability, context)


def resampled_calibration_intercept(
    truth: Array, probabilities: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`calibration_intercept` in many resamples; see :func:`bench.metrics.resampled_auc`."""
    return _resampled_fits(truth, probabilities, context, weights, free_slope=False)


def calibration_slope(truth: Array, probability: Array, context: Context = None) -> float:
    r"""Slope :math:`b` of the maximum likelihood fit :math:`\mathrm{logit}\, P(y_i = 1) = a + b\,
    \mathrm{logit}\, p_i` (Cox 1958).

    1 is best; below 1 probabilities are too extreme, as after overfitting. Probabilities are clipped to
    :data:`CLIP`. NaN where no finite maximum exists: with one class, or where a threshold parts the classes
    (Albert & Anderson 1984); and for a prediction that is the same for all cases of a fold.
    """
    return single(resampled_calibration_slope, truth, probability, context)


def resampled_calibration_slope(
    truth: Array, probabilities: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`calibration_slope` in many resamples; see :func:`bench.metrics.resampled_auc`."""
    return _resampled_fits(truth, probabilities, context, weights, free_slope=True)


def decision_curve(truth: Array, probability: Array, thresholds: Sequence[float] | Array) -> Array:
    r"""Net benefit of treating whom the probability puts at a threshold or above, for each threshold.

    .. math:: \frac{TP_t}{n} - \frac{FP_t}{n} \frac{t}{1 - t}

    A threshold probability t within (0, 1) means that a false positive is worth t / (1 - t) true positives
    (Vickers & Elkin 2006). Treating nobody has 0; treating all is the curve of a probability of 1.
    Probability and truth have shape (case,); returns shape (threshold,).
    """
    cuts = np.asarray(thresholds, dtype=float)
    treated = probability >= cuts[:, None]  # (threshold, case)
    worth = np.where(truth == 1, 1.0, -(cuts / (1 - cuts))[:, None])
    curve: Array = (treated * worth).mean(axis=1)
    return curve


def net_benefit(truth: Array, probability: Array, context: Context = None) -> float:
    r"""Mean of :func:`decision_curve` over all thresholds from ``a`` to ``b``, :data:`NET_BENEFIT_RANGE`.

    The integral is exact: a positive case adds :math:`c_i - a` and a negative one takes
    :math:`\int_a^{c_i} t / (1 - t)\, dt = (a - c_i) + \log \frac{1 - a}{1 - c_i}`, with :math:`c_i` the
    probability clipped to the range; their mean over cases is divided by :math:`b - a`. Higher is better, 0
    is treating nobody; the best possible is the prevalence. NaN without a case.
    """
    return single(resampled_net_benefit, truth, probability)


def resampled_net_benefit(
    truth: Array, probabilities: Array, context: Context, weights: Array
) -> NDArray[np.float64]:
    """:func:`net_benefit` in many resamples; arguments and result as :func:`bench.metrics.resampled_auc`."""
    low, high = NET_BENEFIT_RANGE
    reached = np.clip(probabilities, low, high)
    harm = (low - reached) + np.log((1 - low) / (1 - reached))
    return weighted_mean(np.where(truth == 1, reached - low, -harm) / (high - low), weights)


def _clipped(probability: Array) -> Array:
    return np.clip(probability, CLIP, 1 - CLIP)


def _resampled_fits(
    truth: Array, probabilities: Array, fold: Context, weights: Array, free_slope: bool
) -> Array:
    """Slope, or intercept for a slope of 1, of each prediction in each resample, (prediction, draw)."""
    result = np.full((len(probabilities), weights.shape[1]), np.nan)
    everyone = np.ones((len(truth), 1))
    for row, probability in enumerate(_clipped(probabilities)):
        if tells_nothing(probability, fold):
            continue
        logit = np.log(probability / (1 - probability))
        # Close to where the resamples end up: a fit then takes three or four steps.
        start = _fit(truth, logit, everyone, np.array([[0.0], [1.0]]), free_slope)
        start = np.where(np.isnan(start), [[0.0], [1.0]], start)
        for at in range(0, weights.shape[1], DRAWS_AT_ONCE):
            drawn = np.ascontiguousarray(weights[:, at : at + DRAWS_AT_ONCE], dtype=float)
            fitted = _fit(truth, logit, drawn, np.repeat(start, drawn.shape[1], axis=1), free_slope)
            result[row, at : at + DRAWS_AT_ONCE] = fitted[int(free_slope)]
    return result


def _fit(truth: Array, logit: Array, weights: Array, start: Array, free_slope: bool) -> Array:
    """Intercept and slope of a logistic regression in each resample, (2, draw), by damped Newton steps.

    A step that lowers the likelihood is taken again at half its length. NaN where no maximum exists.
    """
    found, length = start.copy(), np.ones(weights.shape[1])
    exists = _has_maximum(truth, logit, weights, free_slope)
    reached, expected = _likelihood(truth, logit, weights, found)
    for _ in range(NEWTON_STEPS):
        step = length * _newton_step(truth, logit, weights, expected, free_slope)
        step[:, ~exists] = 0.0
        likelihood, moved = _likelihood(truth, logit, weights, found + step)
        better = likelihood >= reached - ROUNDING
        found, reached = np.where(better, found + step, found), np.where(better, likelihood, reached)
        # Newton's error is squared by each step: after one below the square root it is below 1e-9.
        if better.all() and np.abs(step).max(initial=0.0) < LAST_STEP:
            break
        expected, length = np.where(better, moved, expected), np.where(better, 1.0, length / 2)
    return np.where(exists, found, np.nan)


def _newton_step(truth: Array, logit: Array, weights: Array, expected: Array, free_slope: bool) -> Array:
    residual, spread = weights * (truth[:, None] - expected), weights * expected * (1 - expected)
    score, information = residual.sum(axis=0), spread.sum(axis=0)
    if not free_slope:
        return np.stack([ratio(score, information), np.zeros_like(score)])
    slope_score, mixed, slope_information = logit @ residual, logit @ spread, logit**2 @ spread
    determinant = information * slope_information - mixed**2
    intercept = ratio(slope_information * score - mixed * slope_score, determinant)
    return np.stack([intercept, ratio(information * slope_score - mixed * score, determinant)])


def _likelihood(truth: Array, logit: Array, weights: Array, at: Array) -> tuple[Array, Array]:
    """Log-likelihood (draw,) and expected probability (case, draw) at these intercepts and slopes."""
    linear = at[0] + at[1] * logit[:, None]
    small = np.exp(-np.abs(linear))
    softplus = np.maximum(linear, 0) + np.log1p(small)
    expected = np.where(linear > 0, 1.0, small) / (1 + small)
    return np.einsum("cd,cd->d", weights, truth[:, None] * linear - softplus), expected


def _has_maximum(truth: Array, logit: Array, weights: Array, free_slope: bool) -> NDArray[np.bool_]:
    """Whether both classes are there and, for a slope, overlap strictly from either side, shape (draw,)."""
    held = weights > 0
    positive, negative = held & (truth == 1)[:, None], held & (truth != 1)[:, None]
    both: NDArray[np.bool_] = positive.any(axis=0) & negative.any(axis=0)
    if not free_slope:
        return both
    column = logit[:, None]
    highest = [np.where(one, column, -np.inf).max(axis=0, initial=-np.inf) for one in (positive, negative)]
    lowest = [np.where(one, column, np.inf).min(axis=0, initial=np.inf) for one in (positive, negative)]
    overlap: NDArray[np.bool_] = both & (highest[1] > lowest[0]) & (highest[0] > lowest[1])
    return overlap
