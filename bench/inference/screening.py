"""Which statistics of a family of differences reach a threshold in many resamples, without computing all.

Nearly all statistics lie far below the threshold that decides a p near 5 %. They are left out by a bound in
single precision that is never wrong: sums of products without a negative one have a relative error of at
most their number times 2^-24 (Higham 2002, section 3.1). Those that remain are computed in double precision.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.inference.bootstrap import Counts, Patients, draw_blocks, seed_freedom, studentised_by
from bench.inference.estimate import NEGLIGIBLE
from bench.metrics import Array, Codes

Single = NDArray[np.float32]

UNIT = 2.0**-24
# Bytes of weights, of squares that are kept, and of what is gathered at a time; pairs that are multiplied at
# once, and of which the bound is then computed within the processor's cache.
WEIGHTS, KEPT, GATHERED = 64 << 20, 128 << 20, 32 << 20
PAIRS, PAIRS_IN_CACHE = 512, 32
# Pairs of which all statistics are computed at once, within the processor's cache.
PAIRS_IN_DOUBLE = 128
# By what a bound in single precision is widened for the few operations beside the sums.
SLACK, ROUGH = 16, 2.0**-10
# Beyond this an infinite statistic and one of a spread that is nothing but rounding are the same.
BEYOND = 1e15


@dataclass(frozen=True, eq=False)
class Pairs:
    """Differences of two rows each, with what patients and training seeds contribute to the rows.

    Parameters
    ----------
    patients, seeds
        Contributions to each row, shapes (row, patient) and (row, seed).
    first, second
        The rows of each difference, shape (pair,).
    """

    patients: Array
    seeds: Array
    first: Codes
    second: Codes

    def __len__(self) -> int:
        return len(self.first)

    def of(self, chosen: Codes) -> "Pairs":
        """Some of the differences."""
        return Pairs(self.patients, self.seeds, self.first[chosen], self.second[chosen])

    def contrast(self, chosen: slice | Codes) -> Array:
        """What patients contribute to some differences, shape (pair, patient)."""
        contrast: Array = self.patients[self.first[chosen]] - self.patients[self.second[chosen]]
        return contrast

    @cached_property
    def turned(self) -> Array:
        """What seeds contribute to each difference, shape (pair, seed)."""
        turned: Array = self.seeds[self.first] - self.seeds[self.second]
        return turned

    @cached_property
    def over_patients(self) -> Array:
        """Variance of each difference over patients, shape (pair,)."""
        parts = [(self.contrast(block) ** 2).sum(axis=1) for block in self.blocks()]
        return np.concatenate(parts) if parts else np.zeros(0)

    def variance(self, kept: float = 1.0) -> Array:
        """Variance of each difference, with the share of that over patients that is kept, shape (pair,)."""
        total: Array = kept * self.over_patients + (self.turned**2).sum(axis=1)
        return total

    @cached_property
    def agreed(self) -> NDArray[np.bool_]:
        """Whether all patients and seeds agree on a difference, shape (pair,)."""
        agreed: NDArray[np.bool_] = self.variance() < NEGLIGIBLE
        return agreed

    def blocks(self) -> Iterator[slice]:
        """The pairs in parts of which the contributions fit into memory."""
        size = max(GATHERED // (8 * max(self.patients.shape[1], 1)), 1)
        return (slice(start, min(start + size, len(self))) for start in range(0, len(self), size))


class Reached(NamedTuple):
    """Statistics that may reach a threshold: of which pair, in which resample, and how large, (entry,)."""

    pair: Codes
    draw: Codes
    statistic: Array


class _Group(NamedTuple):
    """Patients that are redrawn among each other.

    ``drawn`` are as many as a resample has of them, ``stands`` is for how many a drawn one stands, and
    ``scale`` what their spread is multiplied with in a variance.
    """

    members: Codes
    drawn: int
    stands: float
    scale: float


@dataclass(frozen=True, eq=False)
class Screen:
    """The differences whose statistics are looked for in one block of resamples after another."""

    pairs: Pairs
    patients: Patients

    def reaching(self, held: Counts | Array, numbers: Array, least: float, wanted: Codes) -> Reached:
        """The statistics of the ``wanted`` pairs that are at least ``least``, and some that are little below.

        Parameters
        ----------
        held, numbers
            A block of resamples and the numbers of its seeds, as :func:`bench.inference.bootstrap.resamples`
            yields them.
        least
            Above 0.
        wanted
            Rising numbers of pairs.
        """
        groups = _groups(self.patients, held)
        wanted = wanted[~self.pairs.agreed[wanted]]
        found = [
            (pair, draw + start)
            for start, block in _draw_parts(held)
            for pair, draw in self._suspects(groups, block, numbers[:, start:], min(least, BEYOND), wanted)
        ]
        pair, draw = (np.concatenate([one[at] for one in found] or [wanted[:0]]) for at in (0, 1))
        return Reached(pair, draw, self._statistics(groups, held, numbers, pair, draw))

    def every(self, held: Counts | Array, numbers: Array, wanted: Codes) -> Array:
        """All statistics of the ``wanted`` pairs, 0 where all agree, shape (pair, draw).

        A sum over patients of a difference is the difference of the sums of its rows; the squares alone are
        weighed pair by pair.
        """
        groups, found = _groups(self.patients, held), np.empty((len(wanted), held.shape[1]))
        for draws in draw_blocks(held.shape[1]):
            weights = held[:, draws].astype(float)
            sums = [self.pairs.patients[:, one.members] @ weights[one.members] for one in groups]
            for group in groups:
                weights[group.members] *= group.scale
            for start in range(0, len(wanted), PAIRS_IN_DOUBLE):
                part = slice(start, start + PAIRS_IN_DOUBLE)
                found[part, draws] = self._block(wanted[part], groups, sums, weights, numbers[:, draws])
        found[self.pairs.agreed[wanted]] = 0.0
        return found

    def _block(
        self, chosen: Codes, groups: list[_Group], sums: list[Array], weights: Array, numbers: Array
    ) -> Array:
        """Statistics of a few pairs in a few resamples, shape (pair, draw).

        ``sums`` are those of each row over each group's patients, ``weights`` hold the groups' scales.
        """
        pairs = self.pairs.of(chosen)
        moved = np.repeat(-pairs.contrast(slice(None)).sum(axis=1, keepdims=True), weights.shape[1], axis=1)
        variance = pairs.contrast(slice(None)) ** 2 @ weights
        for group, total in zip(groups, sums, strict=True):
            difference = total[pairs.first] - total[pairs.second]
            moved += group.stands * difference
            variance -= difference**2 * (group.scale / group.drawn)
        np.maximum(variance, 0.0, out=variance)
        return studentised_by(moved, variance, pairs.turned, numbers)

    @cached_property
    def _scale(self) -> float:
        """What contributions are divided by, so that single precision has room on either side."""
        return float(np.sqrt(np.max(self.pairs.variance(), initial=NEGLIGIBLE)))

    @cached_property
    def _kept(self) -> Single | None:
        """The squares of all pairs, where they are few enough to be kept."""
        size = 4 * len(self.pairs) * self.pairs.patients.shape[1]
        return self._made_squares(np.arange(len(self.pairs))) if size <= KEPT else None

    def _squares(self, chosen: Codes) -> Single:
        return self._made_squares(chosen) if self._kept is None else self._kept[chosen]

    def _made_squares(self, chosen: Codes) -> Single:
        """Squares of the scaled contributions, shape (pair, patient)."""
        made = np.empty((len(chosen), self.pairs.patients.shape[1]), dtype=np.float32)
        rows = self.pairs.patients / self._scale
        first, second = self.pairs.first[chosen], self.pairs.second[chosen]
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            np.square(rows[one] - rows[other], out=made[place], casting="same_kind")
        return made

    def _suspects(
        self, groups: list[_Group], held: Counts | Array, numbers: Array, least: float, wanted: Codes
    ) -> Iterator[tuple[Codes, Codes]]:
        """Pair and draw of each statistic that the bound does not rule out."""
        bound = _Bound(self.pairs, self._scale, groups, held, numbers[:, : held.shape[1]], least)
        weights = np.multiply(held, _scales(groups, len(held))[:, None], dtype=np.float32)
        for start in range(0, len(wanted), PAIRS):
            chosen = wanted[start : start + PAIRS]
            sums = self._squares(chosen) @ weights
            for row in range(0, len(chosen), PAIRS_IN_CACHE):
                part = slice(row, row + PAIRS_IN_CACHE)
                pair, draw = np.nonzero(bound.is_open(chosen[part], sums[part]))
                yield chosen[part][pair], draw

    def _statistics(
        self, groups: list[_Group], held: Counts | Array, numbers: Array, pair: Codes, draw: Codes
    ) -> Array:
        """The statistics themselves, in double precision, shape (entry,)."""
        size = max(GATHERED // (16 * len(held)), 1)
        parts = [
            self._some_statistics(groups, held, numbers, pair[at : at + size], draw[at : at + size])
            for at in range(0, len(pair), size)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _some_statistics(
        self, groups: list[_Group], held: Counts | Array, numbers: Array, pair: Codes, draw: Codes
    ) -> Array:
        contrast, weight = self.pairs.contrast(pair), held.T[draw].astype(float)
        moved, variance = -contrast.sum(axis=1), np.zeros(len(pair))
        for group in groups:
            part, weighed = contrast[:, group.members], weight[:, group.members]
            total = np.einsum("ep,ep->e", part, weighed)
            spread = np.einsum("ep,ep->e", part**2, weighed) - total**2 / group.drawn
            moved += group.stands * total
            variance += group.scale * spread
        seeds, number = self.pairs.turned[pair], numbers[:, draw].T
        shift, count = (seeds * number).sum(axis=1), seeds.shape[1]
        moved += shift
        variance = np.maximum(variance, 0.0)
        variance += ((seeds**2 * number**2).sum(axis=1) - shift**2 / count) * count / seed_freedom(seeds)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(moved**2 < NEGLIGIBLE, 0.0, np.abs(moved) / np.sqrt(variance))


class _Bound:
    """The bound of one block of resamples: which statistics may reach a threshold."""

    def __init__(
        self,
        pairs: Pairs,
        scale: float,
        groups: list[_Group],
        held: Counts | Array,
        numbers: Array,
        least: float,
    ) -> None:
        rows = pairs.patients / scale
        sums = _sums_by_group(rows, groups, held)
        other = pairs.seeds / scale @ numbers - rows.sum(axis=1)[:, None]
        self.pairs, self.groups, self.numbers, self.scale = pairs, groups, numbers, scale
        self.sums: list[Single] = [one.astype(np.float32) for one in sums]
        self.other: Single = other.astype(np.float32)
        # Rounding of a difference of two rows, in the largest that there are.
        errors = [4 * UNIT * float(np.abs(one).max(initial=0.0)) for one in (*sums, other)]
        stands = [*(group.stands for group in groups), 1.0]
        moved = sum(stand * error for stand, error in zip(stands, errors, strict=True))
        spread = sum(
            group.scale / group.drawn * error**2 for group, error in zip(groups, errors, strict=False)
        )
        self.moved_error = np.float32(moved + SLACK * UNIT)
        self.spread_error = np.float32(spread * (1 + 1 / ROUGH))
        self.kept = np.float32(1 - 1.1 * UNIT * (len(held) + SLACK))
        self.square = np.float32(least**2 * (1 - SLACK * UNIT))
        self.has_seeds = bool(pairs.seeds.any())

    def is_open(self, chosen: Codes, sums: Single) -> NDArray[np.bool_]:
        """Whether the statistics of these pairs may reach it, from sums of weighed squares, (pair, draw)."""
        first, second = self.pairs.first[chosen], self.pairs.second[chosen]
        moved = self.other[first] - self.other[second]
        sums *= self.kept
        for group, total in zip(self.groups, self.sums, strict=True):
            difference = total[first] - total[second]
            moved += np.float32(group.stands) * difference
            np.square(difference, out=difference)
            difference *= np.float32(group.scale / group.drawn * (1 + ROUGH))
            sums -= difference
        sums -= self.spread_error
        np.maximum(sums, 0.0, out=sums)
        if self.has_seeds:
            sums += self._over_seeds(chosen)
        np.abs(moved, out=moved)
        moved += self.moved_error
        np.square(moved, out=moved)
        sums *= self.square
        found: NDArray[np.bool_] = moved >= sums
        return found

    def _over_seeds(self, chosen: Codes) -> Single:
        """What seeds add to the variance in each resample, a little less, shape (pair, draw)."""
        seeds = self.pairs.turned[chosen] / self.scale
        count = seeds.shape[1]
        shift = seeds @ self.numbers
        added = (seeds**2 @ self.numbers**2 - shift**2 / count) * count / seed_freedom(seeds)
        least: Single = (np.maximum(added, 0.0) * (1 - SLACK * UNIT)).astype(np.float32)
        return least


def _groups(patients: Patients, held: Counts | Array) -> list[_Group]:
    groups = []
    for code in np.unique(patients.group):
        members = np.flatnonzero(patients.group == code)
        size, drawn = len(members), int(held[members, 0].sum())
        scale = size**2 / (drawn * max(drawn - 1, 1))
        groups.append(_Group(members, drawn, size / max(drawn, 1), scale))
    return groups


def _scales(groups: Sequence[_Group], patients: int) -> Single:
    """What the spread of each patient's group is multiplied with, shape (patient,)."""
    scales = np.zeros(patients, dtype=np.float32)
    for group in groups:
        scales[group.members] = group.scale
    return scales


def _sums_by_group(rows: Array, groups: Sequence[_Group], held: Counts | Array) -> list[Array]:
    """Sums of each row over each group's patients in the resamples, one array a group, (row, draw).

    One product with rows that are zero outside a group, for no resample has to be taken apart.
    """
    alone = np.zeros((len(groups), *rows.shape))
    for place, group in enumerate(groups):
        alone[place][:, group.members] = rows[:, group.members]
    sums = alone.reshape(-1, rows.shape[1]) @ held.astype(float)
    return list(sums.reshape(len(groups), len(rows), -1))


def _draw_parts(held: Counts | Array) -> Iterator[tuple[int, Counts | Array]]:
    """The resamples in parts whose weights fit into memory, each with its first one."""
    size = max(WEIGHTS // (4 * max(len(held), 1)), 1)
    return ((start, held[:, start : start + size]) for start in range(0, held.shape[1], size))
