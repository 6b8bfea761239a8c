"""How far an AUC strays by chance."""

import numpy as np
import pandas as pd

from bench.metrics import Array


def chance_error(positive: Array, strata: Array) -> float:
    """Standard error of an AUC over pairs of the same stratum that is 0.5 (that of the rank-sum test)."""
    counts = pd.crosstab(strata, positive).to_numpy(dtype=float)
    pairs = counts.prod(axis=1) if counts.shape[1] > 1 else np.zeros(1)
    if not pairs.sum():
        return float("nan")
    return float(np.sqrt((pairs * (counts.sum(axis=1) + 1) / 12).sum()) / pairs.sum())
