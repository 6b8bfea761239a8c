"""Who is resampled, what each patient contributes, and the statistics of resamples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.inference.estimate import NEGLIGIBLE
from bench.metrics import DRAWS_AT_ONCE, Array, Codes, stratum_codes

DRAWS = 2000


DRAW_SEED = 0


# The fewest independent patients that can show a difference at all: a sign test on five unanimous patients
# has p = .0625, on six p = .031. With fewer, no method is called better than another.
FEWEST_PATIENTS = 6


@dataclass(frozen=True, eq=False)
class Patients:
    """Who is resampled.

    Parameters
    ----------
    codes
        Patient of each case, numbered from 0, shape (case,).
    group
        Class within which a patient is redrawn, numbered from 0, shape (patient,).
    """

    codes: Codes
    group: Codes


def patients_of(patient: NDArray[np.generic], label: Array | None = None) -> Patients:
    """Patients of these cases, in one group; with a ``label`` (1 or 0, a case) in two.

    The two are patients without and with a positive case, so that no resample lacks a class. ``patient`` and
    ``label`` have shape (case,).
    """
    codes = stratum_codes(patient, len(patient))
    group = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.intp)
    if label is not None:
        np.maximum.at(group, codes, (label == 1).astype(np.intp))
    return Patients(codes, group)


def draw_patients(patients: Patients, draws: int = DRAWS, seed: int = DRAW_SEED, fewer: int = 0) -> Array:
    """How often each bootstrap resample holds each patient with all its cases, shape (patient, draw).

    As many patients as a group has, or ``fewer``, are drawn with replacement within it. The draws depend on
    the order of the patients.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((len(patients.group), draws))
    for code in np.unique(patients.group):
        members = np.flatnonzero(patients.group == code)
        drawn = rng.integers(len(members), size=(draws, max(len(members) - fewer, 1)))
        drawn += np.arange(draws)[:, None] * len(members)
        held = np.bincount(drawn.ravel(), minlength=draws * len(members))
        counts[members] = held.reshape(draws, len(members)).T
    return counts


def effective_patients(truth: Codes, patient: NDArray[np.generic], classes: int) -> Array:
    r"""Independent patients that each class is worth, :math:`(\sum_i m_i)^2 / \sum_i m_i^2`, shape (class,).

    ``m_i`` are a patient's cases of that class (Kish 1965). With one case a patient it is their number; the
    cases of one patient count as one, which is right where they agree and conservative where they do not.
    """
    people = stratum_codes(patient, len(truth))
    sizes = np.zeros((classes, int(people.max(initial=-1)) + 1))
    np.add.at(sizes, (truth, people), 1.0)
    squares = (sizes**2).sum(axis=1)
    size: Array = np.where(squares > 0, sizes.sum(axis=1) ** 2 / np.maximum(squares, 1), 0.0)
    return size


def mean_influence(values: Array, patients: Patients) -> Array:
    """What each patient contributes to the deviation of each mean over cases, shape (row, patient).

    ``values`` has shape (row, case). As for :func:`auc_influence`, the sum of squares over patients is the
    variance of the mean.
    """
    count = len(patients.group)
    deviation = values - values.mean(axis=1, keepdims=True)
    scale = np.sqrt(count / max(count - 1, 1)) / values.shape[1]
    influence: Array = scale * sum_by(patients.codes, deviation)
    return influence


def jackknife_influence(metric: Callable[[Array], Array], patients: Patients) -> Array:
    """What each patient contributes to each value of a metric, from leaving it out, shape (row, patient).

    Centred within the patients' groups and scaled so that the sum of squares is the jackknife's variance
    (Efron & Tibshirani 1993, chapter 11); for a mean over cases it is :func:`mean_influence`. Patients are
    left out by weight, many at once: O(cases x patients).

    Parameters
    ----------
    metric
        From the weight of each case, shape (case, draw), to values of shape (row, draw), such as
        :attr:`bench.metrics.Metric.resampled` with its other arguments given.
    patients
        Who is left out.
    """
    count = len(patients.group)
    blocks = []
    for start in range(0, count, DRAWS_AT_ONCE):
        left_out = np.arange(start, min(start + DRAWS_AT_ONCE, count))
        blocks.append(metric((patients.codes[:, None] != left_out).astype(float)))
    values = np.concatenate(blocks, axis=1)
    influence = np.zeros_like(values)
    for code in np.unique(patients.group):
        members = patients.group == code
        size = int(members.sum())
        part = values[:, members]
        influence[:, members] = np.sqrt((size - 1) / size) * (part.mean(axis=1, keepdims=True) - part)
    return influence


def studentised(contrast: Array, patients: Patients, drawn: Array) -> Array:
    """Absolute bootstrap-t statistics of sums over patients, shape (row, draw); infinite without spread."""
    variance = _resampled_variance(contrast, patients, drawn)
    moved = np.abs(contrast @ (drawn * _per_drawn(patients, drawn)[:, None] - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Array = moved / np.sqrt(variance)
    return np.where(moved**2 < NEGLIGIBLE, 0.0, ratio)


def metric_variance(influence: Array, patients: Patients, drawn: Array) -> Array:
    """Variance of a metric in each resample, from what each patient contributes to it, shape (draw,)."""
    # The metric itself moves in a resample, not its scaled contributions, so the scale is taken off again.
    size = np.bincount(patients.group)[patients.group]
    variance: Array = _resampled_variance((influence * np.sqrt((size - 1) / size))[None], patients, drawn)[0]
    return variance


def _resampled_variance(contrast: Array, patients: Patients, drawn: Array) -> Array:
    """Variance, in each resample, of sums over patients of what they contribute, shape (row, draw)."""
    variance = np.zeros((len(contrast), drawn.shape[1]))
    for code in np.unique(patients.group):
        members = patients.group == code
        part, held = contrast[:, members], drawn[members]
        size, count = int(members.sum()), int(held[:, 0].sum())
        spread = part**2 @ held - (part @ held) ** 2 / count
        variance += spread * size**2 / (count * max(count - 1, 1))
    return np.maximum(variance, 0.0)


def _per_drawn(patients: Patients, drawn: Array) -> Array:
    """How many patients of its group each drawn one stands for, shape (patient,)."""
    sizes = np.bincount(patients.group)
    counts = np.bincount(patients.group, drawn[:, 0], minlength=len(sizes))
    stands: Array = (sizes / np.maximum(counts, 1))[patients.group]
    return stands


def sum_by(code: Codes, values: Array) -> Array:
    """Sums of the columns of ``values`` with the same code, shape (row, code)."""
    return np.array([np.bincount(code, row) for row in values])
