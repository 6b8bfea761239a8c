"""Type-I error of tests of procedures on one round of cross-validation, refitting in every repeat.

    python tests/simulations/procedures.py --repeats 4000

A new cohort each repeat, five folds stratified by label. Columns: share of the tests at 5 % that reject with
the variance of fitted models (``fitted``) and with the factor that is used (``used``; ``--factor`` for
another), :func:`bench.splits.shared_training.variance_factor`, 2.25 for five folds.

* ``null``: one method that learns permuted labels, against the constant's AUC of .5: which share of the
  95 % intervals excludes it, below and above;
* ``equal``: two methods of one kind on different features of equal strength, by AUC;
* ``MAE equal``, ``MAE even``: ridge regressions likewise, and one regression against the baseline predictor
  at the strength at which both are worth the same.
"""

import argparse
from itertools import product
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import ndtri

from bench.inference import auc_difference, auc_p, delong, draw_patients, mean_influence, patients_of
from bench.inference.bootstrap import studentised
from bench.splits.shared_training import variance_factor

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


class Compared(NamedTuple):
    """Statistics of one method against .5, and of its difference from another, each of shape (repeat,).

    ``alone`` is on the logit scale; ``freedom`` are the degrees of freedom of ``both``.
    """

    alone: np.ndarray
    both: np.ndarray
    freedom: np.ndarray


def compared(one: np.ndarray, other: np.ndarray, truth: np.ndarray, fold: np.ndarray) -> Compared:
    """:func:`bench.inference.auc_p` and :func:`bench.inference.auc_difference` of all repeats at once."""
    positive, negative = truth == 1, truth == 0
    area, parts, single, pairs = np.zeros((2, len(one))), np.zeros((2, *one.shape)), 0.0, 0
    for code in range(FOLDS):
        up, down = np.flatnonzero(positive & (fold == code)), np.flatnonzero(negative & (fold == code))
        won = np.array(
            [(np.sign(said[:, up][:, :, None] - said[:, down][:, None]) + 1) / 2 for said in (one, other)]
        )
        mean = won.mean(axis=(2, 3))
        parts[:, :, up] = won.sum(axis=3) - len(down) * mean[..., None]
        parts[:, :, down] = won.sum(axis=2) - len(up) * mean[..., None]
        area += won.sum(axis=(2, 3))
        pairs += len(up) * len(down)
        if min(len(up), len(down)) > 1:
            gap = won[0] - won[1]
            left = gap - gap.mean(axis=1, keepdims=True) - gap.mean(axis=2, keepdims=True)
            left += gap.mean(axis=(1, 2), keepdims=True)
            scale = len(up) * len(down) / ((len(up) - 1) * (len(down) - 1))
            single = single + scale * (left**2).sum(axis=(1, 2))
    sizes = [(int(entry.sum()), entry) for entry in (positive, negative)]
    scaled = [size / (size - FOLDS) / pairs**2 * parts[..., entry] ** 2 for size, entry in sizes]
    area /= pairs
    variance = sum(entry[0].sum(axis=1) for entry in scaled)
    with np.errstate(divide="ignore", invalid="ignore"):
        logit = np.log(area[0] / (1 - area[0])) * area[0] * (1 - area[0])
    differing = [
        size / (size - FOLDS) / pairs**2 * ((parts[0] - parts[1])[:, entry] ** 2).sum(axis=1)
        for size, entry in sizes
    ]
    plain = differing[0] + differing[1]
    error = np.sqrt(np.maximum(plain - single / pairs**2, plain / 2))
    welch = plain**2 / sum(
        entry**2 / (size - FOLDS) for entry, (size, _) in zip(differing, sizes, strict=True)
    )
    return Compared(logit / np.sqrt(variance), (area[0] - area[1]) / error, welch)


def agrees(found: Compared, one: np.ndarray, other: np.ndarray, truth: np.ndarray, fold: np.ndarray) -> None:
    """Check the first repeat against the project's functions at the factor 2.25."""
    alone = auc_p(delong(truth, [one[:1]], fold, factor=2.25), 0)
    both = auc_difference(truth, one[:1], other[:1], fold, factor=2.25).p
    ours = (
        2 * stats.norm.sf(abs(found.alone[0]) / 1.5),
        2 * stats.t.sf(abs(found.both[0]) / 1.5, found.freedom[0]),
    )
    np.testing.assert_allclose(ours, (alone, both), rtol=1e-6)


