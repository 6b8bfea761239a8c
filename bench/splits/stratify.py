"""Cutting cases into parts that resemble each other, never through a patient."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from bench.splits.anneal import anneal, found

# Small cohorts are where one start ends much better than the next, and where several cost nothing; thousands
# of patients are balanced at the first. The budget counts patients placed.
MAX_STARTS = 3
START_BUDGET = 400


def stratify(
    patient_ids: np.ndarray, levels: np.ndarray, shares: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """Part of each case, int, shape (case,): patients whole, every level spread in proportion to the shares.

    Patients are placed at random and then exchanged between parts so that the imbalance
    sum((found - wanted)^2 / wanted) over parts and levels falls (simulated annealing, Kirkpatrick et al.,
    Science 220:671, 1983); the best of several starts is taken: fewest levels absent from a part, then least
    imbalance. Sizes are the shares rounded to whole cases where every patient has one case.

    Only the count of each level is balanced. How levels go together (a site with a label, a label with
    another) stays as random as in a cut by lot, so that an association which the cases show by chance is no
    more alike in two parts than in two samples. A greedy placement (iterative stratification, Sechidis et
    al., ECML PKDD 2011) deals the sites out evenly within each label and so hands a chance association from
    the training part to the test part: a predictor of the site alone then has an AUC above .5 without signal.
    Lots that are drawn until given counts are balanced leave everything else at random: Morgan and Rubin,
    "Rerandomization to improve covariate balance in experiments", Ann Stat 40:1263, 2012.

    Parameters
    ----------
    patient_ids
        Patient of each case, shape (case,).
    levels
        Which levels a case has, bool, shape (case, level), at least one case a level.
    shares
        Relative sizes of the parts, positive.
    rng
        Draws the placements and the order of the exchanges.
    """
    return stratify_numbered(np.unique(patient_ids.astype(str), return_inverse=True)[1], levels, shares, rng)


def stratify_numbered(
    patient: np.ndarray, levels: np.ndarray, shares: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """:func:`stratify` of patients who have numbers, shape (case,), in the order of their names."""
    patients, of_case = np.unique(patient, return_inverse=True)  # (patient,), (case,)
    columns = (np.ones(len(levels)), *levels.T)  # the first level is every case
    cases = [np.bincount(of_case, column, minlength=len(patients)) for column in columns]
    counts = np.stack(cases, axis=1)  # of (patient, level)
    ratio = np.asarray(shares) / np.sum(shares)
    starts = max(1, min(MAX_STARTS, START_BUDGET // len(patients)))
    placements = [anneal(counts, _place(counts[:, 0], ratio, rng), ratio, rng) for _ in range(starts)]
    best: np.ndarray = min(placements, key=lambda part_of: _imbalance(counts, part_of, ratio))
    return best[of_case]


def quantile_bins(values: np.ndarray, bins: int) -> np.ndarray:
    """Bin of each value by its quantile, 0 to bins - 1, shape (case,); equal values share a bin."""
    if not len(values):
        return np.zeros(0, dtype=int)
    edges = np.quantile(values, np.arange(1, bins) / bins, method="lower")
    return np.searchsorted(edges, values, side="left")


def _imbalance(counts: np.ndarray, part_of: np.ndarray, shares: np.ndarray) -> tuple[int, float]:
    """Number of (part, level) without a case, and the chi-squared distance from proportional parts."""
    wanted = shares[:, None] * counts.sum(axis=0)  # (part, level)
    held = found(counts, part_of, len(shares))
    return int((held == 0).sum()), round(float(((held - wanted) ** 2 / wanted).sum()), 9)


def _place(sizes: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Part of each patient by lot, int, shape (patient,): patients of many cases first, into parts with room.

    ``sizes`` holds the cases of each patient.
    """
    room = _whole_numbers(shares * sizes.sum())
    part_of = np.zeros(len(sizes), dtype=int)
    shuffled = rng.permutation(len(sizes))
    several = shuffled[sizes[shuffled] > 1]
    several = several[np.argsort(-sizes[several], kind="stable")]
    part_of[several] = _drawn(sizes[several].tolist(), room, rng.random(len(several)).tolist())
    single = shuffled[sizes[shuffled] == 1]
    places = np.repeat(np.arange(len(shares)), room.clip(min=0).astype(int))
    part_of[single] = rng.permutation(places)[: len(single)]
    return part_of


def _drawn(sizes: list[float], room: np.ndarray, lots: list[float]) -> list[int]:
    """The part that each lot draws, in proportion to the room of the parts that a patient fits in.

    ``room`` is left with what the patients take of it. Plain numbers, as arrays of so few parts are slow.
    """
    left, chosen = room.tolist(), []
    for size, lot in zip(sizes, lots, strict=True):
        least = min(size, max(left))
        ends = list(accumulate([(free if free > 1.0 else 1.0) if free >= least else 0.0 for free in left]))
        part = bisect_right(ends, lot * ends[-1])
        chosen.append(part)
        left[part] -= size
    room[:] = left
    return chosen


def _whole_numbers(sizes: np.ndarray) -> np.ndarray:
    """Sizes rounded to whole cases with their sum kept: the largest remainders are rounded up."""
    # 0.1 * 70 is 7.000000000000001: the remainder of such a product must count as none.
    sizes = np.round(sizes, 9)
    whole: np.ndarray = np.floor(sizes)
    missing = round(sizes.sum() - whole.sum())
    whole[np.argsort(whole - sizes, kind="stable")[:missing]] += 1
    return whole
