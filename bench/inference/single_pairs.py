"""The part of the covariance of AUCs that belongs to single pairs of cases."""

from collections.abc import Sequence

import numpy as np

from bench.metrics import Array, Codes, sort_keys

# The correction for small strata is of order 1 / pairs: beyond this many, the rounding of tables hides it.
MAX_CORRECTED_PAIRS = 1_000_000


def single_pair_covariance(truth: Array, scores: Sequence[Array], strata: Codes) -> Array:
    """Covariance of the AUCs that belongs to single pairs, beyond what either of their cases explains.

    Per stratum: the residual mean product of the pairs' scores after row and column means, times the pairs of
    the stratum, over the square of all pairs. Strata with one case in a class have no residual, and those
    with more than :data:`MAX_CORRECTED_PAIRS` need none. Shape (prediction, prediction).
    """
    total, pairs = np.zeros((len(scores),) * 2), 0
    for code in np.unique(strata):
        here = strata == code
        positive, negative = np.flatnonzero(here & (truth == 1)), np.flatnonzero(here & (truth != 1))
        size = len(positive) * len(negative)
        pairs += size
        if min(len(positive), len(negative)) < 2 or size > MAX_CORRECTED_PAIRS:
            continue
        residuals = np.array([_residual(_pair_scores(score, positive, negative)) for score in scores])
        total += size * (residuals @ residuals.T) / ((len(positive) - 1) * (len(negative) - 1))
    covariance: Array = total / max(pairs, 1) ** 2
    return covariance


def _residual(won: Array) -> Array:
    """What is left of a table after its row and column means, as one row."""
    left: Array = won - won.mean(axis=0) - won.mean(axis=1, keepdims=True) + won.mean()
    return left.ravel()


def _pair_scores(score: Array, positive: Codes, negative: Codes) -> Array:
    """1 where the positive case scores higher, 0.5 for a tie, mean over seeds, shape (positive, negative)."""
    rows = np.atleast_2d(score)
    keys = [sort_keys(row, np.zeros(len(row), dtype=np.intp)) for row in rows]
    won: Array = np.mean([(np.sign(key[positive][:, None] - key[negative]) + 1) / 2 for key in keys], axis=0)
    return won
