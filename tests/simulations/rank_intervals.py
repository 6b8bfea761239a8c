"""Coverage of rank sets and of bootstrap intervals of the rank, and errors of the consensus, by simulation.

    python tests/simulations/rank_intervals.py --repeats 4000

Eight methods on 74 cases in five folds: binormal scores (AUC) with correlation 0.5 within a class, or
absolute Gaussian errors (MAE). ``equal`` methods have the same true value, ``close`` ones differ by .005 from
one to the next (of the AUC, or of the error's scale), ``spread`` ones by .05, of ``pairs`` two each are equal
and .06 from the next two; a true rank is 1 + the number of truly better methods. Per setting: how often the
rank sets of all methods hold their true ranks together (at least 95 % is promised), how often a single one
does, their mean width in ranks; then the same of the percentile bootstrap of the rank by value, and the
coverage of its worst method.

The second table is over four tasks, whose scores share half of their variance: how often all methods share
the first consensus rank where they are equal, how often the intervals of the mean rank hold together, and how
often the order of mean ranks alone would have told equal methods apart.
"""

import argparse
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from bench.inference import (
    ALPHA,
    Bootstrap,
    adjusted_p,
    auc_adjusted_p,
    draw_patients,
    mean_influence,
    patients_of,
)
from bench.inference.ranks import rank_sets, separated
from bench.metrics import METRICS, auc
from bench.ranking.consensus import consensus_ranks

