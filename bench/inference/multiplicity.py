"""Many differences at once: p adjusted for their family by step-down max-T (Romano & Wolf 2005, 2016).

The statistic is the bootstrap-t of the linearised differences: each difference is divided by its standard
error, in every resample by that resample's own. With the pairs in descending order, the k-th is set against
the resampled maximum over itself and those that follow and can be equal when it is (Shaffer 1986): where A
differs from C, A = B and B = C cannot both hold. The family-wise error rate is controlled under any
dependence between the methods. A fixed standard error would not do: with 13 positive cases ten equal methods
then get different ranks in 17-20 % of samples instead of 5 %.

A difference on which all patients agree has no spread: its p is that of a sign test times the size of the
family (Bonferroni), and it comes first where that is below 5 %. Equal predictions have p = 1.

Resamples are added as long as a p is not clearly on one side of each level that it is held against
(:func:`bench.inference.bootstrap.undecided`). One that is still open when there are as many as
:func:`bench.inference.bootstrap.most_draws` has is given as just above the level: not separable.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.inference.areas import Areas
from bench.inference.bootstrap import (
    DRAW_SEED,
    JUST_ABOVE,
    Bootstrap,
    Counts,
    Patients,
    resamples,
    undecided,
)
from bench.inference.delong import auc_influence, unanimous_p
from bench.inference.estimate import ALPHA, NEGLIGIBLE
from bench.inference.screening import Pairs, Reached, Screen
from bench.metrics import Array, Codes


def adjusted_p(
    values: Array,
    influence: Array,
    patients: Patients,
    drawn: Counts | Array,
    contrasts: Sequence[tuple[int, int]] | None = None,
    excess: Array | None = None,
    unanimous: Array | None = None,
    seeds: Array | None = None,
    seed: int = DRAW_SEED,
    levels: Sequence[float] = (ALPHA,),
) -> Array:
    """Two-sided p of differences, adjusted for their family by step-down max-T, shape (row, row).

    Parameters
    ----------
    values, influence
        One value a method, shape (row,), and what each patient contributes to it, shape (row, patient).
    patients, drawn, seed
        Who was resampled, and how often (:func:`draw_patients`); the seed of that, for further resamples.
    contrasts
        The family as pairs of rows, every pair if left out; p of other pairs is NaN, and so is that of pairs
        whose contributions are.
    excess
        By how much the contributions overstate the variance of each difference, shape (row, row). It is taken
        off as one share of all the family's variances, since that of a single pair is a noisy estimate, but
        never more than half.
    unanimous
        p of a difference without spread, shape (row, row); that of a sign test on the patients if left out.
    seeds
        What each training seed contributes, shape (row, seed), see :func:`seed_influence`; none if left out.
    levels
        What a p is held against.
    """
    family = np.transpose(np.triu_indices(len(values), k=1)) if contrasts is None else np.array(contrasts)
    first, second = family.reshape(-1, 2).astype(np.intp).T
    turned = np.zeros((len(values), 1)) if seeds is None else seeds
    pairs = _with_variance(Pairs(influence, turned, first, second))
    result = np.full((len(values), len(values)), np.nan)
    np.fill_diagonal(result, 1.0)
    if not len(pairs):
        return result
    first, second = pairs.first, pairs.second
    over = None if excess is None else excess[first, second]
    signs = 2 * 0.5 ** len(patients.group) if unanimous is None else unanimous[first, second]
    observed, alone = _statistics(values[first] - values[second], pairs, over, signs)
    order = np.argsort(-observed, kind="stable")
    pairs, alone = pairs.of(order), alone[order]
    steps = _steps(pairs.first, pairs.second, len(values))
    blocks = resamples(patients, drawn, seed, turned.shape[1], len(pairs))
    resampled = _step_p(observed[order], steps, pairs, patients, blocks, levels)
    stepped = np.maximum.accumulate(np.where(pairs.agreed, np.fmax(resampled, alone), resampled))
    result[pairs.first, pairs.second] = result[pairs.second, pairs.first] = np.minimum(stepped, 1.0)
    return result


def auc_adjusted_p(
    truth: Array,
    scores: Sequence[Array],
    stratum: NDArray[np.generic],
    patients: Patients,
    contrasts: Sequence[tuple[int, int]] | None = None,
    bootstrap: Bootstrap = Bootstrap(),
    factor: float = 1.0,
    seeds: Sequence[Sequence[int]] | None = None,
    levels: Sequence[float] = (ALPHA,),
) -> Array:
    """:func:`adjusted_p` of differences of AUCs, with two corrections for small strata.

    DeLong's covariance counts what belongs to single pairs twice (see :func:`auc_difference`); that is taken
    off. And components are centred within strata, which costs a degree of freedom each: a resample holds
    that many patients less of either class, so that its standard error is as uncertain as the observed one
    (the rescaled bootstrap of Rao & Wu 1988). NaN where an AUC has no covariance.

    Parameters
    ----------
    truth, scores, stratum
        As in :func:`delong`.
    patients
        Of the cases, in groups without and with a positive one: see :func:`patients_of`.
    contrasts
        As in :func:`adjusted_p`.
    bootstrap
        The joint one.
    factor, seeds
        As in :func:`delong`.
    levels
        As in :func:`adjusted_p`.
    """
    areas = Areas(truth, tuple(scores), stratum, patients, factor, seeds)
    return areas_adjusted_p(areas, contrasts, bootstrap, levels)


def areas_adjusted_p(
    areas: Areas,
    contrasts: Sequence[tuple[int, int]] | None = None,
    bootstrap: Bootstrap = Bootstrap(),
    levels: Sequence[float] = (ALPHA,),
) -> Array:
    """:func:`auc_adjusted_p` of the predictions of a sample."""
    drawn = bootstrap.drawn(areas.patients, fewer=max(areas.used_strata - 1, 0))
    single, found = np.diag(areas.single_pairs), areas.delong
    excess = areas.factor * (single[:, None] + single - 2 * areas.single_pairs)
    given = (auc_influence(found), areas.patients, drawn, contrasts, excess, unanimous_p(found))
    return adjusted_p(found.auc, *given, seeds=found.seeds, seed=bootstrap.seed, levels=levels)


def _with_variance(pairs: Pairs) -> Pairs:
    """The differences that have a variance: the others are in no family."""
    known = np.flatnonzero(~np.isnan(pairs.variance()))
    return pairs if len(known) == len(pairs) else pairs.of(known)


def _statistics(
    difference: Array, pairs: Pairs, excess: Array | None, signs: Array | float
) -> tuple[Array, Array]:
    """Statistic of each pair, and its p where patients agree; ``signs`` is that of a sign test, (pair,)."""
    variance = max(pairs.over_patients.sum(), NEGLIGIBLE)
    kept = 1.0 if excess is None else 1 - excess.sum() / variance
    scale = np.sqrt(np.where(pairs.agreed, 1.0, pairs.variance(max(kept, 0.5))))
    alone = np.where(difference**2 > NEGLIGIBLE, np.minimum(signs * len(difference), 1.0), 1.0)
    certain = np.where(alone < ALPHA, np.inf, 0.0)
    return np.where(pairs.agreed, certain, np.abs(difference) / scale), alone


class _Steps(NamedTuple):
    """The pairs of a family, from the largest difference on.

    ``place`` is the step of each pair, (method, method); their number where a pair is not in the family.
    """

    first: Codes
    second: Codes
    place: Codes

    def excluded(self, step: int) -> Codes:
        """Later pairs that cannot be equal together with this one, once those before it are rejected.

        They share a method with it, and the third pair of the three is rejected.
        """
        one, other = self.place[self.first[step]], self.place[self.second[step]]
        closed = np.concatenate([one[other < step], other[one < step]])
        return np.sort(closed[(closed > step) & (closed < len(self.first))])

    def needed(self, open_steps: Codes) -> Codes:
        """Pairs that can be equal together with at least one of these."""
        if len(open_steps) == len(self.first):
            return open_steps
        excluded = np.concatenate([self.excluded(step) for step in open_steps])
        asking = np.searchsorted(open_steps, np.arange(len(self.first)), side="right")
        return np.flatnonzero(asking > np.bincount(excluded, minlength=len(self.first)))


def _steps(first: Codes, second: Codes, methods: int) -> _Steps:
    place = np.full((methods, methods), len(first), dtype=np.intp)
    place[first, second] = place[second, first] = np.arange(len(first))
    return _Steps(first, second, place)


def _step_p(
    observed: Array,
    family: _Steps,
    pairs: Pairs,
    patients: Patients,
    blocks: Iterable[tuple[Counts | Array, Array]],
    levels: Sequence[float],
) -> Array:
    """Share of resamples whose maximum reaches each step's statistic, from as many as decide it, (step,)."""
    exceeded, drawn, steps = np.zeros(len(observed)), np.zeros(len(observed)), np.arange(len(observed))
    open_at = np.full(len(observed), np.nan)
    screen = Screen(pairs, patients)
    for block, (held, numbers) in enumerate(blocks):
        needed = family.needed(steps)
        if block:
            found = screen.reaching(held, numbers, float(observed[steps].min()), needed)
            exceeded[steps] += _reached_by_few(found, held.shape[1], family, steps, observed)
        else:
            null = screen.every(held, numbers, needed)
            exceeded[steps] += _reached(null, needed, family, steps, observed)
        drawn[steps] += held.shape[1]
        open_at = undecided((exceeded + 1) / (drawn + 1), drawn, levels)
        steps = np.flatnonzero(~np.isnan(open_at))
        if not len(steps):
            break
    p: Array = np.where(np.isnan(open_at), (exceeded + 1) / (drawn + 1), open_at * JUST_ABOVE)
    return p


