"""How far an AUC strays by chance."""

import numpy as np

from bench.metrics import Array


def chance_error(positive: Array, strata: Array) -> float:
    """Standard error of an AUC over pairs of the same stratum that is 0.5 (that of the rank-sum test).

    Parameters
    ----------
    positive, strata
        Class, 0 or 1, and stratum of each case, shape (case,); cases without either do not count.

    Returns
    -------
    float
        NaN where no stratum has both classes.
    """
    known = ~(np.isnan(positive) | np.isnan(strata))
    codes = np.unique(strata[known], return_inverse=True)[1]
    one = np.bincount(codes, weights=positive[known])
    every = np.bincount(codes)
    pairs = one * (every - one)
    if not pairs.sum():
        return float("nan")
    return float(np.sqrt((pairs * (every + 1) / 12).sum()) / pairs.sum())
