"""What the cross-validated AUC interval covers when every fold fits a model of its own, by simulation.

    python tests/simulations/refit.py --repeats 4000

Every repeat draws a new cohort and fits a regularised linear discriminant in five folds stratified by label.
Classes are normal with equal covariance, so the AUC that a fitted model has on the population is known
without drawing one. The interval (DeLong's by fold, logit scale) is held against

* ``fitted``: the mean true AUC of these five models, weighted by the pairs of their folds;
* ``procedure``: the expectation of that over cohorts, what the procedure is worth at this training size.

The paired interval is that of a second discriminant, which reads other features of the same strength: its
difference is held against that of the fitted models, and against 0, the difference of the procedures.
"""

import argparse
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from bench.inference import Interval, auc_difference, auc_interval, delong

FOLDS, FEATURES, RIDGE = 5, 6, 0.1


class Fitted(NamedTuple):
    """Cross-validated scores (case,) and the true AUC of each fold's model (fold,)."""

    scores: np.ndarray
    areas: np.ndarray


def folds(truth: np.ndarray) -> np.ndarray:
    """Fold of each case, stratified by label, shape (case,)."""
    fold = np.empty(len(truth), dtype=int)
    for label in (0, 1):
        members = np.flatnonzero(truth == label)
        fold[members] = np.arange(len(members)) % FOLDS
    return fold


def discriminant(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Direction of the ridge-regularised linear discriminant, shape (feature,)."""
    means = [values[truth == label].mean(axis=0) for label in (0, 1)]
    residual = values - np.array(means)[truth.astype(int)]
    covariance = residual.T @ residual / (len(values) - 2)
    return np.linalg.solve(covariance + RIDGE * np.eye(FEATURES), means[1] - means[0])


def cross_validated(values: np.ndarray, truth: np.ndarray, fold: np.ndarray, shift: np.ndarray) -> Fitted:
    """Scores of models that did not see the case, and what each model is truly worth."""
    scores, areas = np.empty(len(truth)), np.empty(FOLDS)
    for code in range(FOLDS):
        direction = discriminant(values[fold != code], truth[fold != code])
        scores[fold == code] = values[fold == code] @ direction
        areas[code] = ndtr(direction @ shift / np.sqrt(2 * direction @ direction))
    return Fitted(scores, areas)


def measured(n: int, prevalence: float, best: float, repeats: int) -> np.ndarray:
    """Mean true AUC, its spread over cohorts, and coverage: fitted, procedure; the same of the difference."""
    rng = np.random.default_rng([n, round(100 * prevalence), round(100 * best)])
    truth = (np.arange(n) < round(n * prevalence)).astype(float)
    fold = folds(truth)
    pairs = np.array(
        [(truth[fold == entry] == 1).sum() * (truth[fold == entry] == 0).sum() for entry in range(FOLDS)]
    )
    shift = np.full(FEATURES, np.sqrt(2 / FEATURES) * ndtri(best))
    rows = []
    for _ in range(repeats):
        features = rng.standard_normal((2, n, FEATURES)) + truth[:, None] * shift
        one, other = (cross_validated(values, truth, fold, shift) for values in features)
        true = [float(entry.areas @ pairs / pairs.sum()) for entry in (one, other)]
        interval = auc_interval(delong(truth, [one.scores[None]], fold), 0)
        paired = auc_difference(truth, one.scores[None], other.scores[None], fold).interval
        rows.append([true[0], *interval, true[0] - true[1], *paired])
    area, low, high, difference, left, right = np.array(rows).T
    covered = [
        within(Interval(low, high), area),
        within(Interval(low, high), area.mean()),
        within(Interval(left, right), difference),
        within(Interval(left, right), 0.0),
    ]
    return np.array([area.mean(), area.std(ddof=1), *covered])


def within(interval: Interval, true: np.ndarray | float) -> float:
    """Share of the intervals (arrays of ends) that hold the true value."""
    return float(((interval.low <= true) & (true <= interval.high)).mean())


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    print(
        "   n  prevalence  best AUC  true AUC     sd   AUC: fitted  procedure   difference: fitted  procedure"
    )
    for n, prevalence, best in product((74, 177), (0.18, 0.74), (0.7, 0.85)):
        area, spread, *covered = measured(n, prevalence, best, repeats)
        print(f"{n:4d}{prevalence:12.2f}{best:10.2f}{area:10.3f}{spread:7.3f}", end="")
        print(f"{covered[0]:14.3f}{covered[1]:11.3f}{covered[2]:21.3f}{covered[3]:11.3f}", flush=True)


if __name__ == "__main__":
    main()
