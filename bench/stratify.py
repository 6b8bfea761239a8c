"""Cutting cases into parts that resemble each other, never through a patient."""

from collections.abc import Sequence

import numpy as np

# Small cohorts are where one draw differs much from the next, and where several draws cost nothing; thousands
# of patients are balanced at the first. The budget counts patients placed.
MOST_DRAWS = 20
DRAW_BUDGET = 2000


def stratify(
    patient_ids: np.ndarray, levels: np.ndarray, shares: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """Part of each case, int, shape (case,): patients whole, every level spread in proportion to the shares.

    The best of several draws of a greedy placement: fewest levels absent from a part, then least imbalance
    sum((found - wanted)^2 / wanted) over parts and levels. Sizes are the shares rounded to whole cases where
    every patient has one case.

    Parameters
    ----------
    patient_ids
        Patient of each case, shape (case,).
    levels
        Which levels a case has, bool, shape (case, level), at least one case a level.
    shares
        Relative sizes of the parts, positive.
    rng
        Orders patients of equal rank and breaks ties.
    """
    patients, of_case = np.unique(patient_ids.astype(str), return_inverse=True)  # (patient,), (case,)
    counts = np.zeros(
        (len(patients), 1 + levels.shape[1])
    )  # cases of (patient, level); level 0 is every case
    np.add.at(counts, of_case, np.column_stack([np.ones(len(levels)), levels]))
    ratio = np.asarray(shares) / np.sum(shares)
    draws = max(1, min(MOST_DRAWS, DRAW_BUDGET // len(patients)))
    placements = [_place_patients(counts, ratio, rng) for _ in range(draws)]
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
    found = np.stack([counts[part_of == part].sum(axis=0) for part in range(len(shares))])
    return int((found == 0).sum()), round(float(((found - wanted) ** 2 / wanted).sum()), 9)


def _place_patients(counts: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Part of each patient, int, shape (patient,), by greedy iterative stratification.

    Sechidis et al., "On the stratification of multi-label data", ECML PKDD 2011: the level with the fewest
    cases left is dealt out first. There a case goes to the part that lacks most of that one level; here a
    patient, who may bring several cases of several levels, goes to the part whose imbalance
    sum(lack^2 / wanted) over all levels falls most, among the parts that still have room for the patient.
    Ties go to the part with most room, then to a seeded order.
    """
    wanted = shares[:, None] * counts.sum(axis=0)  # (part, level)
    lack = np.ones_like(wanted)  # relative to what is wanted
    own = (counts**2) @ (1 / wanted).T  # (patient, part)
    room = _whole_numbers(shares * counts[:, 0].sum()).tolist()
    ties = rng.random((len(counts), len(shares)))
    part_of = np.zeros(len(counts), dtype=int)
    for patient in _rarest_first(counts, rng):
        brought = counts[patient]
        # Imbalance changes by sum((brought^2 - 2 brought lack) / wanted). Rounded, as processors that sum in
        # another order must see the same ties.
        rise = (own[patient] - 2 * (lack @ brought)).round(9)
        least = min(brought[0], max(room))
        fitting = [part for part, free in enumerate(room) if free >= least]
        chosen = min(fitting, key=lambda part: (rise[part], -room[part], ties[patient, part]))
        part_of[patient] = chosen
        lack[chosen] -= brought / wanted[chosen]
        room[chosen] -= brought[0]
    return part_of


def _rarest_first(counts: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Order in which patients are dealt: by the level with the fewest cases left, many cases first."""
    shuffled = rng.permutation(len(counts))
    waiting = shuffled[np.argsort(-counts[shuffled, 0], kind="stable")]
    order: list[int] = []
    while len(waiting):
        left = counts[waiting].sum(axis=0)
        rarest = np.argmin(np.where(left > 0, left, np.inf))
        has = counts[waiting, rarest] > 0
        order += waiting[has].tolist()
        waiting = waiting[~has]
    return order


def _whole_numbers(sizes: np.ndarray) -> np.ndarray:
    """Sizes rounded to whole cases with their sum kept: the largest remainders are rounded up."""
    # 0.1 * 70 is 7.000000000000001: the remainder of such a product must count as none.
    sizes = np.round(sizes, 9)
    whole: np.ndarray = np.floor(sizes)
    missing = round(sizes.sum() - whole.sum())
    whole[np.argsort(whole - sizes, kind="stable")[:missing]] += 1
    return whole
