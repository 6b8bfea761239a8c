"""Who is resampled, what each patient contributes, and the statistics of resamples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.inference.estimate import ALPHA, NEGLIGIBLE
from bench.metrics import DRAWS_AT_ONCE, Array, Codes, stratum_codes

DRAWS = 2000
DRAW_SEED = 0

# A p this many standard errors (of the resampling) from 5 % is clear. Resamples are added until it is, or
# until there are this many; a p that stays open is given as just above 5 %, whatever the seed.
CLEAR = 4
MAX_DRAWS = 400_000
JUST_ABOVE = 1 + 1e-9

# A p within this share of a level is close to it: at the most resamples four standard errors are 2.8 % of
# 5 %, and what lies near that edge is clear with one seed and open with another.
CLOSE = 0.08

# A family of more than so many pairs, those of 45 methods, is decided with fewer resamples: some step of
# thousands is always near a level. Four standard errors are then 8.7 % of 5 %.
MANY_PAIRS = 1000
MAX_DRAWS_OF_MANY, CLOSE_OF_MANY = 40_000, 0.25

# Patients (of each class, for a binary task) below which nothing has an interval and no two methods are
# compared, whatever the number of their cases; a class whose cases lie unevenly counts by its effective
# number of patients. ``tests/simulations/few_patients.py``: from here on intervals hold 93 % or more.
MIN_PATIENTS = 10

# Resamples that are weighed at once; memory beyond their counts grows with it, not with their number.
BLOCK = 2 * DRAWS_AT_ONCE

# Patients that are drawn at once: so few stay in the processor's cache, and how many changes no draw.
DRAWN_AT_ONCE = 1 << 17

# How often resamples hold patients. One of n is drawn 256 times in n draws with a probability below 1 / 256!.
Counts = NDArray[np.uint8]

# Sets the normal numbers of seeds apart from the blocks of resamples, which count from 0.
SEEDS_STREAM = 2**32


@dataclass(frozen=True)
class Bootstrap:
    """How many resamples of patients are drawn, and from which seed."""

    draws: int = DRAWS
    seed: int = DRAW_SEED

    def drawn(self, patients: "Patients", fewer: int = 0) -> Counts:
        """The resamples, see :func:`drawn_counts`."""
        return drawn_counts(patients, self.draws, self.seed, fewer)


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


def draw_patients(
    patients: Patients, draws: int = DRAWS, seed: int | Sequence[int] = DRAW_SEED, fewer: int = 0
) -> Array:
    """:func:`drawn_counts` as weights, shape (patient, draw)."""
    return drawn_counts(patients, draws, seed, fewer).astype(float)


def drawn_counts(
    patients: Patients, draws: int = DRAWS, seed: int | Sequence[int] = DRAW_SEED, fewer: int = 0
) -> Counts:
    """How often each bootstrap resample holds each patient with all its cases, shape (patient, draw).

    As many patients as a group has, or ``fewer``, are drawn with replacement within it. The draws depend on
    the order of the patients.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((len(patients.group), draws), dtype=np.uint8)
    for code in np.unique(patients.group):
        members = np.flatnonzero(patients.group == code)
        size = len(members)
        at_once = max(DRAWN_AT_ONCE // size, 1)
        offset = np.arange(at_once)[:, None] * size
        for start in range(0, draws, at_once):
            stop = min(start + at_once, draws)
            drawn = rng.integers(size, size=(stop - start, max(size - fewer, 1)))
            drawn += offset[: stop - start]
            held = np.bincount(drawn.ravel(), minlength=(stop - start) * size).astype(np.uint8)
            counts[members, start:stop] = held.reshape(stop - start, size).T
    return counts


def draw_blocks(draws: int) -> list[slice]:
    """The resamples in blocks of :data:`BLOCK`."""
    return [slice(start, min(start + BLOCK, draws)) for start in range(0, draws, BLOCK)]


def resamples(
    patients: Patients, drawn: Counts | Array, seed: int, seeds: int, pairs: int = 1
) -> Iterator[tuple[Counts | Array, Array]]:
    """The resamples that were ``drawn`` by :func:`draw_patients`, then further blocks of as many.

    Each with a normal number for every training seed and resample, shape (seed, draw). It ends when as many
    as :func:`most_draws` has for the ``pairs`` of a family are reached.
    """
    first = patients.group == patients.group[0]
    fewer = int(first.sum()) - int(drawn[first, 0].sum())
    count = drawn.shape[1]
    for block in range(max(most_draws(pairs) // count, 1)):
        held = drawn_counts(patients, count, (seed, block), fewer) if block else drawn
        yield held, np.random.default_rng((seed, SEEDS_STREAM, block)).standard_normal((seeds, count))


def undecided(p: Array, draws: Array, levels: Sequence[float]) -> Array:
    """The level that so many resamples leave each p on either side of, NaN where they decide; (step,).

    A p is that of a step of a family, from the largest difference on: where one is clearly above a level no
    later one matters to it.
    """
    found = np.full(len(p), np.nan)
    for level in levels:
        margin = CLEAR * np.sqrt(level * (1 - level) / draws)
        passed = np.concatenate([[False], np.maximum.accumulate(p > level + margin)[:-1]])
        found[(np.abs(p - level) <= margin) & ~passed] = level
    return found


def most_draws(pairs: int = 1) -> int:
    """How many resamples may be drawn for a family of so many pairs."""
    return MAX_DRAWS if pairs <= MANY_PAIRS else min(MAX_DRAWS_OF_MANY, MAX_DRAWS)


def close_share(pairs: int = 1) -> float:
    """Within which share of a level a p is close to it, in a family of so many pairs."""
    return CLOSE if pairs <= MANY_PAIRS else CLOSE_OF_MANY


def is_close(p: float, pairs: int = 1) -> bool:
    """Whether a p of a family is so close to 5 % that another seed could put it on the other side."""
    return abs(p - ALPHA) <= close_share(pairs) * ALPHA


def effective_patients(truth: Codes, patient: NDArray[np.generic], classes: int) -> Array:
    r"""Effective number of patients by class, :math:`(\sum_i m_i)^2 / \sum_i m_i^2`, shape (class,).

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
    """Influence value of each patient for each value of a metric, from leaving it out, shape (row, patient).

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


def seed_influence(values: Sequence[Array], seeds: Sequence[Sequence[int]] | None = None) -> Array:
    r"""What each training seed contributes to each mean over seeds, shape (row, seed).

    .. math:: c_{ms} = (v_{ms} - \bar v_m) / \sqrt{S_m (S_m - 1)}

    so that the sum of squares of the difference of two rows is :math:`s_d^2 / S`, the variance of a mean of S
    differences between rows of the same seeds. A seed shows how a method of this kind could have come out
    on the same cases. 0 where a row has a single seed, whose variation is unknown.

    Parameters
    ----------
    values
        A metric of each seed of each row, each of shape (seed,).
    seeds
        Their numbers, which pair rows; 0, 1, 2 ... where left out.
    """
    named = [range(len(row)) for row in values] if seeds is None else seeds
    column = {seed: place for place, seed in enumerate(sorted({one for row in named for one in row}))}
    found = np.zeros((len(values), len(column)))
    for row, (said, numbers) in enumerate(zip(values, named, strict=True)):
        if len(said) > 1:
            places = [column[number] for number in numbers]
            found[row, places] = (said - said.mean()) / np.sqrt(len(said) * (len(said) - 1))
    return found


def seed_freedom(contributions: Array) -> int:
    """Degrees of freedom of a variance between seeds, from contributions of shape (..., seed)."""
    return max(int(contributions.shape[-1]) - 1, 1)


def studentised(
    contrast: Array, patients: Patients, drawn: Counts | Array, seeds: Array, numbers: Array
) -> Array:
    """Absolute bootstrap-t statistics of sums over patients and seeds, shape (row, draw).

    Patients are resampled; what a training seed contributes is multiplied with a normal number, so that two
    or three seeds leave the spread as uncertain as they do. Infinite without spread.

    Parameters
    ----------
    contrast, seeds
        What each patient and each seed contributes, shapes (row, patient) and (row, seed).
    patients, drawn, numbers
        Who was resampled, and the numbers of the seeds, as :func:`resamples` yields them.
    """
    return studentised_by(*_resampled_moments(contrast, patients, drawn), seeds, numbers)


def studentised_by(moved: Array, variance: Array, seeds: Array, numbers: Array) -> Array:
    """:func:`studentised` from deviation and variance over patients, shape (row, draw), which are changed."""
    if seeds.any():
        shift, count = seeds @ numbers, seeds.shape[1]
        moved += shift
        variance += (seeds**2 @ numbers**2 - shift**2 / count) * count / seed_freedom(seeds)
    np.abs(moved, out=moved)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Array = np.divide(moved, np.sqrt(variance, out=variance), out=variance)
    ratio[moved**2 < NEGLIGIBLE] = 0.0
    return ratio


def metric_variance(influence: Array, patients: Patients, drawn: Counts | Array) -> Array:
    """Variance of a metric in each resample, from what each patient contributes to it, shape (draw,)."""
    # The metric itself moves in a resample, not its scaled contributions, so the scale is taken off again.
    size = np.bincount(patients.group)[patients.group]
    scaled = (influence * np.sqrt((size - 1) / size))[None]
    variance: Array = _resampled_moments(scaled, patients, drawn)[1][0]
    return variance


def _resampled_moments(contrast: Array, patients: Patients, drawn: Counts | Array) -> tuple[Array, Array]:
    """Deviation in each resample of sums over patients of what they contribute, and its variance there.

    Both have shape (row, draw). A drawn patient stands for as many as its group has for each that is drawn.
    """
    moved = np.repeat(-contrast.sum(axis=1, keepdims=True), drawn.shape[1], axis=1)
    variance = np.zeros_like(moved)
    for code in np.unique(patients.group):
        members = np.flatnonzero(patients.group == code)
        part = contrast[:, members]
        squares, size, count = part**2, len(members), int(drawn[members, 0].sum())
        for block in draw_blocks(drawn.shape[1]):
            held = drawn[members, block].astype(float)
            total = part @ held
            moved[:, block] += size / max(count, 1) * total
            spread = squares @ held - total**2 / count
            variance[:, block] += spread * size**2 / (count * max(count - 1, 1))
    return moved, np.maximum(variance, 0.0)


def sum_by(code: Codes, values: Array) -> Array:
    """Sums of the columns of ``values`` with the same code, shape (row, code)."""
    return np.array([np.bincount(code, row) for row in values])
