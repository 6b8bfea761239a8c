"""Many differences at once: p adjusted for their family, and shared ranks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.inference.bootstrap import (
    DRAW_SEED,
    DRAWS,
    JUST_ABOVE,
    Patients,
    draw_patients,
    resamples,
    studentised,
    undecided,
)
from bench.inference.delong import (
    auc_influence,
    delong,
    single_pair_covariance,
    unanimous_p,
)
from bench.inference.estimate import ALPHA, NEGLIGIBLE
from bench.metrics import Array, Codes, pair_counts, stratum_codes


def adjusted_p(
    values: Array,
    influence: Array,
    patients: Patients,
    drawn: Array,
    contrasts: Sequence[tuple[int, int]] | None = None,
    excess: Array | None = None,
    unanimous: Array | None = None,
    seeds: Array | None = None,
    seed: int = DRAW_SEED,
    levels: Sequence[float] = (ALPHA,),
) -> Array:
    """Two-sided p of differences, adjusted for their family by step-down max-T, shape (row, row).

    The family is every pair of rows, or the given ``contrasts`` alone; p of other pairs is NaN.

    Romano & Wolf (2005, 2016), with the bootstrap-t of the linearised differences: each difference is divided
    by its standard error, in every resample by that resample's own; with the pairs in descending order, the
    k-th is set against the resampled maximum over itself and those that follow and can be equal when it is
    (Shaffer 1986): where A differs from C, A = B and B = C cannot both hold. The family-wise error rate is
    controlled under any dependence between the methods. A fixed standard error would not do: with 13
    positive cases ten equal methods then get different ranks in 17-20 % of samples instead of 5 %.

    A difference on which all patients agree has no spread: its p is that of a sign test times the size of the
    family (Bonferroni), and it comes first where that is below 5 %. Equal predictions have p = 1.

    Resamples are added as long as a p is not clearly on one side of each of ``levels``
    (:func:`bench.inference.undecided`). One that :data:`bench.inference.MOST_DRAWS` leave open is given as
    just above the level: not separable.

    Parameters
    ----------
    values
        One a method, shape (row,).
    influence
        Contribution of each patient, shape (row, patient), see :func:`auc_influence`.
    patients, drawn
        Who was resampled, and how often: see :func:`draw_patients`.
    contrasts
        The family, as pairs of rows: against a reference, for example.
    excess
        By how much the contributions overstate the variance of each difference, shape (row, row). It is taken
        off as one share of all the family's variances, since that of a single pair is a noisy estimate, but
        never more than half.
    unanimous
        p of a difference without spread, shape (row, row); that of a sign test on the patients if left out.
    seeds
        Contribution of each training seed, shape (row, seed), see :func:`seed_influence`; none if left out.
    seed
        That of ``drawn``, for further resamples.
    levels
        What a p is held against.
    """
    family = np.transpose(np.triu_indices(len(values), k=1)) if contrasts is None else np.array(contrasts)
    first, second = family.reshape(-1, 2).astype(np.intp).T
    turned = np.zeros((len(values), 1)) if seeds is None else seeds
    chance = _Chance(influence[first] - influence[second], turned[first] - turned[second])
    difference, agreed = values[first] - values[second], chance.variance() < NEGLIGIBLE
    kept = (
        1.0
        if excess is None
        else 1 - excess[first, second].sum() / max((chance.patients**2).sum(), NEGLIGIBLE)
    )
    scale = np.sqrt(np.where(agreed, 1.0, chance.variance(max(kept, 0.5))))
    signs = 2 * 0.5 ** len(patients.group) if unanimous is None else unanimous[first, second]
    alone = np.where(difference**2 > NEGLIGIBLE, np.minimum(signs * len(first), 1.0), 1.0)
    observed = np.where(agreed, np.where(alone < ALPHA, np.inf, 0.0), np.abs(difference) / scale)
    order = np.argsort(-observed, kind="stable")
    first, second, chance = first[order], second[order], chance.rows(order)
    together = list(_equal_together(first, second, len(values)))
    blocks = resamples(patients, drawn, seed, turned.shape[1])
    resampled = _step_p(observed[order], together, chance, patients, blocks, levels)
    stepped = np.maximum.accumulate(np.where(agreed[order], np.fmax(resampled, alone[order]), resampled))
    result = np.full((len(values), len(values)), np.nan)
    np.fill_diagonal(result, 1.0)
    result[first, second] = result[second, first] = np.minimum(stepped, 1.0)
    return result


def area_adjusted_p(
    truth: Array,
    scores: Sequence[Array],
    stratum: NDArray[np.generic],
    patients: Patients,
    contrasts: Sequence[tuple[int, int]] | None = None,
    draws: int = DRAWS,
    seed: int = DRAW_SEED,
    factor: float = 1.0,
    seeds: Sequence[Sequence[int]] | None = None,
    levels: Sequence[float] = (ALPHA,),
) -> Array:
    """:func:`adjusted_p` of differences of areas, with two corrections for small strata.

    DeLong's covariance counts what belongs to single pairs twice (see :func:`auc_difference`); that is taken
    off. And components are centred within strata, which costs a degree of freedom each: a resample holds
    that many patients less of either class, so that its standard error is as uncertain as the observed one
    (the rescaled bootstrap of Rao & Wu 1988). NaN where an area has no covariance.

    Parameters
    ----------
    truth, scores, stratum
        As in :func:`delong`.
    patients
        Of the cases, in groups without and with a positive one: see :func:`patients_of`.
    contrasts
        As in :func:`adjusted_p`.
    draws, seed
        Of the joint bootstrap.
    factor, seeds
        As in :func:`delong`.
    levels
        As in :func:`adjusted_p`.
    """
    areas = delong(truth, scores, stratum, patients.codes, factor, seeds)
    strata = stratum_codes(stratum, len(truth))
    used = len(np.unique(strata[pair_counts(truth == 1, strata) > 0]))
    drawn = draw_patients(patients, draws, seed, fewer=max(used - 1, 0))
    shared = single_pair_covariance(truth, scores, strata)
    single = np.diag(shared)
    excess = factor * (single[:, None] + single - 2 * shared)
    given = (auc_influence(areas), patients, drawn, contrasts, excess, unanimous_p(areas))
    return adjusted_p(areas.auc, *given, seeds=areas.seeds, seed=seed, levels=levels)


def shared_ranks(values: Array, adjusted: Array) -> list[int]:
    """Rank of each method: 1 + the number of methods significantly better, where higher values are better."""
    better = (values[None, :] > values[:, None]) & (adjusted < ALPHA)
    return [1 + int(count) for count in better.sum(axis=1)]


class _Chance(NamedTuple):
    """What patients and training seeds contribute to each difference, (pair, patient) and (pair, seed)."""

    patients: Array
    seeds: Array

    def variance(self, kept: float = 1.0) -> Array:
        """Variance of each difference, with the share of that over patients that is kept, shape (pair,)."""
        total: Array = kept * (self.patients**2).sum(axis=1) + (self.seeds**2).sum(axis=1)
        return total

    def rows(self, chosen: Codes) -> "_Chance":
        """Those of some differences."""
        return _Chance(self.patients[chosen], self.seeds[chosen])


def _step_p(
    observed: Array,
    together: list[Codes],
    chance: _Chance,
    patients: Patients,
    blocks: Iterable[tuple[Array, Array]],
    levels: Sequence[float],
) -> Array:
    """Share of resamples whose maximum reaches each step's statistic, from as many as decide it, (step,)."""
    exceeded, drawn, steps = np.zeros(len(observed)), np.zeros(len(observed)), np.arange(len(observed))
    open_at = np.full(len(observed), np.nan)
    for held, numbers in blocks:
        needed = np.unique(np.concatenate([together[step] for step in steps]))
        part = chance.rows(needed)
        null = studentised(part.patients, patients, held, part.seeds, numbers)
        null = np.where((part.variance() < NEGLIGIBLE)[:, None], 0.0, null)
        for step in steps:
            rows = np.searchsorted(needed, together[step])
            exceeded[step] += (null[rows].max(axis=0) >= observed[step]).sum()
        drawn[steps] += held.shape[1]
        open_at = undecided((exceeded + 1) / (drawn + 1), drawn, levels)
        steps = np.flatnonzero(~np.isnan(open_at))
        if not len(steps):
            break
    p: Array = np.where(np.isnan(open_at), (exceeded + 1) / (drawn + 1), open_at * JUST_ABOVE)
    return p


def _equal_together(first: Codes, second: Codes, methods: int) -> Iterator[Codes]:
    """Which pairs, from the k-th on, can be equal together with it once those before it are rejected.

    A pair that shares a method with the k-th can not where the third pair of the three is rejected.
    """
    differ = np.zeros((methods, methods), dtype=bool)
    for step, (one, other) in enumerate(zip(first, second, strict=True)):
        later = np.arange(step, len(first))
        ends = first[later], second[later]
        third = np.zeros(len(later), dtype=bool)
        for shared, mine in ((one, other), (other, one)):
            for end, theirs in (ends, ends[::-1]):
                third |= (end == shared) & differ[mine, theirs]
        yield later[~third]
        differ[one, other] = differ[other, one] = True
