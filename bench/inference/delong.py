"""The AUC: structural components, intervals and paired differences.

With one stratum and one case a patient the components are those of DeLong et al. (1988); with several cases a
patient those of Obuchowski (1997). A component is centred at the AUC of its own stratum, since every fold has
its own model, and the sums of squares are scaled by patients / (patients - strata), which allows strata with
a single positive case.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.inference.bootstrap import seed_freedom, seed_influence, sum_by
from bench.inference.estimate import (
    ALPHA,
    NEGLIGIBLE,
    NO_INTERVAL,
    Difference,
    Interval,
    expit,
    satterthwaite,
    student_quantile,
    two_sided,
)
from bench.inference.single_pairs import single_pair_covariance
from bench.metrics import Array, Codes, pair_counts, placements, stratum_codes

# An AUC is a ratio of counts: this close to 0 or 1 it is that.
ROUNDING = 1e-12


@dataclass(frozen=True)
class DeLong:
    """AUCs of several predictions on the same cases, with their joint covariance.

    Parameters
    ----------
    auc
        Mean over seeds, shape (prediction,).
    positive_components, negative_components
        What each patient's positive and negative cases contribute, shape (prediction, patient): the sums of
        their products over patients are the covariance that comes from either class.
    joint_part
        What patients with cases of both classes add, shape (prediction, prediction); 0 where nobody has.
    freedom
        Degrees of freedom of the positive and of the negative part.
    disjoint_pairs
        Number of pairs of patients, one of each class, that can be formed within strata using nobody twice,
        over the factor of the variance.
    by_stratum
        AUCs of the strata that have a pair, shape (prediction, stratum).
    seeds
        What each training seed contributes, shape (prediction, seed): :func:`bench.inference.seed_influence`.
    factor
        By what the variance over patients is multiplied.
    """

    auc: Array
    positive_components: Array
    negative_components: Array
    joint_part: Array
    freedom: tuple[int, int]
    disjoint_pairs: float
    by_stratum: Array
    seeds: Array
    factor: float

    @property
    def covariance(self) -> Array:
        """Covariance of the AUCs over patients, shape (prediction, prediction)."""
        covariance: Array = (
            self.positive_components @ self.positive_components.T
            + self.negative_components @ self.negative_components.T
            + self.joint_part
        )
        return covariance

    def is_constant(self, row: int) -> bool:
        """Whether a prediction is constant within each stratum: all AUCs are 0.5, without a variance."""
        level = np.allclose(self.by_stratum[row], 0.5, rtol=0, atol=NEGLIGIBLE**0.5)
        return bool(level and self.covariance[row, row] < NEGLIGIBLE)

    def variance(self, row: int) -> tuple[float, float]:
        """Variance of an AUC over patients and seeds, and its degrees of freedom (infinite for one seed)."""
        patients, seeds = float(self.covariance[row, row]), float((self.seeds[row] ** 2).sum())
        return patients + seeds, satterthwaite([(patients, np.inf), (seeds, seed_freedom(self.seeds))])


def delong(
    truth: Array,
    scores: Sequence[Array],
    stratum: NDArray[np.generic] | None = None,
    patient: NDArray[np.generic] | None = None,
    factor: float = 1.0,
    seeds: Sequence[Sequence[int]] | None = None,
) -> DeLong:
    """AUC over within-stratum pairs with its covariance, from structural components summed by patient.

    The AUC is NaN without a pair; the covariance is NaN where a class has no more patients than there are
    strata.

    Parameters
    ----------
    truth, stratum, patient
        As in :func:`bench.metrics.auc`, and the patient of each case (its own where left out), shape (case,).
    scores
        One array a prediction, each of shape (seed, case).
    factor
        What multiplies the variance over patients: :func:`bench.splits.shared_training.variance_factor`.
    seeds
        Number of each seed of each prediction, which pairs them; in order where left out.
    """
    positive = truth == 1
    strata = stratum_codes(stratum, len(truth))
    rivals = pair_counts(positive, strata)
    people = stratum_codes(np.arange(len(truth)) if patient is None else patient, len(truth))
    each = [_placements(positive, score, strata) for score in scores]
    placed = np.array([rows.mean(axis=0) for rows in each])
    pairs = rivals[positive].sum()
    if pairs == 0:
        return _no_pairs(len(scores), int(people.max(initial=-1)) + 1)
    each_auc = [rows[:, positive].sum(axis=1) / pairs for rows in each]
    by_stratum = _stratum_aucs(positive, placed, strata, rivals)
    components = (placed - rivals * by_stratum[:, strata]) / pairs
    used = rivals > 0
    counted = np.unique(strata[used])
    count = len(counted)
    sizes = [len(np.unique(people[used & members])) for members in (positive, ~positive, used)]
    return DeLong(
        auc=placed[:, positive].sum(axis=1) / pairs,
        **_scaled_components(components, positive, people, sizes, count, factor),
        freedom=(sizes[0] - count, sizes[1] - count),
        disjoint_pairs=_disjoint_pairs(positive, strata, people) / factor,
        by_stratum=by_stratum[:, counted],
        seeds=seed_influence(each_auc, seeds),
        factor=factor,
    )


def _scaled_components(
    components: Array,
    positive: NDArray[np.bool_],
    people: Codes,
    sizes: Sequence[int],
    strata: int,
    factor: float,
) -> dict[str, Array]:
    """The fields of :class:`DeLong` that make its covariance, from components of shape (prediction, case).

    ``sizes`` are the patients with positive cases, with negative ones and of either; ``strata`` how many
    strata have a pair.
    """
    positive_components = sum_by(people, np.where(positive, components, 0.0))
    negative_components = sum_by(people, np.where(positive, 0.0, components))
    scales = [size / (size - strata) if size > strata else np.nan for size in sizes]
    joint = np.zeros((len(components),) * 2)
    if sizes[2] < sizes[0] + sizes[1]:
        joint = scales[2] * (positive_components @ negative_components.T)
    return {
        "positive_components": np.sqrt(factor * scales[0]) * positive_components,
        "negative_components": np.sqrt(factor * scales[1]) * negative_components,
        "joint_part": factor * (joint + joint.T),
    }


def auc_interval(sample: DeLong, row: int) -> Interval:
    """95 % interval of one AUC: DeLong's standard error on the logit scale (Pepe 2003, section 5.2.4).

    Where the AUC is 1 (or 0) the standard error is 0, which is no estimate. Then the interval is exact and
    conservative: an AUC of 1 makes each of ``d`` disjoint pairs concordant, which happens with probability
    at most ``auc ** d``, so the lower limit is ``.025 ** (1 / d)``. A prediction that is constant within each
    stratum gets 0.5 to 0.5. NaN without a pair, with too few patients for a standard error, and where strata
    too small to show a spread leave none to an AUC between 0 and 1.

    With several training seeds their variance is in it, and the quantile is Student's.
    """
    auc, (variance, freedom) = float(sample.auc[row]), sample.variance(row)
    if auc > 1 - ROUNDING:
        return Interval((ALPHA / 2) ** (1 / sample.disjoint_pairs), 1.0)
    if auc < ROUNDING:
        return Interval(0.0, 1 - (ALPHA / 2) ** (1 / sample.disjoint_pairs))
    if variance < NEGLIGIBLE:
        return Interval(0.5, 0.5) if sample.is_constant(row) else NO_INTERVAL
    logit = np.log(auc / (1 - auc))
    reach = student_quantile(freedom) * np.sqrt(variance) / (auc * (1 - auc))
    return Interval(expit(logit - reach), expit(logit + reach))


def auc_p(sample: DeLong, row: int) -> float:
    """Two-sided p of the hypothesis that an AUC is 0.5, dual to :func:`auc_interval`; NaN where that is."""
    auc, (variance, freedom) = float(sample.auc[row]), sample.variance(row)
    if not ROUNDING < auc < 1 - ROUNDING:
        return min(1.0, 2 * 0.5**sample.disjoint_pairs) if sample.disjoint_pairs else float("nan")
    if variance < NEGLIGIBLE:
        return 1.0 if sample.is_constant(row) else float("nan")
    logit = np.log(auc / (1 - auc))
    return two_sided(logit * auc * (1 - auc) / np.sqrt(variance), freedom)


def auc_difference(
    truth: Array,
    first: Array,
    second: Array,
    stratum: NDArray[np.generic] | None = None,
    patient: NDArray[np.generic] | None = None,
    factor: float = 1.0,
    seeds: Sequence[Sequence[int]] | None = None,
) -> Difference:
    """Paired difference ``first - second`` of two AUCs on the same cases.

    DeLong's covariance counts the part of the variance that belongs to single pairs twice. With folds of
    three positive cases that matters: the plain test rejects 2-4 % instead of 5 % for correlated methods. So
    that part is estimated from the residuals of the pairs and taken off once, and the quantile is Student's,
    with Welch's degrees of freedom for the positive and the negative part.

    The difference from a prediction that is constant within strata is the AUC less 0.5, with the interval
    and p of :func:`auc_interval` and :func:`auc_p`: within -0.5 to 0.5, as the difference is. Others lie
    within -1 to 1.

    Where all patients agree on a difference the variance is 0: the interval is NaN and p that of a sign test
    on disjoint pairs; NaN too where the strata do not agree on its sign, being too small to show a spread.
    ``first`` and ``second`` have shape (seed, case); the other arguments are those of :func:`delong`.
    """
    sample = delong(truth, [first, second], stratum, patient, factor, seeds)
    return areas_difference(sample, _single_pairs(truth, first, second, stratum))[0]


def areas_difference(sample: DeLong, single: Callable[[], Array]) -> tuple[Difference, float]:
    """:func:`auc_difference` of the two predictions of a sample, and its standard error.

    ``single`` gives their :func:`bench.inference.single_pairs.single_pair_covariance`.
    """
    error, freedom = _difference_error(sample, single)
    constant = [sample.is_constant(row) for row in (0, 1)]
    if any(constant) and not all(constant):
        found = from_constant(sample, 0) if constant[1] else from_constant(sample, 1).reversed()
        return found, error
    return _tested(sample, error, freedom), error


def _tested(sample: DeLong, error: float, freedom: float) -> Difference:
    """The difference of two areas of which neither or each is constant."""
    value = float(sample.auc[0] - sample.auc[1])
    if np.isnan(error):
        return Difference(value, NO_INTERVAL, float("nan"))
    if error == 0:
        p = float(unanimous_p(sample)[0, 1])
        return Difference(value, Interval(0.0, 0.0) if p == 1 and value == 0 else NO_INTERVAL, p)
    reach = student_quantile(freedom) * error
    interval = Interval(value - reach, value + reach).within(-1, 1)
    return Difference(value, interval, two_sided(value / error, freedom))


def from_constant(sample: DeLong, row: int) -> Difference:
    """By how much an AUC is better than that of a baseline, 0.5: its interval and p, shifted."""
    low, high = auc_interval(sample, row)
    return Difference(float(sample.auc[row]) - 0.5, Interval(low - 0.5, high - 0.5), auc_p(sample, row))


def auc_influence(sample: DeLong) -> Array:
    """Influence value of each patient for each AUC's deviation, shape (prediction, patient)."""
    return sample.positive_components + sample.negative_components


