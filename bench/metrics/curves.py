"""The curves behind two metrics of order: ROC and precision-recall, within strata, in many resamples.

Both are means over strata, so that the area below a curve is the metric of the same name: comparing the
scores of models of different folds would draw a curve that belongs to no model.
"""

import numpy as np
from numpy.typing import NDArray

from bench.metrics.area import stratum_codes
from bench.metrics.metric import Array, Codes, ratio
from bench.metrics.precision import counted_before, falling_blocks, summed_precisions


def resampled_roc(
    truth: Array, score: Array, stratum: NDArray[np.generic] | None, weights: Array, at: Array
) -> Array:
    r"""Sensitivity at given false-positive rates, mean over strata by pairs, in many resamples.

    .. math:: \mathrm{ROC}(t) = \sum_s n^+_s n^-_s \mathrm{ROC}_s(t) \Big/ \sum_s n^+_s n^-_s

    with each stratum's curve joined by straight lines, over tied cases as well. The area below it is
    :func:`bench.metrics.auc` of the same strata.

    Parameters
    ----------
    truth, score, stratum
        As for :func:`bench.metrics.auc`, shape (case,).
    weights
        How often each resample holds each case, shape (case, draw).
    at
        False-positive rates in 0 to 1, ascending, shape (point,).

    Returns
    -------
    numpy.ndarray
        Shape (point, draw); NaN for a resample without a pair.
    """
    positive, codes = truth == 1, stratum_codes(stratum, len(truth))
    summed = np.zeros((len(at), weights.shape[1]))
    pairs = np.zeros(weights.shape[1])
    for one in np.unique(codes):
        mine = codes == one
        order, first, _ = falling_blocks(score[mine], np.zeros(int(mine.sum()), dtype=np.intp))
        held = weights[mine][order]
        hit = _reached(held * positive[mine][order, None], first)
        alarm = _reached(held * ~positive[mine][order, None], first)
        mass = hit[-1] * alarm[-1]
        pairs += mass
        for draw in np.flatnonzero(mass):
            summed[:, draw] += _interpolated(at, alarm[:, draw], hit[:, draw]) * mass[draw]
    return ratio(summed, pairs)


def resampled_precision_recall(
    truth: Array, score: Array, stratum: NDArray[np.generic] | None, weights: Array, at: Array
) -> Array:
    """Precision at given recalls, mean over strata by their positive cases, in many resamples.

    At a recall that lies among the positive cases of a block of ties it is their mean precision over the
    orders of the block, so the area below the curve is :func:`bench.metrics.average_precision` of the same
    strata. Arguments as for :func:`resampled_roc`, with whole weights and recalls in place of false-positive
    rates; shape (point, draw).
    """
    positive, codes = truth == 1, stratum_codes(stratum, len(truth))
    drawn = weights.astype(np.intp)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, drawn.sum(axis=0).max(initial=0) + 1))])
    summed = np.zeros((len(at), weights.shape[1]))
    positives = np.zeros(weights.shape[1])
    for one in np.unique(codes[positive]):
        mine = codes == one
        held = drawn[mine]
        found, precision = _precisions(positive[mine], score[mine], held, harmonic)
        positives += found[-1]
        for draw in np.flatnonzero(found[-1]):
            block = np.searchsorted(found[:, draw], at * found[-1, draw] * (1 - 1e-12), side="left")
            block = np.maximum(block, np.searchsorted(found[:, draw], 0, side="right"))
            summed[:, draw] += precision[block, draw] * found[-1, draw]
    return ratio(summed, positives)


def _precisions(
    positive: NDArray[np.bool_], score: Array, drawn: Codes, harmonic: Array
) -> tuple[Codes, Array]:
    """Positives found up to each block of ties, and the mean precision of its own; both (block, draw)."""
    order, first, of_stratum = falling_blocks(score, np.zeros(len(score), dtype=np.intp))
    gains = drawn * positive[:, None]
    every, hits = (np.add.reduceat(one[order], first, axis=0) for one in (drawn, gains))
    before = counted_before(every, of_stratum), counted_before(hits, of_stratum)
    return np.cumsum(hits, axis=0), ratio(summed_precisions(every, hits, *before, harmonic), hits)


def _reached(weight: Array, first: Codes) -> Array:
    """Weight up to the end of each block of ties, from 0 on, shape (block + 1, draw)."""
    summed = np.cumsum(np.add.reduceat(weight, first, axis=0), axis=0)
    return np.concatenate([np.zeros((1, weight.shape[1])), summed])


def _interpolated(at: Array, alarm: Array, hit: Array) -> Array:
    """Share of the hits at given shares of the alarms; the highest where the curve rises steeply."""
    curve: Array = np.interp(at, alarm / alarm[-1], hit / hit[-1])
    return curve
