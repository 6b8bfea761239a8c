"""How well predicted subtypes agree with the true ones: confusion matrix, macro-F1, kappa and macro AUC."""

import numpy as np
from numpy.typing import NDArray

from bench.inference import (
    ALPHA,
    MIN_PATIENTS,
    NEGLIGIBLE,
    NO_INTERVAL,
    Interval,
    auc_influence,
    delong,
)
from bench.inference.bootstrap import seed_freedom
from bench.inference.delong import ROUNDING
from bench.inference.estimate import satterthwaite, student_quantile
from bench.metrics import Array, Codes, auc
from bench.scoring.subtypes.rules import OUTSIDE


def confusion_matrix(truth: Codes, predicted: Codes, classes: int, weights: Array) -> NDArray[np.float64]:
    """Weight of the cases of each true (row) and predicted (column) class, in many resamples at once.

    Parameters
    ----------
    truth, predicted
        Codes of the classes, shape (case,); predicted may be :data:`OUTSIDE`, which is the last column.
    weights
        How often each resample holds each case, shape (case, draw).

    Returns
    -------
    numpy.ndarray
        Shape (draw, class, class + 1).
    """
    cell = truth * (classes + 1) + np.where(predicted == OUTSIDE, classes, predicted)
    members = (np.arange(classes * (classes + 1))[:, None] == cell).astype(float)
    counts: NDArray[np.float64] = (members @ weights).T.reshape(-1, classes, classes + 1)
    return counts


def macro_f1(confusion: Array) -> NDArray[np.float64]:
    r"""Macro-averaged F1, :math:`\frac1K \sum_k 2 c_{kk} / (c_{k\cdot} + c_{\cdot k})`.

    The mean is over the classes that some true case has, as scikit-learn's ``f1_score`` with those labels. A
    prediction outside all classes misses its true one and hits none. ``confusion`` has shape
    (..., class, class + 1); the result (...), NaN without a case. It is the mean of F1 values, not the F1 of
    mean precision and recall: Opitz & Burst 2019, arXiv:1911.03347.
    """
    true, predicted, hits = _margins(confusion)
    return _mean_where(2 * hits / np.maximum(true + predicted, 1e-300), true > 0)


def kappa(confusion: Array) -> NDArray[np.float64]:
    r"""Cohen's unweighted kappa, :math:`(p_o - p_e) / (1 - p_e)`; Cohen 1960, doi:10.1177/001316446002000104.

    Shapes as in :func:`macro_f1`; NaN where truth and prediction are one and the same class throughout.
    """
    true, predicted, hits = _margins(confusion)
    n = true.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed, expected = hits.sum(axis=-1) / n, (true * predicted).sum(axis=-1) / n**2
        result: NDArray[np.float64] = np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
    return result


def _margins(confusion: Array) -> tuple[Array, Array, Array]:
    """Cases of each true class, of each predicted class, and of both, shape (..., class)."""
    square = confusion[..., :-1]
    return confusion.sum(axis=-1), square.sum(axis=-2), np.diagonal(square, axis1=-2, axis2=-1)


def _mean_where(values: Array, valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean over the last axis of the valid values; NaN where there is none."""
    count = valid.sum(axis=-1)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = np.where(valid, values, 0.0).sum(axis=-1) / np.where(count, count, np.nan)
    return mean


def macro_auc(truth: Codes, probabilities: Array, fold: NDArray[np.generic] | None = None) -> float:
    r"""Mean over the classes of the area under the ROC curve of each class against the rest.

    .. math:: \frac{1}{|C|} \sum_{k \in C} \mathrm{AUC}([y = k], P(k))

    with pairs of cases of the same fold, see :func:`bench.metrics.auc`. ``C`` are the classes that have a
    pair; NaN without any. The unweighted form of Provost & Domingos 2001.

    Parameters
    ----------
    truth, fold
        Class and fold of each case, shape (case,).
    probabilities
        Of each class, shape (case, class + 1), as :func:`class_probabilities` returns them.
    """
    by_class = [auc((truth == k).astype(float), probabilities[:, k], fold) for k in _classes(probabilities)]
    return float(_mean_where(np.array(by_class), ~np.isnan(by_class)))


def macro_auc_interval(
    truth: Codes,
    probabilities: Array,
    fold: NDArray[np.generic] | None,
    patient: NDArray[np.generic],
    factor: float = 1.0,
) -> Interval:
    r"""95 % interval of :func:`macro_auc`, mean over seeds, by patient on the logit scale.

    The structural components of DeLong et al. (1988) of each class against the rest, averaged over the
    classes and summed by patient, add up in squares to the variance of the macro AUC: a patient counts
    once, though its cases are positive for one class and negative for the others. Coverage is measured by
    ``tests/simulations/subtype_coverage.py``; the percentile bootstrap covered less.

    Where it is 1, some class has an AUC no greater than the macro AUC, so the lower limit is
    ``.025 ** (1 / d)`` with the fewest disjoint pairs of a class, as in :func:`bench.inference.auc_interval`;
    likewise for 0. NaN without a pair, where a class has no more patients than there are folds, and where
    folds too small to show a spread leave none; and with fewer than
    :data:`bench.inference.MIN_PATIENTS` patients.

    ``probabilities`` has shape (seed, case, class + 1), the others (case,); ``factor`` is that of
    :func:`bench.inference.delong`.
    """
    from scipy.special import expit, logit

    every = [
        delong((truth == k).astype(float), [probabilities[..., k]], fold, patient, factor)
        for k in _classes(probabilities)
    ]
    paired = [sample for sample in every if not np.isnan(sample.auc[0])]
    if not paired or len(np.unique(patient)) < MIN_PATIENTS:
        return NO_INTERVAL
    value = float(np.mean([sample.auc[0] for sample in paired]))
    if not ROUNDING < value < 1 - ROUNDING:
        limit = (ALPHA / 2) ** (1 / min(sample.disjoint_pairs for sample in paired))
        return Interval(limit, 1.0) if value > 0.5 else Interval(0.0, 1 - limit)
    influence = np.mean([auc_influence(sample)[0] for sample in paired], axis=0)
    seeds = np.mean([sample.seeds[0] for sample in paired], axis=0)
    chance = float((seeds**2).sum())
    variance = float((influence**2).sum()) + chance
    if variance < NEGLIGIBLE and not all(sample.is_constant(0) for sample in paired):
        return NO_INTERVAL
    error = np.sqrt(variance) / (value * (1 - value))
    freedom = satterthwaite([(variance - chance, np.inf), (chance, seed_freedom(seeds))])
    reach = student_quantile(freedom) * error
    if np.isnan(reach):
        return NO_INTERVAL
    return Interval(float(expit(logit(value) - reach)), float(expit(logit(value) + reach)))


def _classes(probabilities: Array) -> range:
    return range(probabilities.shape[-1] - 1)