def areas(
    learn, features: int, n: int, prevalence: float, best: float, factor: float, repeats: int
) -> list[float]:
    """Shares that reject: equal procedures by factor, then of one method against .5 below and above."""
    rng = np.random.default_rng([n, round(100 * prevalence), features, round(100 * best)])
    truth = (np.arange(n) < round(n * prevalence)).astype(float)
    fold, shift = folds_of(truth), np.sqrt(2 / features) * ndtri(best)
    blocks = []
    for block in range(0, repeats, BLOCK):
        values = rng.standard_normal((2, BLOCK, n, features)) + truth[:, None] * shift
        said = [cross_validated(learn, value, truth, fold) for value in values]
        blocks.append(compared(*said, truth, fold))
        if block == 0:
            agrees(blocks[0], *said, truth, fold)
    alone, both, freedom = (np.concatenate(entry) for entry in zip(*blocks, strict=True))
    roots = np.sqrt([1.0, factor or fold_factor(fold)])
    shares = [(2 * stats.t.sf(np.abs(both) / root, freedom) < 0.05).mean() for root in roots]
    if best == 0.5:
        limits = [stats.norm.ppf(0.975) * root for root in roots]
        shares += [share for limit in limits for share in ((alone < -limit).mean(), (alone > limit).mean())]
    return shares


def absolute_errors(features: int, n: int, strength: float, constant: bool, repeats: int) -> np.ndarray:
    """Absolute errors of two ridge regressions, or of one and the baseline predictor, (repeat, 2, case)."""
    rng = np.random.default_rng([n, features, round(1000 * strength), constant])
    fold = np.arange(n) % FOLDS
    blocks = []
    for _ in range(0, repeats, BLOCK):
        values = rng.standard_normal((2, BLOCK, n, features))
        signal = strength / np.sqrt(features) * values.sum(axis=-1)
        target = signal[0] + (0 if constant else signal[1]) + rng.standard_normal((BLOCK, n))
        said = [cross_validated(ridge, value, target, fold) for value in values]
        if constant:
            said[1] = np.empty_like(said[0])
            for code in range(FOLDS):
                said[1][:, fold == code] = np.median(target[:, fold != code], axis=1, keepdims=True)
        blocks.append(np.abs(np.array(said) - target).swapaxes(0, 1))
    return np.concatenate(blocks)


def even_strength(features: int, n: int) -> float:
    """Strength at which the regression is worth as much as the baseline predictor."""
    low, high = 0.0, 1.0
    for _ in range(9):
        middle = (low + high) / 2
        errors = absolute_errors(features, n, middle, constant=True, repeats=2000).mean(axis=(0, 2))
        low, high = (middle, high) if errors[0] > errors[1] else (low, middle)
    return (low + high) / 2


def losses(
    features: int, n: int, strength: float, constant: bool, factor: float, repeats: int
) -> list[float]:
    """Shares that reject at each factor, by the bootstrap-t of 2,000 resamples."""
    patients = patients_of(np.arange(n))
    drawn, quiet = draw_patients(patients), np.zeros((1, 1))
    pairs = absolute_errors(features, n, strength, constant, repeats)
    gaps = pairs[:, 1] - pairs[:, 0]
    influence, value = mean_influence(gaps, patients), np.abs(gaps.mean(axis=1))
    roots, rejected = np.sqrt([1.0, factor or fold_factor(np.arange(n) % FOLDS)]), []
    for contrast, entry in zip(influence, value, strict=True):
        null = studentised(contrast[None], patients, drawn, quiet, np.zeros((1, drawn.shape[1])))[0]
        statistic = entry / np.sqrt((contrast**2).sum())
        rejected.append([(null >= statistic / root).sum() + 1 < 0.05 * (len(null) + 1) for root in roots])
    return list(np.mean(rejected, axis=0))


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
