"""How often one method that is truly better stands alone at the first rank of ten, by simulation.

    python tests/simulations/one_better.py --repeats 4000

Nine methods are equal, the tenth is better by twice the smallest difference that the cohort can show:
:func:`bench.inference.detectable_difference` of the root mean square of standard errors over 300 other
samples, either between two of the ``equal`` methods or of the pair itself (``own``, as ``bench compare``
reports it), whose standard error depends on the difference: that one is found by iteration. Binormal scores
in five folds for the AUC, Gaussian errors for the MAE, with the given correlation between methods. Equal
methods have an AUC of 0.6, the lowest of the range of interest, since from there twice the difference reaches
farthest; where it would still pass 1 there is no such method. Prints how often the better one stands alone at
rank 1, how often it shares that, and how often another method stands before it. ``known`` is the share of a
test that no data set allows: it divides each difference by its true standard error, and its threshold is the
95 % quantile over the repeats of the largest of the differences that can be equal together with it.
"""

import argparse
from itertools import product
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from bench.inference import (
    ALPHA,
    Bootstrap,
    adjusted_p,
    auc_adjusted_p,
    auc_difference_error,
    delong,
    detectable_difference,
    draw_patients,
    mean_influence,
    patients_of,
)
from bench.inference.ranks import rank_sets
from bench.metrics import auc

METHODS, FOLDS, DRAWS, AREA, OTHERS = 10, 5, 1000, 0.6, 300
CORRELATIONS = (0.0, 0.8, 0.95)
# Iterations after which the difference no longer moves.
STEPS = 8
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
        both = delong(setting.truth, [rows[:1], rows[1:2]], setting.fold)
        return auc_difference_error(both, setting.truth, rows[:1], rows[1:2], setting.fold)[0]
    influence = mean_influence((rows[1] - rows[0])[None], patients_of(np.arange(setting.n)))
    return float(np.sqrt((influence**2).sum()))


def values_of(setting: Setting, rows: np.ndarray) -> np.ndarray:
    """Values, higher is better, shape (method,)."""
    if setting.metric == "auc":
        return np.array([auc(setting.truth, row, setting.fold) for row in rows])
    return -rows.mean(axis=1)


def ranks(setting: Setting, rows: np.ndarray, seed: int) -> list[int]:
    """Shared rank of each method."""
    patients = patients_of(np.arange(setting.n), setting.truth if setting.metric == "auc" else None)
    values = values_of(setting, rows)
    if setting.metric == "auc":
        scores = [row[None] for row in rows]
        adjusted = auc_adjusted_p(
            setting.truth, scores, setting.fold, patients, bootstrap=Bootstrap(DRAWS, seed)
        )
    else:
        drawn = draw_patients(patients, DRAWS, seed)
        adjusted = adjusted_p(values, -mean_influence(rows, patients), patients, drawn)
    return [found.best for found in rank_sets(values, adjusted)]


def known_share(values: np.ndarray) -> float:
    """How often the first method would stand alone if the standard errors were known; (repeat, method)."""
    ahead = values[:, :1] - values[:, 1:]
    errors = ahead.std(axis=0)
    rivals = values[:, 2:]
    first, second = np.triu_indices(rivals.shape[1], k=1)
    apart = rivals[:, first] - rivals[:, second]
    null = [np.abs(apart) / apart.std(axis=0), np.abs(ahead[:, :1] - ahead[:, 0].mean()) / errors[0]]
    threshold = np.quantile(np.concatenate(null, axis=1).max(axis=1), 1 - ALPHA)
    return float(((ahead / errors).min(axis=1) > threshold).mean())


def twice_detectable(setting: Setting, own: bool, rng: np.random.Generator) -> float:
    """Twice the detectable difference between equal methods, or of the pair itself; 1 or more: impossible."""
    size = 0.0
    for _ in range(STEPS if own else 1):
        errors = [standard_error(setting, draw(setting, rng, 2, size)) for _ in range(OTHERS)]
        size = 2 * detectable_difference(float(np.sqrt(np.mean(np.square(errors)))))
        if setting.metric == "auc" and AREA + size >= 1:
            return 1.0
    return size


def measured(setting: Setting, own: bool, repeats: int) -> tuple[float, ...]:
    """By how much it is better; share of repeats alone at the top, sharing it, behind, and alone if known."""
    rng = np.random.default_rng(
        [setting.n, round(100 * setting.prevalence), round(100 * setting.correlation)]
    )
    size = twice_detectable(setting, own, rng)
    if setting.metric == "auc" and size >= 1:
        return (np.nan,) * 5
    samples = [draw(setting, rng, METHODS, size) for _ in range(repeats)]
    found = [ranks(setting, rows, seed) for seed, rows in enumerate(samples)]
    alone = np.array([entry[0] == 1 and min(entry[1:]) > 1 for entry in found])
    behind = np.array([entry[0] > 1 for entry in found])
    known = known_share(np.array([values_of(setting, rows) for rows in samples]))
    return size, float(alone.mean()), float((~alone & ~behind).mean()), float(behind.mean()), known


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    print("metric    n  prevalence  correlation  detectable  better by  alone  shared  behind   known")
    settings = [Setting("auc", *entry) for entry in product((74, 177), (0.18, 0.74), CORRELATIONS)]
    settings += [Setting("mae", n, 0.5, entry) for n, entry in product((74, 177), CORRELATIONS)]
    for entry, own in product(settings, (False, True)):
        prevalence = f"{entry.prevalence:.2f}" if entry.metric == "auc" else "-"
        print(f"{entry.metric:6s}{entry.n:5d}{prevalence:>12s}{entry.correlation:13.2f}", end="")
        size, *shares = measured(entry, own, repeats)
        print(f"{'own' if own else 'equal':>12s}{size:11.3f}", end="")
        print("".join(f"{share:8.3f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
