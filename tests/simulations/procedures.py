"""Type-I error of tests of procedures on one round of cross-validation, refitting in every repeat.

    python tests/simulations/procedures.py --repeats 4000

A new cohort each repeat, five folds stratified by label. Columns: share of the tests at 5 % that reject with
the variance of fitted models (``fitted``) and with the factor that is used (``used``; ``--factor`` for
another), :func:`bench.shared_training.variance_factor`, 2.25 for five folds.

* ``null``: one method that learns permuted labels, against the constant's AUC of .5: which share of the
  95 % intervals excludes it, below and above;
* ``equal``: two methods of one kind on different features of equal strength, by AUC;
* ``MAE equal``, ``MAE even``: ridge regressions likewise, and one regression against the constant predictor
  at the strength at which both are worth the same.
"""

import argparse
from itertools import product
from types import SimpleNamespace

import numpy as np
from scipy.special import ndtri

from bench.inference import (
    auc_difference,
    draw_patients,
    mean_influence,
    patients_of,
    studentised_difference,
)
from bench.shared_training import variance_factor

FOLDS, BLOCK = 5, 200


def fold_factor(fold: np.ndarray) -> float:
    """The factor of the project for these folds."""
    parts = [
        SimpleNamespace(train=np.flatnonzero(fold != code), val=(), test=np.flatnonzero(fold == code))
        for code in range(FOLDS)
    ]
    return variance_factor(SimpleNamespace(folds=parts))


def folds_of(truth: np.ndarray) -> np.ndarray:
    """Fold of each case, stratified by label, shape (case,)."""
    fold = np.empty(len(truth), dtype=int)
    for label in np.unique(truth):
        members = np.flatnonzero(truth == label)
        fold[members] = np.arange(len(members)) % FOLDS
    return fold


