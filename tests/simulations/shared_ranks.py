"""How often ten equally good methods with independent errors all share the first rank, by simulation.

    python tests/simulations/shared_ranks.py --repeats 4000

The answer should be at least 94 %: the family-wise error is set at 5 % (:func:`bench.inference.adjusted_p`,
for the AUC :func:`bench.inference.auc_adjusted_p`).
Binormal scores for the AUC, Gaussian errors for the MAE.
"""

import argparse
from itertools import product
from statistics import NormalDist

import numpy as np

from bench.inference import (
    Bootstrap,
    adjusted_p,
    auc_adjusted_p,
    draw_patients,
    mean_influence,
    patients_of,
)
from bench.inference.ranks import rank_sets
from bench.metrics import METRICS, Metric

AREAS = (0.6, 0.75, 0.85)


def all_share(metric: Metric, truth: np.ndarray, rows: np.ndarray, fold: np.ndarray, seed: int) -> bool:
    """Whether every method has rank 1."""
    patients = patients_of(np.arange(len(truth)), truth if metric.stratify_by_class else None)
    values = metric.sign * np.array([metric.value(truth, row, fold) for row in rows])
    if metric.name == "auc":
        adjusted = auc_adjusted_p(
            truth, [row[None] for row in rows], fold, patients, bootstrap=Bootstrap(seed=seed)
        )
    else:
        influence = metric.sign * mean_influence(np.abs(truth - rows), patients)
        adjusted = adjusted_p(values, influence, patients, draw_patients(patients, seed=seed))
    return max(ranks.best for ranks in rank_sets(values, adjusted)) == 1


def measured(name: str, n: int, prevalence: float, folds: int, area: float, repeats: int) -> float:
    """Share of repeats in which all ten methods share the first rank."""
    rng = np.random.default_rng([n, folds, round(100 * prevalence), round(100 * area)])
    fold = np.arange(n) % folds
    truth = (np.arange(n) < round(n * prevalence)).astype(float)
    shared = []
    for repeat in range(repeats):
        rows = rng.standard_normal((10, n))
        if name == "auc":
            rows += np.sqrt(2) * NormalDist().inv_cdf(area) * truth
        shared.append(all_share(METRICS[name], truth if name == "auc" else np.zeros(n), rows, fold, repeat))
    return float(np.mean(shared))


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    print("metric    n  prevalence  folds   AUC  all share rank 1")
    for area, n, prevalence, folds in product(AREAS, (74, 177), (0.18, 0.74), (1, 5)):
        share = measured("auc", n, prevalence, folds, area, repeats)
        print(f"auc    {n:4d} {prevalence:11.2f} {folds:6d} {area:5.2f} {share:17.3f}", flush=True)
    for n in (74, 177):
        print(
            f"mae    {n:4d} {'-':>11} {1:6d} {'-':>5} {measured('mae', n, 0.5, 1, 0.5, repeats):17.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
