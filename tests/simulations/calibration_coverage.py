"""Bias and coverage of the calibration error, by simulation against the true one of the population.

    python tests/simulations/calibration_coverage.py --repeats 4000

Logits are normal; the true probability is another function of the logit. ``true``: the expected absolute
gap over five bins of equal mass of the population. ``plain`` is the mean of the uncorrected error,
``percentiles`` the coverage of percentiles of its bootstrap (400 draws, a twentieth of the repeats).
"""

import argparse
from itertools import product

import numpy as np
from scipy.special import expit, ndtr

from bench.inference import calibration_interval, draw_patients, patients_of, percentile_interval
from bench.metrics import CALIBRATION_BINS, bin_shares, calibration_error, score_levels
from bench.metrics.calibration import binned_gaps

SHAPES = {
    "calibrated": expit,
    "shifted by .4": lambda logit: expit(logit + 0.4),
    "shifted by 1": lambda logit: expit(logit + 1),
    "slope 2": lambda logit: expit(2 * logit),
    "top alone": lambda logit: np.where(logit > 0.3, expit(logit - 1), expit(logit)),
}
SPREAD = 0.8


def true_error(shape, middle: float) -> float:
    """Of a population of 400,000 cases."""
    logit = middle + SPREAD * np.random.default_rng(9).standard_normal(400_000)
    gaps = (shape(logit) - expit(logit))[np.argsort(logit)]
    return float(np.mean([abs(part.mean()) for part in np.array_split(gaps, CALIBRATION_BINS)]))


def plain(truth: np.ndarray, said: np.ndarray) -> float:
    """The error without a correction."""
    return float(np.abs(bin_shares(said) @ (truth - said)).sum() / len(truth))


def cohort(n: int, lesions: int, middle: float, shape, rng: np.random.Generator):
    """Truth, probability and patient of each case; lesions of a patient share half of their variance."""
    patient = np.arange(n) // lesions
    shared = rng.standard_normal((2, patient[-1] + 1))[:, patient]
    own = rng.standard_normal((2, n))
    one, other = own if lesions == 1 else (shared + own) / np.sqrt(2)
    logit = middle + SPREAD * one
    return (ndtr(other) < shape(logit)).astype(float), expit(logit), patient


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    print(
        "   n  lesions  middle  shape           true   plain  value  coverage  holds the value  percentiles"
    )
    for (n, lesions), middle in product(((74, 1), (177, 1), (177, 4)), (0.0, -1.4)):
        for name, shape in SHAPES.items():
            rng, true, rows, old = np.random.default_rng([n, lesions]), true_error(shape, middle), [], []
            for repeat in range(repeats):
                truth, said, patient = cohort(n, lesions, middle, shape, rng)
                people = patients_of(patient)
                value = calibration_error(truth, said)
                low, high = calibration_interval(value, truth, said[None], people)
                held = low - 1e-9 <= true <= high + 1e-9
                rows.append((plain(truth, said), value, held, low <= value <= high))
                if repeat % 20 == 0:
                    weights = draw_patients(people, 400, repeat)[people.codes]
                    gaps = binned_gaps(truth - said, score_levels(said), weights)[0]
                    below, above = percentile_interval(np.abs(gaps).mean(axis=0))
                    old.append(below <= true <= above)
            means = np.mean(rows, axis=0)
            print(
                f"{n:4d}{lesions:9d}{middle:8.1f}  {name:14s}{true:6.3f}{means[0]:8.3f}{means[1]:7.3f}",
                end="",
            )
            print(f"{means[2]:10.3f}{means[3]:17.3f}{np.mean(old):13.3f}", flush=True)


if __name__ == "__main__":
    main()
