"""Type-I error, coverage and power of paired differences, and the family-wise error of a reference family.

    python tests/simulations/paired_tests.py --repeats 4000

Two methods whose scores (AUC, binormal) or errors (MAE, Gaussian or log-normal, skewed) have the given
correlation. Power is measured at a true difference equal to the detectable difference of equally good methods
(root mean square over other samples), so it should be 80 %, and more where the difference moves an AUC so far
up that its variance falls. The reference family holds five methods as good as the reference.
"""

import argparse
from itertools import product
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from bench.inference import (
    Bootstrap,
    Difference,
    adjusted_p,
    auc_adjusted_p,
    auc_difference,
    auc_difference_error,
    delong,
    detectable_difference,
    draw_patients,
    mean_influence,
    patients_of,
    studentised_difference,
)

FOLDS, DRAWS, RIVALS, AREA = 5, 1000, 5, 0.75
# Of |exp(z) - 1| with z standard normal: 2 E[(exp(z) - 1); z > 0] - E[exp(z) - 1].
SKEWED_MEAN = 2 * (np.exp(0.5) * NormalDist().cdf(1.0) - 0.5) - (np.exp(0.5) - 1)


class Setting(NamedTuple):
    """``kind``: auc, mae or skewed mae; the prevalence plays no part in the last two."""

    kind: str
    n: int
    prevalence: float
    correlation: float


def distance(area: float) -> float:
    """Between the classes of a binormal score with this area."""
    return float(np.sqrt(2) * NormalDist().inv_cdf(area))


def draw(setting: Setting, rng: np.random.Generator, methods: int, better: float) -> np.ndarray:
    """Scores or errors, shape (method, case); the first method is better by that much."""
    shared = rng.standard_normal(setting.n)
    rows = np.sqrt(setting.correlation) * shared
    rows = rows + np.sqrt(1 - setting.correlation) * rng.standard_normal((methods, setting.n))
    if setting.kind == "auc":
        areas = np.array([AREA + better, *[AREA] * (methods - 1)])
        return rows + np.array([distance(area) for area in areas])[:, None] * truth_of(setting)
    errors = np.expm1(rows) if setting.kind == "skewed" else rows
    mean = SKEWED_MEAN if setting.kind == "skewed" else np.sqrt(2 / np.pi)
    errors[0] *= 1 - better / mean
    return np.abs(errors)


def truth_of(setting: Setting) -> np.ndarray:
    """Labels, shape (case,)."""
    return (np.arange(setting.n) < round(setting.n * setting.prevalence)).astype(float)


def tested(setting: Setting, rows: np.ndarray, seed: int) -> tuple[Difference, float]:
    """Difference of the first two methods, positive where the first is better, and its standard error."""
    if setting.kind == "auc":
        truth, fold = truth_of(setting), np.arange(setting.n) % FOLDS
        given = (truth, rows[:1], rows[1:2], fold)
        both = delong(truth, [rows[:1], rows[1:2]], fold)
        return auc_difference(*given), auc_difference_error(both, *given)[0]
    patients = patients_of(np.arange(setting.n))
    influence = mean_influence((rows[1] - rows[0])[None], patients)[0]
    drawn = draw_patients(patients, DRAWS, seed)
    found = studentised_difference(float((rows[1] - rows[0]).mean()), influence, patients, drawn)
    return found, float(np.sqrt((influence**2).sum()))


def familywise(setting: Setting, rows: np.ndarray, seed: int) -> bool:
    """Whether any of the methods is told apart from the first, the reference."""
    truth, fold = truth_of(setting), np.arange(setting.n) % FOLDS
    patients = patients_of(np.arange(setting.n), truth if setting.kind == "auc" else None)
    family = [(row, 0) for row in range(1, len(rows))]
    if setting.kind == "auc":
        scores = [row[None] for row in rows]
        adjusted = auc_adjusted_p(truth, scores, fold, patients, family, Bootstrap(DRAWS, seed))
    else:
        drawn = draw_patients(patients, DRAWS, seed)
        adjusted = adjusted_p(-rows.mean(axis=1), -mean_influence(rows, patients), patients, drawn, family)
    return bool((adjusted[1:, 0] < 0.05).any())


def measured(setting: Setting, repeats: int, seed: int) -> tuple[float, ...]:
    """Type-I error, coverage at the detectable difference, that, power at it, family-wise error."""
    rng = np.random.default_rng([seed, setting.n, round(100 * setting.correlation), len(setting.kind)])
    errors = [tested(setting, draw(setting, rng, 2, 0.0), 0)[1] for _ in range(min(repeats, 300))]
    size = detectable_difference(float(np.sqrt(np.mean(np.square(errors)))))
    size = min(size, 0.999 - AREA) if setting.kind == "auc" else size
    null, power, covered, family = [], [], [], []
    for repeat in range(repeats):
        null.append(tested(setting, draw(setting, rng, 2, 0.0), repeat)[0].p < 0.05)
        found, _ = tested(setting, draw(setting, rng, 2, size), repeat)
        power.append(found.p < 0.05)
        covered.append(found.interval.low <= size <= found.interval.high)
        family.append(familywise(setting, draw(setting, rng, RIVALS + 1, 0.0), repeat))
    return float(np.mean(null)), float(np.mean(covered)), size, float(np.mean(power)), float(np.mean(family))


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print("kind      n  prevalence  correlation  type I  coverage  detectable  power  family-wise")
    settings = [Setting("auc", *entry) for entry in product((74, 177), (0.18, 0.74), (0.5, 0.8))]
    settings += [
        Setting(kind, n, 0.5, c) for kind in ("mae", "skewed") for n, c in product((74, 177), (0.5, 0.8))
    ]
    for setting in settings:
        error, coverage, size, power, family = measured(setting, chosen.repeats, chosen.seed)
        prevalence = f"{setting.prevalence:.2f}" if setting.kind == "auc" else "-"
        print(
            f"{setting.kind:7s}{setting.n:4d}{prevalence:>12s}{setting.correlation:13.1f}{error:8.3f}", end=""
        )
        print(f"{coverage:10.3f}{size:12.3f}{power:7.3f}{family:13.3f}", flush=True)


if __name__ == "__main__":
    main()