def _reached_by_few(found: Reached, draws: int, family: _Steps, steps: Codes, observed: Array) -> Codes:
    """What :func:`_reached` gives, from the statistics that reach the smallest of the steps, (step,)."""
    counts = np.zeros(len(steps), dtype=np.intp)
    for index, step in enumerate(steps):
        allowed = np.arange(len(observed)) >= step
        allowed[family.excluded(step)] = False
        reached = np.zeros(draws, dtype=bool)
        reached[found.draw[allowed[found.pair] & (found.statistic >= observed[step])]] = True
        counts[index] = reached.sum()
    return counts


def _reached(null: Array, needed: Codes, family: _Steps, steps: Codes, observed: Array) -> Codes:
    """In how many resamples a pair that can be equal together with a step reaches its statistic, (step,).

    The largest of all later pairs answers for most resamples. The pairs are gone through one by one in those
    where it belongs to an excluded pair. ``null`` has shape (needed, draw).
    """
    found, by_draw = np.zeros(len(steps), dtype=np.intp), np.ascontiguousarray(null.T)
    starts, closed = np.searchsorted(needed, steps), np.zeros(len(family.first), dtype=bool)
    for index, (largest, row) in zip(range(len(steps))[::-1], _later_maxima(null, starts), strict=True):
        start, step = starts[index], steps[index]
        reached = np.flatnonzero(~(largest < observed[step]))
        excluded = family.excluded(step)
        closed[excluded] = True
        unclear = closed[needed[row[reached]]] | np.isnan(largest[reached])
        found[index] = len(reached) - unclear.sum()
        if unclear.any():
            left = np.where(closed[needed[start:]], 0.0, by_draw[reached[unclear], start:]).max(axis=1)
            found[index] += (left >= observed[step]).sum()
        closed[excluded] = False
    return found


def _later_maxima(null: Array, starts: Codes) -> Iterator[tuple[Array, Codes]]:
    """The largest statistic from each start on, and whose it is, both (draw,); the last start first."""
    largest, row = np.full(null.shape[1], -np.inf), np.zeros(null.shape[1], dtype=np.intp)
    below = len(null)
    for start in starts[::-1]:
        for index in range(start, below)[::-1]:
            row[null[index] > largest] = index
            np.maximum(largest, null[index], out=largest)
        below = start
        yield largest, row