def discriminant(values: np.ndarray, truth: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Ridge-regularised linear discriminant: (repeat, case, feature) learned, scores (repeat, case) said."""
    means = [values[:, truth == label].mean(axis=1) for label in (0, 1)]
    residual = values - np.stack(means, axis=1)[:, truth.astype(int)]
    covariance = np.einsum("bni,bnj->bij", residual, residual) / (len(truth) - 2)
    covariance += 0.1 * np.eye(values.shape[2])
    direction = np.linalg.solve(covariance, (means[1] - means[0])[..., None])
    return (new @ direction)[..., 0]


def nearest_mean(values: np.ndarray, truth: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Projection on the difference of the class means; shapes as for :func:`discriminant`."""
    direction = values[:, truth == 1].mean(axis=1) - values[:, truth == 0].mean(axis=1)
    return (new @ direction[..., None])[..., 0]


def kernel(values: np.ndarray, truth: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Kernel ridge regression on balanced labels; shapes as for :func:`discriminant`."""
    target = np.where(truth == 1, 1 / (truth == 1).mean(), -1 / (truth == 0).mean())

    def likeness(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.exp(-((one[:, :, None] - other[:, None]) ** 2).sum(axis=-1) / (2 * values.shape[2]))

    weights = np.linalg.solve(likeness(values, values) + np.eye(len(truth)), target[:, None])
    return (likeness(new, values) @ weights)[..., 0]


def ridge(values: np.ndarray, target: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Ridge regression; the target differs from repeat to repeat, shape (repeat, case)."""
    middle, centre = target.mean(axis=1, keepdims=True), values.mean(axis=1, keepdims=True)
    around = values - centre
    normal = np.einsum("bni,bnj->bij", around, around) + values.shape[2] * np.eye(values.shape[2])
    slope = np.linalg.solve(normal, np.einsum("bni,bn->bi", around, target - middle)[..., None])
    return ((new - centre) @ slope)[..., 0] + middle


def cross_validated(learn, values: np.ndarray, truth: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Predictions of models that did not see the case, shape (repeat, case)."""
    said = np.empty(values.shape[:2])
    for code in range(FOLDS):
        test = fold == code
        said[:, test] = learn(values[:, ~test], truth[..., ~test], values[:, test])
    return said


def areas(
    learn, features: int, n: int, prevalence: float, best: float, factor: float, repeats: int
) -> list[float]:
    """Shares that reject: equal procedures by factor, then of one method against .5 below and above."""
    rng = np.random.default_rng([n, round(100 * prevalence), features, round(100 * best)])
    truth = (np.arange(n) < round(n * prevalence)).astype(float)
    fold, shift = folds_of(truth), np.sqrt(2 / features) * ndtri(best)
    factors, rows = (1.0, factor or fold_factor(fold)), []
    for _ in range(0, repeats, BLOCK):
        values = rng.standard_normal((2, BLOCK, n, features)) + truth[:, None] * shift
        one, other = (cross_validated(learn, its, truth, fold) for its in values)
        for first, second in zip(one, other, strict=True):
            pairs = [(first, second), (first, np.zeros(n))] if best == 0.5 else [(first, second)]
            found = [
                auc_difference(truth, a[None], b[None], fold, factor=factor)
                for a, b in pairs
                for factor in factors
            ]
            rejected = [its.p < 0.05 for its in found[:2]]
            sides = [side for its in found[2:] for side in (its.interval.high < 0, its.interval.low > 0)]
            rows.append(rejected + sides)
    return list(np.mean(rows, axis=0))


def absolute_errors(features: int, n: int, strength: float, constant: bool, repeats: int) -> np.ndarray:
    """Absolute errors of two ridge regressions, or of one and the constant predictor, (repeat, 2, case)."""
    rng = np.random.default_rng([n, features, round(1000 * strength), constant])
    fold = np.arange(n) % FOLDS
    blocks = []
    for _ in range(0, repeats, BLOCK):
        values = rng.standard_normal((2, BLOCK, n, features))
        signal = strength / np.sqrt(features) * values.sum(axis=-1)
        target = signal[0] + (0 if constant else signal[1]) + rng.standard_normal((BLOCK, n))
        said = [cross_validated(ridge, its, target, fold) for its in values]
        if constant:
            said[1] = np.empty_like(said[0])
            for code in range(FOLDS):
                said[1][:, fold == code] = np.median(target[:, fold != code], axis=1, keepdims=True)
        blocks.append(np.abs(np.array(said) - target).swapaxes(0, 1))
    return np.concatenate(blocks)


def even_strength(features: int, n: int) -> float:
    """Strength at which the regression is worth as much as the constant predictor."""
    low, high = 0.0, 1.0
    for _ in range(9):
        middle = (low + high) / 2
        errors = absolute_errors(features, n, middle, constant=True, repeats=2000).mean(axis=(0, 2))
        low, high = (middle, high) if errors[0] > errors[1] else (low, middle)
    return (low + high) / 2


def losses(
    features: int, n: int, strength: float, constant: bool, factor: float, repeats: int
) -> list[float]:
    """Shares that reject at each factor."""
    patients = patients_of(np.arange(n))
    factors, rows = (1.0, factor or fold_factor(np.arange(n) % FOLDS)), []
    drawn = draw_patients(patients, 600)
    for pair in absolute_errors(features, n, strength, constant, repeats):
        influence = mean_influence(pair, patients)
        value, contrast = float(pair[1].mean() - pair[0].mean()), influence[1] - influence[0]
        found = [studentised_difference(value, np.sqrt(its) * contrast, patients, drawn) for its in factors]
        rows.append([its.p < 0.05 for its in found])
    return list(np.mean(rows, axis=0))


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--factor", type=float, default=0.0)
    chosen = parser.parse_args()
    rest = (chosen.factor, chosen.repeats)
    print(
        "   n  prevalence  learner       features  best AUC   equal: fitted   used"
        "   null: fitted         used"
    )
    learners = [(discriminant, 2), (discriminant, 6), (nearest_mean, 60), (kernel, 6)]
    for n, prevalence, (learn, features) in product((74, 177), (0.18, 0.74), learners):
        for best in (0.5, 0.7, 0.85) if n < 100 or learn is not kernel else ():
            equal, null = np.split(np.array(areas(learn, features, n, prevalence, best, *rest)), [2])
            print(f"{n:4d}{prevalence:12.2f}  {learn.__name__:14s}{features:8d}{best:10.2f}", end="")
            print(f"{equal[0]:16.3f}{equal[1]:7.3f}  ", end="")
            print("".join(f"  {low:.3f}/{high:.3f}" for low, high in null.reshape(-1, 2)), flush=True)
    print("\n   n  features  strength   MAE equal: fitted   used")
    for n, features, strength in product((74, 177), (2, 6, 30), (0.1, 0.7)):
        shares = losses(features, n, strength, False, *rest)
        print(f"{n:4d}{features:10d}{strength:10.2f}{shares[0]:20.3f}{shares[1]:7.3f}", flush=True)
    print("\n   n  features  strength   MAE even: fitted   used")
    for n, features in product((74, 177), (2, 6, 30)):
        strength = even_strength(features, n)
        shares = losses(features, n, strength, True, *rest)
        print(f"{n:4d}{features:10d}{strength:10.2f}{shares[0]:20.3f}{shares[1]:7.3f}", flush=True)


if __name__ == "__main__":
    main()
