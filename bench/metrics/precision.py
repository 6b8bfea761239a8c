"""Average precision: how pure the cases are that a score puts first."""

import numpy as np
from numpy.typing import NDArray

from bench.metrics.area import sort_keys, stratum_codes
from bench.metrics.metric import DRAWS_AT_ONCE, Array, Codes, ratio, single


def average_precision(truth: Array, score: Array, stratum: NDArray[np.generic] | None = None) -> float:
    r"""Mean over positive cases of the precision among the cases of their stratum that score as high.

    .. math:: \hat\theta = \frac1{\sum_s |s^+|} \sum_s \sum_{i \in s^+} \mathrm E\,
              \frac{\#\{j \in s^+ : r_j \le r_i\}}{\#\{j \in s : r_j \le r_i\}}

    with :math:`r` the rank by falling score in the stratum and the expectation over random orders of tied
    cases. So a tie counts as the mean of its orders, as in the AUC, and the baseline gets exactly
    what a coin gets on average: in small folds that is well above the prevalence (3 of 15 positive: 0.33, not
    0.20). Without ties and strata this is the step-wise area below the precision-recall curve of
    ``sklearn.metrics.average_precision_score``, which counts a tied block as one threshold instead.

    It depends on the prevalence of the cases; so resamples do not hold that fixed.

    Arguments as for :func:`bench.metrics.auc`; in 0 to 1, NaN without a positive case.

    References
    ----------
    McSherry & Najork 2008 (ties); Bestgen 2015 (the value of a coin); Boyd, Eng & Page 2013.
    """
    return single(resampled_average_precision, truth, score, stratum)


def resampled_average_precision(
    truth: Array, scores: Array, stratum: NDArray[np.generic] | None, weights: Array
) -> NDArray[np.float64]:
    """:func:`average_precision` of several predictions in many resamples.

    In a block of n tied cases, p of them positive, behind N cases with P positives of their stratum, the
    expected precisions of the positives sum to ``p/n [(P + 1) h + (p - 1)/(n - 1) (n - (N + 1) h)]``, with
    ``h`` the sum of ``1 / (N + k)`` for k = 1 to n. Arguments and result as
    :func:`bench.metrics.resampled_auc`; whole weights.
    """
    codes = stratum_codes(stratum, len(truth))
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, weights.sum(axis=0).max(initial=0) + 1))])
    blocks = [falling_blocks(score, codes) for score in scores]
    result = np.empty((len(scores), weights.shape[1]))
    for start in range(0, weights.shape[1], DRAWS_AT_ONCE):
        drawn = weights[:, start : start + DRAWS_AT_ONCE].astype(np.intp)
        gains = drawn * (truth == 1)[:, None]
        for row, (order, first, first_of_stratum) in enumerate(blocks):
            every, positives = (np.add.reduceat(one[order], first, axis=0) for one in (drawn, gains))
            before = counted_before(every, first_of_stratum), counted_before(positives, first_of_stratum)
            summed = summed_precisions(every, positives, *before, harmonic).sum(axis=0)
            result[row, start : start + DRAWS_AT_ONCE] = ratio(summed, positives.sum(axis=0))
    return result


def coin_average_precision(positives: int, cases: int) -> float:
    """Expected average precision of a random order (Bestgen 2015), from the counts of one stratum."""
    truth = (np.arange(cases) < positives).astype(float)
    return average_precision(truth, np.zeros(cases))


def falling_blocks(score: Array, stratum: Codes) -> tuple[Codes, Codes, Codes]:
    """Order by stratum and falling score, first case of each tied block, first block of its stratum."""
    keys = sort_keys(-score, stratum)
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.diff(keys[order], prepend=0))
    of_stratum = stratum[order][first]
    return order, first, np.searchsorted(of_stratum, of_stratum, side="left")


def counted_before(counts: Codes, first_of_stratum: Codes) -> Codes:
    """For each block, how many cases its stratum has in earlier blocks, shape (block, draw)."""
    before = np.cumsum(counts, axis=0) - counts
    within: Codes = before - before[first_of_stratum]
    return within


def summed_precisions(n: Codes, p: Codes, before: Codes, positives_before: Codes, harmonic: Array) -> Array:
    """Expected sum of the precisions of each block's positives, shape (block, draw)."""
    h = harmonic[before + n] - harmonic[before]
    inner = np.maximum(p - 1, 0) / np.maximum(n - 1, 1) * (n - (before + 1) * h)
    summed: Array = p / np.maximum(n, 1) * ((positives_before + 1) * h + inner)
    return summed
