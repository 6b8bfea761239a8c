"""The corrected resampled t-test of two learning algorithms, and the one estimand that it is for.

:func:`bench.scoring.comparison.compare` asks which of two *fitted* methods predicts new patients better. This
test asks which *algorithm* does, over training sets as well, and needs repeated cross-validation of one
population.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from bench.errors import SplitError
from bench.inference import ALPHA, NO_INTERVAL, Difference, Interval
from bench.metrics import Array


@dataclass(frozen=True)
class ResampledT:
    """A corrected resampled t-test.

    ``ratio`` is what inflates the variance beside one over the number of differences; ``freedom`` are the
    degrees of freedom.
    """

    difference: Difference
    ratio: float
    freedom: int


def nadeau_bengio(differences: Array, train_size: float, test_size: float) -> ResampledT:
    r"""Mean difference over folds of repeated cross-validation, its variance corrected for shared cases.

    .. math:: t = \frac{\bar d}{\sqrt{(1 / k + \rho / (1 - \rho))\, s^2}}, \quad
              \rho = \frac{2\, n_1 n_2}{(n_1 + n_2)^2}, \quad J - 1 \text{ degrees of freedom}

    for the k differences of J folds in each repeat. The t-test of Nadeau & Bengio (2003; for repeated
    cross-validation Bouckaert & Frank 2004) with another correlation between folds. Theirs, n2 / (n1 + n2),
    is a heuristic (no unbiased estimate exists: Bengio & Grandvalet 2004), and rejects up to 14 % of equal
    weak learners at n = 74. This one is what folds of many repeats have where there is little to learn: a
    difference is then a sum over pairs of a learned and a tested case, and two folds share a pair from
    either side. With signal the correlation is lower and the test conservative. See
    ``tests/simulations/resampled_t.py``.

    Parameters
    ----------
    differences
        Difference of a metric in every fold of every repeat, shape (repeat, fold).
    train_size, test_size
        Cases learned from and tested in a fold, as :func:`one_population` gives them.

    Raises
    ------
    SplitError
        There are fewer than two repeats or folds.
    """
    if differences.ndim != 2 or min(differences.shape) < 2:
        raise SplitError(
            "the corrected resampled t-test is for repeated cross-validation: expected differences of shape "
            f"(repeat, fold), at least (2, 2), got {differences.shape}; cut the split again with other seeds"
        )
    correlation = 2 * train_size * test_size / (train_size + test_size) ** 2
    ratio, freedom = correlation / (1 - correlation), differences.size - 1
    value = float(differences.mean())
    error = float(np.sqrt((1 / differences.size + ratio) * differences.var(ddof=1)))
    if error == 0:
        return ResampledT(Difference(value, NO_INTERVAL, 1.0 if value == 0 else float("nan")), ratio, freedom)
    reach = float(stdtrit(freedom, 1 - ALPHA / 2)) * error
    p = float(2 * stdtr(freedom, -abs(value) / error))
    return ResampledT(Difference(value, Interval(value - reach, value + reach), p), ratio, freedom)
