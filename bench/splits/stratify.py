"""Cutting cases into parts that resemble each other, never through a patient."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

# Small cohorts are where one start ends much better than the next, and where several cost nothing; thousands
# of patients are balanced at the first. The budget counts patients placed.
MAX_STARTS = 3
START_BUDGET = 400
TEMPERATURES = (2.0, 0.02)
WARM_SWEEPS, COLD_SWEEPS = 24, 8
MAX_EXCHANGES = 10_000
# An exchange that changes the imbalance by less is a tie: sums differ in the last digits between processors.
MIN_GAIN = 1e-9


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
    patients, of_case = np.unique(patient_ids.astype(str), return_inverse=True)  # (patient,), (case,)
    counts = np.zeros(
        (len(patients), 1 + levels.shape[1])
    )  # cases of (patient, level); level 0 is every case
    np.add.at(counts, of_case, np.column_stack([np.ones(len(levels)), levels]))
    ratio = np.asarray(shares) / np.sum(shares)
    starts = max(1, min(MAX_STARTS, START_BUDGET // len(patients)))
    placements = [_anneal(counts, _place(counts[:, 0], ratio, rng), ratio, rng) for _ in range(starts)]
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
    found = _found(counts, part_of, len(shares))
    return int((found == 0).sum()), round(float(((found - wanted) ** 2 / wanted).sum()), 9)


def _found(counts: np.ndarray, part_of: np.ndarray, parts: int) -> np.ndarray:
    """Cases of each (part, level)."""
    return np.stack([counts[part_of == part].sum(axis=0) for part in range(parts)])


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


def _anneal(
    counts: np.ndarray, part_of: np.ndarray, shares: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The placement after exchanges of two patients at falling temperature (Metropolis), shape (patient,).

    Every exchange is accepted or not by the imbalance alone, so that of placements with the same counts none
    is likelier than another; taking the best exchange each time would not do, as it prefers patients of
    several levels at once.
    """
    parts = part_of.tolist()
    wanted = shares[:, None] * counts.sum(axis=0)
    excess = (_found(counts, part_of, len(shares)) - wanted).tolist()
    weight = (1 / wanted).tolist()
    for temperature in _temperatures():
        ones, others = rng.integers(len(counts), size=(2, min(len(counts), MAX_EXCHANGES)))
        tolerated = (-temperature * np.log1p(-rng.random(len(ones))) - MIN_GAIN).tolist()
        levels, gains, ends = _changes(counts, ones, others)
        exchanges = zip(ones.tolist(), others.tolist(), pairwise(ends), tolerated, strict=True)
        for one, other, (start, end), most in exchanges:
            here, there = parts[one], parts[other]
            if here == there:
                continue
            gaining, losing, of_gaining, of_losing = excess[here], excess[there], weight[here], weight[there]
            rise = 0.0  # of the imbalance; written out here, as nothing else takes time
            for place in range(start, end):
                level, gained = levels[place], gains[place]
                rise += gained * (2 * gaining[level] + gained) * of_gaining[level]
                rise += gained * (gained - 2 * losing[level]) * of_losing[level]
            if rise < most:
                parts[one], parts[other] = there, here
                for place in range(start, end):
                    gaining[levels[place]] += gains[place]
                    losing[levels[place]] -= gains[place]
    return np.array(parts)


def _temperatures() -> np.ndarray:
    """One a sweep over the patients: falling by a constant factor, then 0."""
    return np.concatenate([np.geomspace(*TEMPERATURES, WARM_SWEEPS), np.zeros(COLD_SWEEPS)])


def _changes(
    counts: np.ndarray, ones: np.ndarray, others: np.ndarray
) -> tuple[list[int], list[float], list[int]]:
    """Levels in which the second patient of each exchange differs from the first, and by how many cases.

    Those of all exchanges one after another, and where each begins and ends.
    """
    gained = counts[others] - counts[ones]
    row, level = np.nonzero(gained)
    ends = np.searchsorted(row, np.arange(len(ones) + 1)).tolist()
    return level.tolist(), gained[row, level].tolist(), ends


def _whole_numbers(sizes: np.ndarray) -> np.ndarray:
    """Sizes rounded to whole cases with their sum kept: the largest remainders are rounded up."""
    # 0.1 * 70 is 7.000000000000001: the remainder of such a product must count as none.
    sizes = np.round(sizes, 9)
    whole: np.ndarray = np.floor(sizes)
    missing = round(sizes.sum() - whole.sum())
    whole[np.argsort(whole - sizes, kind="stable")[:missing]] += 1
    return whole
