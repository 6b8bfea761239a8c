"""Coverage of 95 % intervals, and type-I error of differences, by the number of patients, by simulation.

    python tests/simulations/few_patients.py --repeats 4000

What :data:`bench.inference.MIN_PATIENTS` rests on. Patients have one lesion, four, or one to seven;
scores (or errors) of a patient's lesions correlate by .5. ``mixed``: three in ten further lesions are of the
other class than the patient's first. ``few / few``: as many patients of either class; ``few / 40``: one class
is rare.
"""

import argparse
from itertools import product

import numpy as np
from scipy.special import ndtri

from bench.inference import (
    auc_difference,
    auc_interval,
    delong,
    draw_patients,
    mean_influence,
    patients_of,
    studentised_interval,
)

AREA = 0.75
NUMBERS = (2, 5, 8, 10, 15)
DESIGNS = {"one": (1, False), "four": (4, False), "four, mixed": (4, True), "uneven": (0, False)}


def lesions(patients: int, design: str, rng: np.random.Generator) -> np.ndarray:
    """Patient of each case, shape (case,)."""
    each = DESIGNS[design][0]
    return np.repeat(np.arange(patients), each if each else rng.integers(1, 8, size=patients))


def clustered(patient: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Normal numbers that correlate by .5 within patients, shape (row, case)."""
    shared = rng.standard_normal((rows, patient[-1] + 1))[:, patient]
    return (shared + rng.standard_normal((rows, len(patient)))) / np.sqrt(2)


def area_row(few: int, many: int, design: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """Whether an AUC's interval holds it, whether there is none, whether equal methods are told apart."""
    patient = lesions(few + many, design, rng)
    truth = (patient < few).astype(float)
    later = np.diff(patient, prepend=-1) == 0
    if DESIGNS[design][1]:
        truth = np.where(later & (rng.random(len(truth)) < 0.3), 1 - truth, truth)
    said = np.sqrt(2) * ndtri(AREA) * truth + clustered(patient, 2, rng)
    low, high = auc_interval(delong(truth, [said[:1]], None, patient), 0)
    p = auc_difference(truth, said[:1], said[1:], None, patient).p if few == many else np.nan
    return float(low <= AREA <= high), float(np.isnan(low)), float(p < 0.05)


def error_row(few: int, design: str, draws: dict, rng: np.random.Generator) -> tuple[float, float, float]:
    """The same of the mean of half-normal errors, without a second method."""
    patient = lesions(few, design, rng)
    people = patients_of(patient)
    errors = np.abs(clustered(patient, 1, rng))
    means, influence = errors.mean(axis=1), mean_influence(errors, people)
    drawn = draws.setdefault(few, draw_patients(people, 600))
    held = drawn[people.codes]
    redrawn = errors[0] @ held / held.sum(axis=0)
    low, high = studentised_interval(float(means[0]), redrawn, influence[0], people, drawn)
    return float(low <= np.sqrt(2 / np.pi) <= high), float(np.isnan(low)), np.nan


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    print("patients  lesions      few / few: coverage  type I   few / 40: coverage   MAE: coverage")
    draws: dict = {}
    for few, design in product(NUMBERS, DESIGNS):
        rng = np.random.default_rng([few, len(design)])
        print(f"{few:8d}  {design:12s}", end="")
        for width, make in ((20, (few, few)), (21, (few, 40)), (16, None)):
            rows = [
                error_row(few, design, draws, rng) if make is None else area_row(*make, design, rng)
                for _ in range(repeats)
            ]
            held, none, rejected = np.array(rows).T
            print(f"{held.sum() / max((none == 0).sum(), 1):{width}.3f}", end="")
            print(f"{rejected.mean():8.3f}" if make == (few, few) else "", end="")
        print(flush=True)


if __name__ == "__main__":
    main()
