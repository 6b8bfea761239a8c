"""Patients exchanged between parts until every part holds its share of each level."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

TEMPERATURES = (2.0, 0.02)
WARM_SWEEPS, COLD_SWEEPS = 24, 8
MAX_EXCHANGES = 10_000
# An exchange that changes the imbalance by less is a tie: sums differ in the last digits between processors.
MIN_GAIN = 1e-9
# Exchanges that are looked at together: few patients are in two of so many.
AT_ONCE = 1000


def anneal(
    counts: np.ndarray, part_of: np.ndarray, shares: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The placement after exchanges of two patients at falling temperature (Metropolis), shape (patient,).

    Every exchange is accepted or not by the imbalance alone, so that of placements with the same counts none
    is likelier than another; taking the best exchange each time would not do, as it prefers patients of
    several levels at once.

    Parameters
    ----------
    counts
        Cases of each patient and level, shape (patient, level); every level has one.
    part_of
        The part of each patient to begin with, shape (patient,).
    shares
        Of each part, shape (part,), with a sum of 1.
    rng
        Draws who is exchanged, and what is tolerated.
    """
    placement = _Placement(counts, part_of, shares)
    for temperature in _temperatures():
        pairs = rng.integers(len(counts), size=(2, min(len(counts), MAX_EXCHANGES)))
        tolerated = -temperature * np.log1p(-rng.random(pairs.shape[1])) - MIN_GAIN
        for start in range(0, pairs.shape[1], AT_ONCE):
            few = slice(start, start + AT_ONCE)
            placement.exchange(pairs[:, few], tolerated[few])
    return placement.part_of


def found(counts: np.ndarray, part_of: np.ndarray, parts: int) -> np.ndarray:
    """Cases of each (part, level)."""
    return np.stack([counts[part_of == part].sum(axis=0) for part in range(parts)])


def _temperatures() -> np.ndarray:
    """One a sweep over the patients: falling by a constant factor, then 0."""
    return np.concatenate([np.geomspace(*TEMPERATURES, WARM_SWEEPS), np.zeros(COLD_SWEEPS)])


@dataclass(frozen=True, eq=False)
class _Changes:
    """Of each exchange: its patients, what is tolerated, and the levels in which they differ.

    Those of all exchanges lie one after another, with the cases that the part of the first patient gains;
    ``ends`` says where each begins and ends. ``squares`` is the sum of ``gain^2 / total`` over its levels.
    """

    patients: np.ndarray
    tolerated: np.ndarray
    levels: list[int]
    gains: list[float]
    ends: list[int]
    squares: np.ndarray


class _Placement:
    """Parts of patients, and the slope of the imbalance in each (part, level).

    The slope is ``2 (found - wanted) / wanted``. Where part ``a`` gains ``g`` cases of a level that part
    ``b`` loses, the imbalance rises by the sum over levels of ``g (slope_a - slope_b) + g^2 / total (1 /
    share_a + 1 / share_b)``.
    """

    def __init__(self, counts: np.ndarray, part_of: np.ndarray, shares: np.ndarray) -> None:
        self.part_of = part_of.astype(np.int64)
        self._counts = counts.astype(np.min_scalar_type(-int(counts.max())))  # differences fit too
        self._total = counts.sum(axis=0)
        wanted = shares[:, None] * self._total
        self._slope = (2 * (found(counts, part_of, len(shares)) - wanted) / wanted).tolist()
        self._steps = (2 / wanted).tolist()
        self._curve = np.add.outer(1 / shares, 1 / shares).tolist()
        self._seen = np.zeros(len(counts), dtype=np.intp)

    def exchange(self, pairs: np.ndarray, tolerated: np.ndarray) -> None:
        """Carry out those exchanges, in order, that raise the imbalance by less than is tolerated.

        ``pairs`` has shape (2, exchange), ``tolerated`` shape (exchange,).
        """
        open_ones = self._open(pairs)
        changes = self._changes(pairs[:, open_ones], tolerated[open_ones])
        levels, gains, parts = changes.levels, changes.gains, self.part_of.data
        columns = (*changes.patients, changes.tolerated, changes.squares)
        exchanges = zip(*(column.tolist() for column in columns), pairwise(changes.ends), strict=True)
        for one, other, most, square, (start, end) in exchanges:
            here, there = parts[one], parts[other]
            if here == there:
                continue
            gaining, losing = self._slope[here], self._slope[there]
            rise = square * self._curve[here][there]  # of the imbalance
            for place in range(start, end):
                level = levels[place]
                rise += gains[place] * (gaining[level] - losing[level])
            if rise < most:
                parts[one], parts[other] = there, here
                of_gaining, of_losing = self._steps[here], self._steps[there]
                for place in range(start, end):
                    level = levels[place]
                    gaining[level] += gains[place] * of_gaining[level]
                    losing[level] -= gains[place] * of_losing[level]

    def _open(self, pairs: np.ndarray) -> np.ndarray:
        """All exchanges but those of two patients who are in one part whatever happens to those before."""
        order = np.arange(pairs.size)
        patients = pairs.T.ravel()
        self._seen[patients[::-1]] = order[::-1]
        first = (self._seen[patients] == order).reshape(-1, 2).all(axis=1)
        here, there = self.part_of[pairs]
        return np.flatnonzero((here != there) | ~first)

    def _changes(self, pairs: np.ndarray, tolerated: np.ndarray) -> _Changes:
        gained = self._counts[pairs[1]] - self._counts[pairs[0]]
        row, level = np.nonzero(gained)
        gains = gained[row, level].astype(float)
        squares = np.bincount(row, gains**2 / self._total[level], minlength=len(tolerated))
        ends = np.searchsorted(row, np.arange(len(tolerated) + 1))
        return _Changes(pairs, tolerated, level.tolist(), gains.tolist(), ends.tolist(), squares)
