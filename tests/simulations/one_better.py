"""How often one method that is truly better stands alone at the first rank of ten, by simulation.

    python tests/simulations/one_better.py --repeats 4000

Nine methods are equal, the tenth is better by twice the smallest difference that the cohort can show: twice
:func:`bench.inference.detectable_difference` of the standard error between two of the equal methods (root
mean square over 300 other samples). Binormal scores in five folds for the AUC, Gaussian errors for the MAE,
with the given correlation between methods. Equal methods have an AUC of 0.6, the lowest of the range of
interest, since from there twice the difference reaches farthest; where it would still pass 1 there is no such
method. Prints how often the better one stands alone at rank 1, how often it shares that, and how often
another method stands before it.
"""

import argparse
from itertools import product
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from bench.inference import (
    adjusted_p,
    auc_difference_error,
    auc_influence,
    delong,
    detectable_difference,
    draw_patients,
    mean_influence,
    patients_of,
    shared_ranks,
)

METHODS, FOLDS, DRAWS, AREA, OTHERS = 10, 5, 1000, 0.6, 300
MEAN_ERROR = np.sqrt(2 / np.pi)


class Setting(NamedTuple):
    """``metric``: auc or mae; the prevalence plays no part in the latter."""

    metric: str
    n: int
    prevalence: float
    correlation: float

    @property
    def truth(self) -> np.ndarray:
        """Labels, shape (case,)."""
        return (np.arange(self.n) < round(self.n * self.prevalence)).astype(float)

    @property
    def fold(self) -> np.ndarray:
        """Fold of each case, shape (case,)."""
        return np.arange(self.n) % FOLDS


def draw(setting: Setting, rng: np.random.Generator, methods: int, better: float) -> np.ndarray:
    """Scores or absolute errors, shape (method, case); the first method is better by that much."""
    rows = np.sqrt(1 - setting.correlation) * rng.standard_normal((methods, setting.n))
    rows += np.sqrt(setting.correlation) * rng.standard_normal(setting.n)
    if setting.metric == "mae":
        rows[0] *= 1 - better / MEAN_ERROR
        return np.abs(rows)
    areas = [AREA + better, *[AREA] * (methods - 1)]
    distance = np.sqrt(2) * np.array([NormalDist().inv_cdf(area) for area in areas])
    return rows + distance[:, None] * setting.truth


def standard_error(setting: Setting, rows: np.ndarray) -> float:
    """Of the difference between the first two methods."""
    if setting.metric == "auc":
        return auc_difference_error(setting.truth, rows[:1], rows[1:2], setting.fold)
    influence = mean_influence((rows[1] - rows[0])[None], patients_of(np.arange(setting.n)))
    return float(np.sqrt((influence**2).sum()))


def ranks(setting: Setting, rows: np.ndarray, seed: int) -> list[int]:
    """Shared rank of each method."""
    patients = patients_of(np.arange(setting.n), setting.truth if setting.metric == "auc" else None)
    if setting.metric == "auc":
        areas = delong(setting.truth, [row[None] for row in rows], setting.fold)
        values, influence = areas.auc, auc_influence(areas)
    else:
        values, influence = -rows.mean(axis=1), -mean_influence(rows, patients)
    drawn = draw_patients(patients, DRAWS, seed)
    return shared_ranks(values, adjusted_p(values, influence, patients, drawn))


def measured(setting: Setting, repeats: int) -> tuple[float, ...]:
    """Detectable difference; share of repeats alone at the top, sharing it, and behind; NaN if impossible."""
    rng = np.random.default_rng([setting.n, round(100 * setting.prevalence), round(10 * setting.correlation)])
    errors = [standard_error(setting, draw(setting, rng, 2, 0.0)) for _ in range(OTHERS)]
    detectable = detectable_difference(float(np.sqrt(np.mean(np.square(errors)))))
    if setting.metric == "auc" and AREA + 2 * detectable >= 1:
        return detectable, np.nan, np.nan, np.nan
    found = [ranks(setting, draw(setting, rng, METHODS, 2 * detectable), seed) for seed in range(repeats)]
    alone = np.array([its[0] == 1 and min(its[1:]) > 1 for its in found])
    behind = np.array([its[0] > 1 for its in found])
    return detectable, float(alone.mean()), float((~alone & ~behind).mean()), float(behind.mean())


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    print("metric    n  prevalence  correlation  detectable  alone  shared  behind")
    settings = [Setting("auc", *its) for its in product((74, 177), (0.18, 0.74), (0.0, 0.8))]
    settings += [Setting("mae", n, 0.5, its) for n, its in product((74, 177), (0.0, 0.8))]
    for its in settings:
        prevalence = f"{its.prevalence:.2f}" if its.metric == "auc" else "-"
        detectable, *shares = measured(its, repeats)
        print(f"{its.metric:6s}{its.n:5d}{prevalence:>12s}{its.correlation:13.1f}{detectable:12.3f}", end="")
        print("".join(f"{share:8.3f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
