"""Type-I error of the corrected resampled t-test on repeated cross-validation, by simulation.

    python tests/simulations/resampled_t.py

Two nearest-mean classifiers read different features of equal strength, so neither algorithm is better; a
population of ``n`` cases is cross-validated several times in five folds. Prints, beside the share of
rejections of ``nadeau_bengio`` at 5 %, that of the uncorrected t-test on the same differences, and that of
the paired test of fitted models (``auc_difference``) on the first cut. That last one asks another question,
which of the two *fitted* methods is better, and here it is read as if it asked about algorithms.
"""

import argparse
from itertools import product

import numpy as np
from scipy import stats

from bench.inference import auc_difference
from bench.metrics import auc
from bench.resampled_t import nadeau_bengio

FOLDS, FEATURES = 5, 4


def scores(values: np.ndarray, truth: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Cross-validated projection on the difference of the class means, shape (case,)."""
    said = np.empty(len(truth))
    for code in range(FOLDS):
        learn, test = fold != code, fold == code
        direction = values[learn & (truth == 1)].mean(axis=0) - values[learn & (truth == 0)].mean(axis=0)
        said[test] = values[test] @ direction
    return said


def cut(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Folds stratified by label, shape (case,)."""
    fold = np.empty(len(truth), dtype=int)
    for label in (0, 1):
        members = rng.permutation(np.flatnonzero(truth == label))
        fold[members] = np.arange(len(members)) % FOLDS
    return fold


def rejections(n: int, strength: float, cuts: int, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    """Whether each of the three tests rejects on one data set."""
    truth = (np.arange(n) < n // 2).astype(float)
    features = rng.standard_normal((2, n, FEATURES)) + strength * truth[:, None]
    differences, fitted = [], 1.0
    for number in range(cuts):
        fold = cut(truth, rng)
        first, second = (scores(values, truth, fold) for values in features)
        parts = [fold == code for code in range(FOLDS)]
        differences.append([auc(truth[its], first[its]) - auc(truth[its], second[its]) for its in parts])
        if number == 0:
            fitted = auc_difference(truth, first[None], second[None], fold).p
    table = np.array(differences)
    corrected = nadeau_bengio(table, n * (1 - 1 / FOLDS), n / FOLDS).difference.p
    plain = stats.ttest_1samp(table.ravel(), 0.0).pvalue
    return corrected < 0.05, plain < 0.05, fitted < 0.05


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--cuts", type=int, default=10)
    chosen = parser.parse_args()
    print("   n  strength  Nadeau-Bengio  plain t  fitted models")
    for n, strength in product((74, 177), (0.2, 0.5)):
        rng = np.random.default_rng([n, round(10 * strength)])
        rows = [rejections(n, strength, chosen.cuts, rng) for _ in range(chosen.repeats)]
        corrected, plain, fitted = np.mean(rows, axis=0)
        print(f"{n:4d}{strength:10.1f}{corrected:15.3f}{plain:9.3f}{fitted:15.3f}", flush=True)


if __name__ == "__main__":
    main()
