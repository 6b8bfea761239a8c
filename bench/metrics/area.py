"""The area under the ROC curve over comparable pairs, and its value in many resamples at once."""

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import DRAWS_AT_ONCE, Array, Codes

# Scores that differ by less than this share of their size are a tie: one prediction, summed in another order.
TIE = 1e-12
# Whole numbers below this are exact in single precision, which takes half the time.
EXACT_IN_SINGLE = 2**24


def auc(truth: Array, score: Array, stratum: NDArray[np.generic] | None = None) -> float:
    r"""Area under the ROC curve over the pairs of cases that share a stratum.

    .. math:: \hat\theta = \sum_s \sum_{i \in s^+, j \in s^-} [x_i > x_j] + \tfrac12 [x_i = x_j]
              \Big/ \sum_s |s^+| |s^-|

    Without strata this is the ordinary area (Mann & Whitney 1947; Hanley & McNeil 1982). With folds as strata
    it is invariant to any increasing transform within a fold and exactly 0.5 for a prediction that is
    constant within each, neither of which holds for the pooled area of cross-validated predictions (Airola
    et al. 2011; Forman & Scholz 2010).

    Parameters
    ----------
    truth
        1 for positive, 0 for negative cases, shape (case,).
    score
        Higher means more likely positive, finite, shape (case,).
    stratum
        Stratum of each case, shape (case,); one stratum where left out.

    Returns
    -------
    float
        In 0 to 1; NaN where no stratum holds both classes.
    """
    positive = truth == 1
    codes = stratum_codes(stratum, len(truth))
    pairs = float(pair_counts(positive, codes)[positive].sum())
    return float(placements(positive, score, codes)[positive].sum()) / pairs if pairs else float("nan")


def stratum_codes(stratum: NDArray[np.generic] | None, cases: int) -> Codes:
    """Strata numbered from 0, shape (case,); all 0 where there are none."""
    if stratum is None:
        return np.zeros(cases, dtype=np.intp)
    codes: Codes = np.unique(stratum, return_inverse=True)[1].astype(np.intp)
    return codes


def pair_counts(positive: NDArray[np.bool_], stratum: Codes) -> Array:
    """For each case, the number of cases of the other class in its stratum, shape (case,)."""
    length = int(stratum.max(initial=-1)) + 1
    positives = np.bincount(stratum[positive], minlength=length)
    negatives = np.bincount(stratum[~positive], minlength=length)
    return np.where(positive, negatives[stratum], positives[stratum]).astype(float)


def placements(positive: NDArray[np.bool_], score: Array, stratum: Codes) -> Array:
    """For each case, how many cases of the other class in its stratum it is ordered rightly against.

    A tie counts one half. Divided by :func:`pair_counts` these are the structural components of DeLong et al.
    (1988), here by sorting as in Sun & Xu (2014): O(n log n). Shape (case,).
    """
    keys = sort_keys(score, stratum)
    below = _halfway(np.sort(keys[~positive]), keys[positive])
    below -= np.searchsorted(np.sort(stratum[~positive]), stratum[positive], side="left")
    above = np.searchsorted(np.sort(stratum[positive]), stratum[~positive], side="right").astype(float)
    above -= _halfway(np.sort(keys[positive]), keys[~positive])
    placed = np.empty(len(score))
    placed[positive], placed[~positive] = below, above
    return placed


def resampled_auc(
    truth: Array, scores: Array, stratum: NDArray[np.generic] | None, weights: Array
) -> NDArray[np.float64]:
    """:func:`auc` of several predictions in many resamples.

    A pair counts the product of its cases' weights. In the order of (stratum, score), the weight of the
    negatives below a positive is a difference of two cumulative sums, so all resamples cost one pass over
    the cases: O(cases x draws) a prediction, whatever the ties and strata.

    Parameters
    ----------
    truth, stratum
        As in :func:`auc`, shape (case,).
    scores
        Shape (prediction, case).
    weights
        How often each resample holds each case, shape (case, draw).

    Returns
    -------
    numpy.ndarray
        Shape (prediction, draw); NaN for a resample without a pair.
    """
    positive = truth == 1
    codes = stratum_codes(stratum, len(truth))
    plans = [_ascent(positive, score, codes) for score in scores]
    result = np.empty((len(scores), weights.shape[1]))
    for start in range(0, weights.shape[1], DRAWS_AT_ONCE):
        block = slice(start, start + DRAWS_AT_ONCE)
        drawn = np.ascontiguousarray(weights[:, block], dtype=float)
        if _counts_fit(positive, drawn):
            drawn = drawn.astype(np.float32)
        result[:, block] = _weighted_auc(positive, codes, plans, drawn)
    return result