METHODS, CASES, FOLDS, TASKS = 8, 74, 5, 4
# What takes longest is done in every fourth repeat: the bootstrap of ranks, and the consensus.
SELDOM = 4
MIDDLE = 0.72
ORDER = (METHODS - 1) / 2 - np.arange(METHODS)
# True values of the methods, the best first.
TRUE = {
    "equal": MIDDLE + 0.0 * ORDER,
    "close": MIDDLE + 0.005 * ORDER,
    "spread": MIDDLE + 0.05 * ORDER,
    "pairs": MIDDLE + 0.06 * (1.5 - np.arange(METHODS) // 2),
}


class Drawn(NamedTuple):
    """One data set: values (method,), higher is better, adjusted p; how to resample them (method, draw)."""

    values: np.ndarray
    adjusted: np.ndarray
    resampled: Callable[[], np.ndarray]


def true_ranks(values: np.ndarray) -> np.ndarray:
    """1 + the number of truly better methods."""
    return 1 + (values[None, :] > values[:, None] + 1e-12).sum(axis=1)


def drawn_auc(rng: np.random.Generator, true: np.ndarray, prevalence: float, shared: np.ndarray) -> Drawn:
    """Binormal scores; ``shared`` is what they have in common, of variance one half, shape (case,)."""
    truth = (np.arange(CASES) < round(CASES * prevalence)).astype(float)
    distance = np.sqrt(2) * np.array([NormalDist().inv_cdf(area) for area in true])
    rows = shared + np.sqrt(0.5) * rng.standard_normal((METHODS, CASES)) + distance[:, None] * truth
    fold, patients = np.arange(CASES) % FOLDS, patients_of(np.arange(CASES), truth)
    values = np.array([auc(truth, row, fold) for row in rows])
    seed = int(rng.integers(2**31))
    adjusted = auc_adjusted_p(
        truth, [row[None] for row in rows], fold, patients, bootstrap=Bootstrap(seed=seed)
    )
    counts = draw_patients(patients, seed=seed)
    return Drawn(values, adjusted, lambda: METRICS["auc"].resampled(truth, rows, fold, counts))


def drawn_mae(rng: np.random.Generator, true: np.ndarray, shared: np.ndarray) -> Drawn:
    """Absolute Gaussian errors whose scale falls with the true value."""
    losses = np.abs(shared + np.sqrt(0.5) * rng.standard_normal((METHODS, CASES)))
    losses *= (1 + MIDDLE - true)[:, None]
    patients = patients_of(np.arange(CASES))
    counts = draw_patients(patients, seed=int(rng.integers(2**31)))
    values = -losses.mean(axis=1)
    adjusted = adjusted_p(values, -mean_influence(losses, patients), patients, counts)
    return Drawn(values, adjusted, lambda: -losses @ counts / counts.sum(axis=0))


def drawn(rng: np.random.Generator, metric: str, true: np.ndarray, shared: np.ndarray) -> Drawn:
    """One data set; the metric is ``auc`` with its prevalence, or ``mae``."""
    if metric == "mae":
        return drawn_mae(rng, true, shared)
    return drawn_auc(rng, true, float(metric.removeprefix("auc ")), shared)


def naive_intervals(resampled: np.ndarray) -> np.ndarray:
    """Percentile intervals of the rank by value, shape (method, end)."""
    ranks = 1 + (resampled[None, :] > resampled[:, None]).sum(axis=1)
    return np.quantile(ranks, [ALPHA / 2, 1 - ALPHA / 2], axis=1, method="nearest").T


def covered(ends: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Whether each interval (method, end) holds its rank."""
    return (ends[:, 0] <= ranks) & (ranks <= ends[:, 1])


def measured(metric: str, true: np.ndarray, repeats: int) -> list[float]:
    """A row of the first table."""
    rng = np.random.default_rng([len(metric), *np.round(1000 * true).astype(int)])
    ranks = true_ranks(true)
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for repeat in range(repeats):
        entry = drawn(rng, metric, true, np.sqrt(0.5) * rng.standard_normal(CASES))
        ends = [np.array(rank_sets(entry.values, entry.adjusted))]
        ends += [naive_intervals(entry.resampled())] if repeat % SELDOM == 0 else []
        for kind, one in zip(found, ends, strict=False):
            kind.append(np.column_stack([covered(one, ranks), np.ptp(one, axis=1)]))
    sets, naive = (np.array(kind, dtype=float) for kind in found)
    together = [float(one[:, :, 0].all(axis=1).mean()) for one in (sets, naive)]
    single = [float(one[:, :, 0].mean()) for one in (sets, naive)]
    widths = [float(one[:, :, 1].mean()) for one in (sets, naive)]
    worst = float(naive[:, :, 0].mean(axis=0).min())
    return [together[0], single[0], widths[0], together[1], single[1], widths[1], worst]


def consensus_errors(metric: str, true: np.ndarray, repeats: int) -> list[float]:
    """A row of the second table."""
    rng = np.random.default_rng([TASKS, len(metric), *np.round(1000 * true).astype(int)])
    means, found = true_ranks(true).astype(float), []
    for _ in range(repeats):
        common = rng.standard_normal(CASES)
        tasks = []
        for _ in range(TASKS):
            shared = np.sqrt(0.25) * common + np.sqrt(0.25) * rng.standard_normal(CASES)
            tasks.append(drawn(rng, metric, true, shared))
        values, adjusted = (np.array([entry[place] for entry in tasks]) for place in (0, 1))
        aggregate = np.mean([[rank_set.best for rank_set in rank_sets(*task[:2])] for task in tasks], axis=0)
        ends = np.mean([rank_sets(*task[:2], ALPHA / TASKS) for task in tasks], axis=0)
        ranks = consensus_ranks(aggregate, separated(values, adjusted))
        found.append([max(ranks) == 1, covered(ends, means).all(), np.ptp(aggregate) > 0])
    return [float(value) for value in np.mean(found, axis=0)]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    heads = ("sets: all", "single", "width", "bootstrap: all", "single", "width", "worst method")
    print(f"metric    true values  {'  '.join(heads)}")
    for metric in ("auc 0.18", "auc 0.74", "mae"):
        for name, true in TRUE.items():
            row = zip(heads, measured(metric, true, repeats), strict=True)
            print(
                f"{metric:9s} {name:11s}  {'  '.join(f'{entry:{len(head)}.3f}' for head, entry in row)}",
                flush=True,
            )
    heads = ("all share rank 1", "mean ranks covered", "mean ranks differ")
    print(f"\nmetric    true values  {'  '.join(heads)}      ({TASKS} tasks)")
    for metric in ("auc 0.18", "auc 0.74", "mae"):
        for name, true in TRUE.items():
            row = zip(heads, consensus_errors(metric, true, repeats // SELDOM), strict=True)
            print(
                f"{metric:9s} {name:11s}  {'  '.join(f'{entry:{len(head)}.3f}' for head, entry in row)}",
                flush=True,
            )
    print(f"{repeats} repeats, a quarter of them for the bootstrap and the consensus")


if __name__ == "__main__":
    main()