def auc_difference_error(
    sample: DeLong,
    truth: Array,
    first: Array,
    second: Array,
    stratum: NDArray[np.generic] | None = None,
) -> tuple[float, float]:
    """Standard error of :func:`auc_difference`, and its degrees of freedom; NaN where it has none.

    ``sample`` is the :func:`delong` of the two predictions.
    """
    return _difference_error(sample, _single_pairs(truth, first, second, stratum))


def _single_pairs(
    truth: Array, first: Array, second: Array, stratum: NDArray[np.generic] | None
) -> Callable[[], Array]:
    return lambda: single_pair_covariance(truth, [first, second], stratum_codes(stratum, len(truth)))


def _difference_error(sample: DeLong, single: Callable[[], Array]) -> tuple[float, float]:
    """:func:`auc_difference_error`, from what belongs to single pairs where that is asked."""
    sources = (sample.positive_components, sample.negative_components, sample.seeds)
    parts = [float(((source[0] - source[1]) ** 2).sum()) for source in sources]
    covariance = sample.covariance
    plain = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if np.isnan(plain) or plain + parts[2] < NEGLIGIBLE:
        return (plain if np.isnan(plain) else 0.0), float("nan")
    # The expected plain variance is main + 2 x single-pair part, so the truth is never below half of it.
    shared = single()
    excess = sample.factor * float(shared[0, 0] + shared[1, 1] - 2 * shared[0, 1])
    error = float(np.sqrt(max(plain - excess, plain / 2) + parts[2]))
    freedoms = (*sample.freedom, seed_freedom(sample.seeds))
    return error, satterthwaite(list(zip(parts, freedoms, strict=True)))


