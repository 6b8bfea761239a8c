"""Many differences at once: p adjusted for their family, and shared ranks."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.inference.bootstrap import DRAW_SEED, DRAWS, Patients, draw_patients, studentised
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
    """
    family = np.transpose(np.triu_indices(len(values), k=1)) if contrasts is None else np.array(contrasts)
    first, second = family.reshape(-1, 2).astype(np.intp).T
    difference = values[first] - values[second]
    contrast = influence[first] - influence[second]
    variance = (contrast**2).sum(axis=1)
    agreed = variance < NEGLIGIBLE
    kept = 1.0 if excess is None else 1 - excess[first, second].sum() / max(variance.sum(), NEGLIGIBLE)
    scale = np.sqrt(np.where(agreed, 1.0, variance * max(kept, 0.5)))
    signs = 2 * 0.5 ** len(patients.group) if unanimous is None else unanimous[first, second]
    alone = np.where(difference**2 > NEGLIGIBLE, np.minimum(signs * len(first), 1.0), 1.0)
    clear = np.where(alone < ALPHA, np.inf, 0.0)
    observed = np.where(agreed, clear, np.abs(difference) / scale)
    null = np.where(agreed[:, None], 0.0, studentised(contrast, patients, drawn))
    order = np.argsort(-observed, kind="stable")
    null, observed = null[order], observed[order]
    maxima = [null[rows].max(axis=0) for rows in _equal_together(first[order], second[order], len(values))]
    exceeded = np.array([(its >= least).sum() for its, least in zip(maxima, observed, strict=True)])
    resampled = (exceeded + 1) / (drawn.shape[1] + 1)
    stepped = np.maximum.accumulate(np.where(agreed[order], np.fmax(resampled, alone[order]), resampled))
    result = np.full((len(values), len(values)), np.nan)
    np.fill_diagonal(result, 1.0)
    result[first[order], second[order]] = result[second[order], first[order]] = np.minimum(stepped, 1.0)
    return result


def area_adjusted_p(
    truth: Array,
    scores: Sequence[Array],
    stratum: NDArray[np.generic],
    patients: Patients,
    contrasts: Sequence[tuple[int, int]] | None = None,
    draws: int = DRAWS,
    seed: int = DRAW_SEED,
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
    """
    areas = delong(truth, scores, stratum, patients.codes)
    strata = stratum_codes(stratum, len(truth))
    used = len(np.unique(strata[pair_counts(truth == 1, strata) > 0]))
    drawn = draw_patients(patients, draws, seed, fewer=max(used - 1, 0))
    shared = single_pair_covariance(truth, scores, strata)
    single = np.diag(shared)
    excess = single[:, None] + single - 2 * shared
    influence = auc_influence(areas)
    return adjusted_p(areas.auc, influence, patients, drawn, contrasts, excess, unanimous_p(areas))


def shared_ranks(values: Array, adjusted: Array) -> list[int]:
    """Rank of each method: 1 + the number of methods significantly better, where higher values are better."""
    better = (values[None, :] > values[:, None]) & (adjusted < ALPHA)
    return [1 + int(count) for count in better.sum(axis=1)]


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
            for end, its in (ends, ends[::-1]):
                third |= (end == shared) & differ[mine, its]
        yield later[~third]
        differ[one, other] = differ[other, one] = True
