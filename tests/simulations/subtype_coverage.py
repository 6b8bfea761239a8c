"""Coverage of the intervals of macro-F1, kappa, macro AUC and the cells of the confusion matrix.

    python tests/simulations/subtype_coverage.py --repeats 4000

Receptors with a prevalence of .74 (ER; PR agrees with it in .88) and .18 (HER2) are read with noise: each
prediction is the expit of the status plus a normal error. Classes go by ``receptor_only``; thresholds are
fixed, as they are for the cases that are scored. The true values are those of a million cases. Prints one
row a setting: share of the 95 % intervals (1,000 resamples) that hold the true value, for a cell over all
cells of the matrix; and how often macro AUC has no interval, since a class has a single patient (those do
not count).
"""

import argparse
from itertools import product
from typing import NamedTuple

import numpy as np

from bench.inference import (
    draw_patients,
    effective_patients,
    patients_of,
    percentile_interval,
    wilson_interval,
)
from bench.scoring.subtypes.metrics import confusion_matrix, kappa, macro_auc, macro_auc_interval, macro_f1
from bench.scoring.subtypes.rules import RULES, class_probabilities, classes_of, predicted_classes

RULE = RULES["receptor_only"]
CLASSES = len(RULE.classes)
HALF = {"er": 0.5, "pr": 0.5, "her2": 0.5}
POPULATION = 1_000_000
DRAWS = 1000


class Sample(NamedTuple):
    truth: np.ndarray
    hard: np.ndarray
    soft: np.ndarray


def draw_sample(rng: np.random.Generator, n: int, signal: float) -> Sample:
    """Cases with their class and what a method of that signal says of them."""
    er = rng.random(n) < 0.74
    pr = np.where(rng.random(n) < 0.88, er, ~er)
    status = {"er": er, "pr": pr, "her2": rng.random(n) < 0.18}
    said = {
        role: 1 / (1 + np.exp(-(signal * (value - 0.5) + rng.standard_normal(n))))
        for role, value in status.items()
    }
    truth = classes_of(RULE, {role: value.astype(float) for role, value in status.items()})
    return Sample(truth, predicted_classes(RULE, said, HALF), class_probabilities(RULE, said))


def values(sample: Sample) -> tuple[float, float, float, np.ndarray]:
    """Macro-F1, kappa, macro AUC and the shares of each true class."""
    counts = confusion_matrix(sample.truth, sample.hard, CLASSES, np.ones((len(sample.truth), 1)))[0]
    area = macro_auc(sample.truth, sample.soft)
    with np.errstate(invalid="ignore"):
        shares = counts / counts.sum(axis=1, keepdims=True)
    return float(macro_f1(counts)), float(kappa(counts)), area, shares[:, :CLASSES]


def covered(sample: Sample, true: tuple[float, float, float, np.ndarray], seed: int) -> list[float]:
    """Whether each interval holds the true value."""
    patients = patients_of(np.arange(len(sample.truth)))
    weights = draw_patients(patients, DRAWS, seed)
    counts = confusion_matrix(sample.truth, sample.hard, CLASSES, weights)
    intervals = [percentile_interval(entry) for entry in (macro_f1(counts), kappa(counts))]
    intervals += [macro_auc_interval(sample.truth, sample.soft[None], None, np.arange(len(sample.truth)))]
    held = [
        np.nan if np.isnan(low) else float(low <= interval <= high)
        for (low, high), interval in zip(intervals, true[:3], strict=True)
    ]
    shares = values(sample)[3]
    sizes = effective_patients(sample.truth, np.arange(len(sample.truth)), CLASSES)
    cells = [
        low <= true[3][place] <= high
        for place in product(range(CLASSES), repeat=2)
        if sizes[place[0]]
        for low, high in [wilson_interval(shares[place], sizes[place[0]])]
    ]
    return [*held, float(np.mean(cells))]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print("   n  signal  macro-F1  kappa   AUC  | coverage: macro-F1  kappa    AUC   cell   no AUC interval")
    for signal, n in product((0.7, 2.5), (74, 177, 800)):
        rng = np.random.default_rng([chosen.seed, n, round(10 * signal)])
        true = values(draw_sample(rng, POPULATION, signal))
        rows = [covered(draw_sample(rng, n, signal), true, seed) for seed in range(chosen.repeats)]
        f1, agreement, area, cell = np.nanmean(rows, axis=0)
        without = np.isnan(np.array(rows)[:, 2]).mean()
        print(
            f"{n:4d} {signal:7.1f} {true[0]:9.3f} {true[1]:6.3f} {true[2]:6.3f}"
            f"{f1:20.3f} {agreement:6.3f} {area:6.3f} {cell:6.3f} {without:9.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
