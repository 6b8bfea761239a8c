"""The ceiling: a Bayes reader of the true parameters, an upper bound for any reader of the images.

Given the labels, images depend on them only through the true parameters, so no reader of an image can beat
the posterior given the parameters (and the site, where sites see different populations). Receptor status is
enumerated over its eight patterns; given a pattern the Ki-67 score is normal and the parameters are linear in
it with N(0, 1) noise, so evidence and posterior are exact (conjugate normal model: Bishop, Pattern
Recognition and Machine Learning, 2006, eq. 3.50-3.51).
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from bench.cohorts.phantom import biology
from bench.cohorts.phantom.draw import Lesion, drivers
from bench.cohorts.phantom.scenarios import Scenario


def read_parameters(scenario: Scenario, lesions: Sequence[Lesion]) -> np.ndarray:
    """The ceiling reader's predictions, shape (case, 4): P(ER+), P(PR+), P(HER2+), median Ki-67 (points)."""
    predictions = np.empty((len(lesions), 4))
    sites = np.array([lesion.site for lesion in lesions])
    parameters = np.array([lesion.parameters for lesion in lesions])
    for site in np.unique(sites):
        chosen = sites == site
        predictions[chosen] = posterior(parameters[chosen], scenario.matrix, scenario.population(site))
    return predictions


def posterior(parameters: np.ndarray, matrix: np.ndarray, population: biology.Population) -> np.ndarray:
    """Marginal receptor probabilities and the median Ki-67, shape (case, 4).

    Parameters
    ----------
    parameters
        True parameters, shape (case, attribute).
    matrix
        Loadings, shape (task, attribute).
    population
        Prior: whom the site sees.
    """
    weights, means, spread = _mixture(parameters, matrix, population)
    receptors = weights @ biology.PATTERNS
    return np.column_stack([receptors, biology.ki67_index(_mixture_median(weights, means, spread))])


def _mixture(
    parameters: np.ndarray, matrix: np.ndarray, population: biology.Population
) -> tuple[np.ndarray, np.ndarray, float]:
    """Posterior as a mixture over patterns: weights and Ki-67 score means (case, pattern), one common sd."""
    status = np.column_stack(
        [biology.PATTERNS, np.full(len(biology.PATTERNS), biology.ki67_index(np.zeros(1)))]
    )
    shift = drivers(status) @ matrix
    prior_mean = biology.mean_score(biology.PATTERNS, population)
    prior_precision = 1 / biology.SCORE_SD**2
    precision = prior_precision + matrix[3] @ matrix[3]
    seen = (parameters @ matrix[3])[:, None] - shift @ matrix[3]
    means = (prior_precision * prior_mean + seen) / precision
    # The squared norm of the parameters is common to all patterns and left out, so that parameters which
    # tell nothing change nothing, not even a last digit.
    evidence = 2 * parameters @ shift.T - np.sum(shift**2, axis=1)
    evidence = evidence + precision * means**2 - prior_precision * prior_mean**2
    scores = np.log(biology.pattern_probabilities(population)) + evidence / 2
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True), means, float(precision**-0.5)


def _mixture_median(weights: np.ndarray, means: np.ndarray, spread: float) -> np.ndarray:
    """Median of a mixture of normals by bisection, shape (case,)."""
    low, high = means.min(axis=1) - 1e-9, means.max(axis=1) + 1e-9
    for _ in range(50):
        middle = (low + high) / 2
        below = np.sum(weights * ndtr((middle[:, None] - means) / spread), axis=1) < 0.5
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