def _counts_fit(positive: NDArray[np.bool_], weights: Array) -> bool:
    """Whether whole weights count so few pairs in each resample that single precision holds their number."""
    pairs = weights[positive].sum(axis=0) * weights[~positive].sum(axis=0)
    return bool(pairs.max(initial=0) < EXACT_IN_SINGLE and (weights == np.rint(weights)).all())


def sort_keys(score: Array, stratum: Codes) -> Codes:
    """Integers that order the cases by stratum, then by score; equal where both are equal."""
    order = np.lexsort((score, stratum))
    rises = np.ones(len(score), dtype=bool)
    rises[1:] = _apart(score[order]) | (np.diff(stratum[order]) != 0)
    keys = np.empty(len(score), dtype=np.intp)
    keys[order] = np.cumsum(rises)
    return keys


def score_levels(score: Array) -> Codes:
    """Place of each score among the different ones, from 0, shape (case,); see :data:`TIE`."""
    order = np.argsort(score, kind="stable")
    levels = np.zeros(len(score), dtype=np.intp)
    levels[order[1:]] = np.cumsum(_apart(score[order]))
    return levels


def tells_nothing(score: Array, stratum: NDArray[np.generic] | None = None) -> bool:
    """Whether a score is the same for all cases of each stratum, such as a prevalence; shapes (case,)."""
    keys = sort_keys(score, stratum_codes(stratum, len(score)))
    return len(np.unique(keys)) == len(np.unique(stratum_codes(stratum, len(score))))


def _apart(ordered: Array) -> NDArray[np.bool_]:
    """Whether each of the ordered scores, from the second on, differs from the one before."""
    size = np.maximum(np.abs(ordered[1:]), np.abs(ordered[:-1]))
    apart: NDArray[np.bool_] = np.diff(ordered) > TIE * size
    return apart


def _halfway(ordered: Codes, keys: Codes) -> Array:
    """How many of the ordered keys lie below each key, those equal to it counted half."""
    low, high = np.searchsorted(ordered, keys, side="left"), np.searchsorted(ordered, keys, side="right")
    middle: Array = (low + high) / 2
    return middle


def _ascent(positive: NDArray[np.bool_], score: Array, stratum: Codes) -> tuple[Codes, Codes, Codes]:
    """Order of the negatives, and for each positive how many of them lie below it and at most level."""
    keys = sort_keys(score, stratum)
    order = np.argsort(keys[~positive], kind="stable")
    ordered = keys[~positive][order]
    low = np.searchsorted(ordered, keys[positive], side="left")
    return order, low, np.searchsorted(ordered, keys[positive], side="right")


def _weighted_auc(
    positive: NDArray[np.bool_], stratum: Codes, plans: list[tuple[Codes, Codes, Codes]], weights: Array
) -> NDArray[np.float64]:
    """The block of :func:`resampled_auc` for these draws, shape (prediction, draw)."""
    gains, losses = (np.ascontiguousarray(weights[part].T) for part in (positive, ~positive))
    total = np.zeros((weights.shape[1], losses.shape[1] + 1), dtype=weights.dtype)
    order = np.argsort(stratum[~positive], kind="stable")
    np.cumsum(losses[:, order], axis=1, out=total[:, 1:])
    ordered = stratum[~positive][order]
    first = np.searchsorted(ordered, stratum[positive], side="left")
    after = np.searchsorted(ordered, stratum[positive], side="right")
    earlier = _row_dot(gains, total[:, first])
    pairs = _row_dot(gains, total[:, after]) - earlier
    won = np.empty((len(plans), weights.shape[1]))
    for row, (order, low, high) in enumerate(plans):
        np.cumsum(losses[:, order], axis=1, out=total[:, 1:])
        won[row] = (_row_dot(gains, total[:, low]) + _row_dot(gains, total[:, high])) / 2 - earlier
    with np.errstate(invalid="ignore"):
        return won / np.where(pairs > 0, pairs, np.nan)


def _row_dot(left: Array, right: Array) -> NDArray[np.float64]:
    """Dot product of each row with the same row of the other, shape (draw,)."""
    product: NDArray[np.float64] = np.einsum("dc,dc->d", left, right).astype(float)
    return product
