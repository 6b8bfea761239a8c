"""Linear models with an L1 or elastic-net penalty, along a path of penalties."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import ElasticNet

from bench_zoo.tabular.linear import Path

# Newton steps end when no weight moves farther; features are standardised.
STEP = 1e-3
MOST_STEPS = 50
# A curvature below that of a probability of 1e-5 says no more than noise.
LEAST_CURVATURE = 1e-5


def sparse_path(binary: bool, strengths: Sequence[float], l1_ratios: Sequence[float]) -> Path:
    r"""Models that minimise, over weights :math:`w` and intercept :math:`b`,

    .. math:: \frac1n \sum_i \ell(x_i^T w + b, y_i)
              + s \left( \lVert w \rVert_1 + \frac{1 - r}{2 r} \lVert w \rVert_2^2 \right)

    for every strength :math:`s` and L1 ratio :math:`0 < r \le 1` (1: LASSO, Tibshirani 1996; below:
    elastic net, Zou and Hastie 2005), the strongest first, each solved from the last one's weights.

    Binary: :math:`\ell` is the log loss of a logit. Solved as in glmnet (Friedman, Hastie and Tibshirani, J
    Stat Softw 33, 2010): Newton steps, each a weighted least-squares problem with the same penalty, by
    scikit-learn's coordinate descent. Continuous: half the squared error of the encoded label; the intercept
    then moves by the median of the residuals, as it is the median that the benchmark's error asks for. Both
    are convex and coordinates are visited in turn, so there is no randomness.
    """
    pairs = [
        (strength, ratio)
        for strength in sorted(strengths, reverse=True)
        for ratio in sorted(l1_ratios, reverse=True)
    ]

    def path(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        last = {ratio: _without_weights(binary, features, labels) for ratio in l1_ratios}
        models = []
        for strength, ratio in pairs:
            solve = _logistic if binary else _median
            last[ratio] = solve(features, labels, strength, ratio, last[ratio])
            models.append(last[ratio])
        return np.stack(models)

    return path


def _without_weights(binary: bool, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.append(np.zeros(features.shape[1]), logit(labels.mean()) if binary else np.median(labels))


def _logistic(
    features: np.ndarray, labels: np.ndarray, strength: float, ratio: float, start: np.ndarray
) -> np.ndarray:
    model = start
    for _ in range(MOST_STEPS):
        outputs = features @ model[:-1] + model[-1]
        chances = expit(outputs)
        curvature = np.maximum(chances * (1 - chances), LEAST_CURVATURE)
        working = outputs + (labels - chances) / curvature
        before, model = model, _least_squares(features, working, curvature, strength, ratio, model)
        if np.abs(model - before).max() < STEP:
            break
    return model


def _median(
    features: np.ndarray, labels: np.ndarray, strength: float, ratio: float, start: np.ndarray
) -> np.ndarray:
    model = _least_squares(features, labels, np.ones(len(labels)), strength, ratio, start)
    model[-1] = np.median(labels - features @ model[:-1])
    return model


def _least_squares(
    features: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    strength: float,
    ratio: float,
    start: np.ndarray,
) -> np.ndarray:
    """Penalised weighted least squares from ``start`` on, shape (feature + 1,)."""
    # scikit-learn scales the weights to a mean of 1, and the penalty has to follow.
    solver = ElasticNet(
        alpha=strength / ratio / weights.mean(), l1_ratio=ratio, warm_start=True, tol=1e-5, max_iter=10_000
    )
    solver.coef_ = start[:-1].copy()
    solver.fit(features, values, sample_weight=weights)
    return np.append(solver.coef_, solver.intercept_)