def unanimous_p(sample: DeLong) -> Array:
    """The p of each difference of two AUCs if it has no variance, shape (prediction, prediction).

    A sign test on disjoint pairs where all strata agree on its sign, 1 where no stratum has a difference, NaN
    where they disagree: then the strata are too small to show the spread.
    """
    gap = sample.by_stratum[:, None] - sample.by_stratum
    signs = np.where(np.abs(gap) < NEGLIGIBLE**0.5, 0.0, np.sign(gap))
    agree = signs.min(axis=2, initial=1) == signs.max(axis=2, initial=-1)
    sign_test = np.where(np.all(signs == 0, axis=2), 1.0, min(1.0, 2 * 0.5**sample.disjoint_pairs))
    p: Array = np.where(agree, sign_test, np.nan)
    return p


def _placements(positive: NDArray[np.bool_], score: Array, stratum: Codes) -> Array:
    """Placements of each seed, shape (seed, case)."""
    return np.array([placements(positive, row, stratum) for row in np.atleast_2d(score)])


def _stratum_aucs(positive: NDArray[np.bool_], placed: Array, stratum: Codes, rivals: Array) -> Array:
    """AUC of each prediction in each stratum, shape (prediction, stratum); 0 where it has no pair."""
    pairs = np.bincount(stratum[positive], rivals[positive], minlength=int(stratum.max()) + 1)
    won = np.zeros((len(placed), len(pairs)))
    for row, one in enumerate(placed):
        won[row] = np.bincount(stratum[positive], one[positive], minlength=len(pairs))
    return won / np.maximum(pairs, 1)


def _disjoint_pairs(positive: NDArray[np.bool_], stratum: Codes, patient: Codes) -> int:
    return sum(
        min(len(np.unique(patient[here & positive])), len(np.unique(patient[here & ~positive])))
        for here in (stratum == code for code in np.unique(stratum))
    )


def _no_pairs(rows: int, patients: int) -> DeLong:
    nothing = np.full((rows, patients), np.nan)
    square = np.full((rows, rows), np.nan)
    return DeLong(
        np.full(rows, np.nan), nothing, nothing, square, (0, 0), 0, nothing[:, :0], np.zeros((rows, 1)), 1.0
    )
