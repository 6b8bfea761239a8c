"""Coverage of the AUC interval and type-I error of the paired AUC test, by simulation.

    python tests/simulations/auc_coverage.py --repeats 4000

Scores are binormal with equal variances; the two methods of a pair are equally good and their scores have the
given correlation within a class. Cases are stratified into folds by label, as splits do. Prints one row a
setting: coverage of the 95 % interval (``auc_interval``), share of rejections at 5 % of the paired test
(``auc_difference``), and beside it that of DeLong's test with the normal quantile.
"""

import argparse
from collections.abc import Iterator
from itertools import product
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from bench.inference import auc_difference, auc_interval, delong


class Setting(NamedTuple):
    folds: int
    n: int
    prevalence: float
    auc: float
    correlation: float


class Sample(NamedTuple):
    truth: np.ndarray
    first: np.ndarray
    second: np.ndarray
    fold: np.ndarray


def samples(setting: Setting, repeats: int, seed: int) -> Iterator[Sample]:
    """Independent data sets of one setting."""
    rng = np.random.default_rng([seed, setting.folds, setting.n, round(100 * setting.auc)])
    distance = np.sqrt(2) * NormalDist().inv_cdf(setting.auc)
    truth = (np.arange(setting.n) < round(setting.n * setting.prevalence)).astype(float)
    fold = np.arange(setting.n) % setting.folds
    for _ in range(repeats):
        shared, first, second = rng.standard_normal((3, setting.n))
        common = np.sqrt(setting.correlation) * shared + distance * truth
        own = np.sqrt(1 - setting.correlation)
        yield Sample(truth, (common + own * first)[None], (common + own * second)[None], fold)


def plain_p(sample: Sample) -> float:
    """DeLong's paired test as it stands in the paper."""
    areas = delong(sample.truth, [sample.first, sample.second], sample.fold)
    variance = areas.covariance[0, 0] + areas.covariance[1, 1] - 2 * areas.covariance[0, 1]
    z = 0.0 if variance == 0 else (areas.auc[0] - areas.auc[1]) / np.sqrt(variance)
    return 2 * NormalDist().cdf(-abs(z))


def measured(setting: Setting, repeats: int, seed: int) -> tuple[float, float, float]:
    """Coverage, type-I error, type-I error of the plain test."""
    covered, rejected, plain = [], [], []
    for sample in samples(setting, repeats, seed):
        low, high = auc_interval(delong(sample.truth, [sample.first], sample.fold), 0)
        covered.append(low <= setting.auc <= high)
        rejected.append(auc_difference(sample.truth, sample.first, sample.second, sample.fold).p < 0.05)
        plain.append(plain_p(sample) < 0.05)
    return float(np.mean(covered)), float(np.mean(rejected)), float(np.mean(plain))


def main() -> None:
    """Print the table and its extremes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--correlation", type=float, default=0.5)
    chosen = parser.parse_args()
    print("folds    n  prevalence   AUC  coverage  type I  type I (plain)")
    rows = []
    for folds, n, prevalence, auc in product((1, 5), (74, 177), (0.18, 0.74), (0.6, 0.75, 0.85)):
        setting = Setting(folds, n, prevalence, auc, chosen.correlation)
        rows.append(measured(setting, chosen.repeats, chosen.seed))
        coverage, error, plain = rows[-1]
        print(f"{folds:5d} {n:4d} {prevalence:11.2f} {auc:5.2f} {coverage:9.3f} {error:7.3f} {plain:15.3f}")
    low, high = np.min(rows, axis=0), np.max(rows, axis=0)
    print(f"coverage {low[0]:.3f}-{high[0]:.3f}, type I {low[1]:.3f}-{high[1]:.3f}, ", end="")
    print(f"plain {low[2]:.3f}-{high[2]:.3f}; {chosen.repeats} repeats, correlation {chosen.correlation}")


if __name__ == "__main__":
    main()
