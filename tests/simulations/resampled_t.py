"""Type-I error of the corrected resampled t-test on repeated cross-validation, by simulation.

    python tests/simulations/resampled_t.py --repeats 4000

Two classifiers read different features of equal strength, so neither algorithm is better; a population of
``n`` cases is cross-validated ten times in five folds. Prints the share of rejections at 5 % of
:func:`bench.inference.resampled_t.nadeau_bengio`, of the same with the correlation of Nadeau & Bengio (2003),
and of the uncorrected t-test on the same differences.
"""

import argparse
from itertools import product

import numpy as np
from procedures import BLOCK, discriminant, nearest_mean
from scipy import stats

from bench.inference.resampled_t import nadeau_bengio

FOLDS = 5


def fold_areas(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of one fold, (repeat,) of scores (repeat, case)."""
    gap = said[:, truth == 1][:, :, None] - said[:, truth == 0][:, None]
    return ((np.sign(gap) + 1) / 2).mean(axis=(1, 2))


def cut(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Folds stratified by label, shape (case,)."""
    fold = np.empty(len(truth), dtype=int)
    for label in (0, 1):
        members = rng.permutation(np.flatnonzero(truth == label))
        fold[members] = np.arange(len(members)) % FOLDS
    return fold


def differences(learn, features: int, n: int, strength: float, cuts: int, rng: np.random.Generator):
    """Differences of two algorithms in every fold of every cut, shape (repeat, cut, fold)."""
    truth = (np.arange(n) < n // 2).astype(float)
    values = rng.standard_normal((2, BLOCK, n, features)) + strength * truth[:, None]
    found = np.empty((BLOCK, cuts, FOLDS))
    for number in range(cuts):
        fold = cut(truth, rng)
        for code in range(FOLDS):
            test = fold == code
            one, other = (
                fold_areas(learn(both[:, ~test], truth[~test], both[:, test]), truth[test]) for both in values
            )
            found[:, number, code] = one - other
    return found


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--cuts", type=int, default=10)
    chosen = parser.parse_args()
    print("   n  learner       features  strength  used   Nadeau-Bengio  plain t")
    learners = [(nearest_mean, 4), (nearest_mean, 30), (discriminant, 6)]
    for n, (learn, features), strength in product((74, 177), learners, (0.0, 0.2, 0.5)):
        rng = np.random.default_rng([n, features, round(10 * strength)])
        rows = []
        for _ in range(0, chosen.repeats, BLOCK):
            for table in differences(learn, features, n, strength, chosen.cuts, rng):
                used = nadeau_bengio(table, n * (1 - 1 / FOLDS), n / FOLDS)
                t = table.mean() / np.sqrt((1 / table.size + 1 / (FOLDS - 1)) * table.var(ddof=1))
                theirs = 2 * stats.t.sf(abs(t), used.freedom)
                rows.append((used.difference.p, theirs, stats.ttest_1samp(table.ravel(), 0.0).pvalue))
        shares = (np.array(rows) < 0.05).mean(axis=0)
        print(f"{n:4d}  {learn.__name__:14s}{features:8d}{strength:10.1f}", end="")
        print(f"{shares[0]:7.3f}{shares[1]:15.3f}{shares[2]:9.3f}", flush=True)


if __name__ == "__main__":
    main()
