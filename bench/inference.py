"""Intervals, paired differences and shared ranks. What is resampled is the patient, never the image.

Two ways to a standard error: structural components (DeLong et al. 1988) for the area under the ROC curve, and
the bootstrap for everything else. Several training seeds enter as the mean over seeds on the same cases.
Coverage and error rates are measured by ``tests/simulations``.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics import DRAWS_AT_ONCE, Array, Codes, pair_counts, placements, stratum_codes

LEVEL = 0.95
POWER = 0.8
ALPHA = 1 - LEVEL
DRAWS = 2000
DRAW_SEED = 0

# The fewest independent patients that can show a difference at all: a sign test on five unanimous patients
# has p = .0625, on six p = .031. With fewer, no method is called better than another.
FEWEST_PATIENTS = 6

# Studentised quantiles of fewer patients than this are those of a few ties: limits of 1e90 have been seen.
FEWEST_STUDENTISED = 10

# The correction for small strata is of order 1 / pairs: beyond this many, the rounding of tables hides it.
MOST_CORRECTED_PAIRS = 1_000_000

# Where all patients agree on a difference, rounding leaves a variance of 1e-34 rather than 0.
NEGLIGIBLE = 1e-24


class Interval(NamedTuple):
    """A 95 % interval; NaN where there is none."""

    low: float
    high: float

    def within(self, least: float, most: float) -> "Interval":
        """Its part between two bounds."""
        return Interval(float(np.clip(self.low, least, most)), float(np.clip(self.high, least, most)))


NO_INTERVAL = Interval(float("nan"), float("nan"))


class Difference(NamedTuple):
    """A paired difference with its interval and two-sided p."""

    value: float
    interval: Interval
    p: float


@dataclass(frozen=True)
class DeLong:
    """Areas of several predictions on the same cases, with their joint covariance.

    Parameters
    ----------
    auc
        Mean over seeds, shape (prediction,).
    gains, losses
        What each patient's positive and negative cases contribute, shape (prediction, patient): the sums of
        their products over patients are the covariance that comes from either class.
    joint_part
        What patients with cases of both classes add, shape (prediction, prediction); 0 where nobody has.
    freedom
        Degrees of freedom of the positive and of the negative part.
    disjoint_pairs
        Number of pairs of patients, one of each class, that can be formed within strata using nobody twice.
    by_stratum
        Areas of the strata that have a pair, shape (prediction, stratum).
    """

    auc: Array
    gains: Array
    losses: Array
    joint_part: Array
    freedom: tuple[int, int]
    disjoint_pairs: int
    by_stratum: Array

    @property
    def covariance(self) -> Array:
        """Covariance of the areas, shape (prediction, prediction)."""
        covariance: Array = self.gains @ self.gains.T + self.losses @ self.losses.T + self.joint_part
        return covariance

    def is_constant(self, row: int) -> bool:
        """Whether an area without a variance is that of a prediction that is constant within each stratum."""
        return bool(np.allclose(self.by_stratum[row], 0.5, rtol=0, atol=NEGLIGIBLE**0.5))


def delong(
    truth: Array,
    scores: Sequence[Array],
    stratum: NDArray[np.generic] | None = None,
    patient: NDArray[np.generic] | None = None,
) -> DeLong:
    """Areas over within-stratum pairs and their covariance, from structural components summed by patient.

    With one stratum and one case a patient this is DeLong et al. (1988); with several cases a patient it is
    Obuchowski (1997). A component is centred at the area of its own stratum, since every fold has its own
    model, and the sums of squares are scaled by patients / (patients - strata), which allows strata with a
    single positive case. Areas are NaN without a pair; the covariance is NaN where a class has no more
    patients than there are strata.

    Parameters
    ----------
    truth, stratum
        As in :func:`bench.metrics.auc`, shape (case,).
    scores
        One array a prediction, each of shape (seed, case).
    patient
        Patient of each case, shape (case,); every case its own patient where left out.
    """
    positive = truth == 1
    strata = stratum_codes(stratum, len(truth))
    rivals = pair_counts(positive, strata)
    people = stratum_codes(np.arange(len(truth)) if patient is None else patient, len(truth))
    placed = np.array([_mean_placements(positive, score, strata) for score in scores])
    pairs = rivals[positive].sum()
    if pairs == 0:
        return _no_pairs(len(scores), int(people.max(initial=-1)) + 1)
    by_stratum = _stratum_areas(positive, placed, strata, rivals)
    components = (placed - rivals * by_stratum[:, strata]) / pairs
    gains = _sum_by(people, np.where(positive, components, 0.0))
    losses = _sum_by(people, np.where(positive, 0.0, components))
    used = rivals > 0
    counted = np.unique(strata[used])
    count = len(counted)
    sizes = [len(np.unique(people[used & members])) for members in (positive, ~positive, used)]
    scales = [size / (size - count) if size > count else np.nan for size in sizes]
    joint = scales[2] * (gains @ losses.T) if sizes[2] < sizes[0] + sizes[1] else np.zeros((len(scores),) * 2)
    return DeLong(
        auc=placed[:, positive].sum(axis=1) / pairs,
        gains=np.sqrt(scales[0]) * gains,
        losses=np.sqrt(scales[1]) * losses,
        joint_part=joint + joint.T,
        freedom=(sizes[0] - count, sizes[1] - count),
        disjoint_pairs=_disjoint_pairs(positive, strata, people),
        by_stratum=by_stratum[:, counted],
    )


def auc_interval(sample: DeLong, row: int) -> Interval:
    """95 % interval of one area: DeLong's standard error on the logit scale (Pepe 2003, section 5.2.4).

    Where the area is 1 (or 0) the standard error is 0 and says nothing. Then the interval is exact and
    conservative: an area of 1 makes each of ``d`` disjoint pairs concordant, which happens with probability
    at most ``auc ** d``, so the lower limit is ``.025 ** (1 / d)``. A prediction that is constant within each
    stratum gets 0.5 to 0.5. NaN without a pair, with too few patients for a standard error, and where strata
    too small to show a spread leave none to an area between 0 and 1.
    """
    area, variance = float(sample.auc[row]), float(sample.covariance[row, row])
    if area >= 1:
        return Interval((ALPHA / 2) ** (1 / sample.disjoint_pairs), 1.0)
    if area <= 0:
        return Interval(0.0, 1 - (ALPHA / 2) ** (1 / sample.disjoint_pairs))
    if variance < NEGLIGIBLE:
        return Interval(area, area) if sample.is_constant(row) else NO_INTERVAL
    logit = np.log(area / (1 - area))
    reach = _normal_quantile() * np.sqrt(variance) / (area * (1 - area))
    return Interval(_expit(logit - reach), _expit(logit + reach))


def auc_p(sample: DeLong, row: int) -> float:
    """Two-sided p of the hypothesis that an area is 0.5, dual to :func:`auc_interval`; NaN where that is."""
    area, variance = float(sample.auc[row]), float(sample.covariance[row, row])
    if area in (0.0, 1.0):
        return min(1.0, 2 * 0.5**sample.disjoint_pairs)
    if variance < NEGLIGIBLE:
        return 1.0 if sample.is_constant(row) else float("nan")
    logit = np.log(area / (1 - area))
    return _two_sided(logit * area * (1 - area) / np.sqrt(variance), np.inf)


def auc_difference(
    truth: Array,
    first: Array,
    second: Array,
    stratum: NDArray[np.generic] | None = None,
    patient: NDArray[np.generic] | None = None,
) -> Difference:
    """Paired difference ``first - second`` of two areas on the same cases.

    DeLong's covariance counts the part of the variance that belongs to single pairs twice. With folds of
    three positive cases that matters: the plain test rejects 2-4 % instead of 5 % for correlated methods. So
    that part is estimated from the residuals of the pairs and taken off once, and the quantile is Student's,
    with Welch's degrees of freedom for the positive and the negative part.

    Where all patients agree on a difference the variance is 0: the interval is NaN and p that of a sign test
    on disjoint pairs; NaN too where the strata do not agree on its sign, being too small to show a spread.
    ``first`` and ``second`` have shape (seed, case).
    """
    sample = delong(truth, [first, second], stratum, patient)
    value = float(sample.auc[0] - sample.auc[1])
    error, freedom = _difference_error(sample, truth, first, second, stratum)
    if np.isnan(error):
        return Difference(value, NO_INTERVAL, float("nan"))
    if error == 0:
        p = float(_unanimous_p(sample)[0, 1])
        return Difference(value, Interval(0.0, 0.0) if p == 1 and value == 0 else NO_INTERVAL, p)
    reach = _student_quantile(freedom) * error
    interval = Interval(value - reach, value + reach).within(-1, 1)
    return Difference(value, interval, _two_sided(value / error, freedom))


def auc_difference_error(
    truth: Array,
    first: Array,
    second: Array,
    stratum: NDArray[np.generic] | None = None,
    patient: NDArray[np.generic] | None = None,
) -> float:
    """Standard error of :func:`auc_difference`, of the same arguments; NaN where it has none."""
    sample = delong(truth, [first, second], stratum, patient)
    return _difference_error(sample, truth, first, second, stratum)[0]


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


def draw_patients(patients: Patients, draws: int = DRAWS, seed: int = DRAW_SEED, fewer: int = 0) -> Array:
    """How often each bootstrap resample holds each patient with all its cases, shape (patient, draw).

    As many patients as a group has, or ``fewer``, are drawn with replacement within it. The draws depend on
    the order of the patients.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((len(patients.group), draws))
    for code in np.unique(patients.group):
        members = np.flatnonzero(patients.group == code)
        drawn = rng.integers(len(members), size=(draws, max(len(members) - fewer, 1)))
        drawn += np.arange(draws)[:, None] * len(members)
        held = np.bincount(drawn.ravel(), minlength=draws * len(members))
        counts[members] = held.reshape(draws, len(members)).T
    return counts


def percentile_interval(resampled: Array) -> Interval:
    """95 % percentile interval (Efron & Tibshirani 1993, chapter 13) of values of shape (draw,).

    Resamples without a value (NaN) are left out; NaN where none has one.
    """
    valid = resampled[~np.isnan(resampled)]
    if not len(valid):
        return NO_INTERVAL
    low, high = np.quantile(valid, [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(low), float(high))


def bca_interval(value: float, resampled: Array, influence: Array) -> Interval:
    r"""95 % bias-corrected and accelerated interval (Efron 1987; Efron & Tibshirani 1993, section 14.3).

    .. math:: \alpha_{1,2} = \Phi\Big(z_0 + \frac{z_0 \pm z}{1 - a (z_0 \pm z)}\Big), \quad
              a = \frac{\sum_i u_i^3}{6 (\sum_i u_i^2)^{3/2}}

    are the quantiles of the resampled values that bound it; :math:`\Phi(z_0)` is the share of them below the
    value (ties count half) and :math:`u_i` what patient i contributes, so that groups of patients are allowed
    for (Davison & Hinkley 1997, equation 5.31).

    Parameters
    ----------
    value
        The metric itself.
    resampled
        The metric in resamples of patients, shape (draw,); those without a value (NaN) are left out.
    influence
        What each patient contributes, shape (patient,), see :func:`jackknife_influence`.

    Returns
    -------
    Interval
        NaN where no resample has a value, or all lie on one side of the metric.
    """
    from scipy.special import ndtr, ndtri

    valid = resampled[~np.isnan(resampled)]
    below = ((valid < value).mean() + (valid <= value).mean()) / 2 if len(valid) else 0.0
    squares = float((influence**2).sum())
    if not 0 < below < 1 or squares < NEGLIGIBLE:
        return Interval(value, value) if len(valid) and np.ptp(valid) == 0 else NO_INTERVAL
    bias, acceleration = ndtri(below), float((influence**3).sum()) / (6 * squares**1.5)
    ends = bias + ndtri(np.array([ALPHA / 2, 1 - ALPHA / 2]))
    low, high = np.quantile(valid, ndtr(bias + ends / (1 - acceleration * ends)))
    return Interval(float(low), float(high))


def studentised_interval(
    value: float, resampled: Array, influence: Array, patients: Patients, drawn: Array
) -> Interval:
    r"""95 % bootstrap-t interval (Efron & Tibshirani 1993, section 12.5), its two tails equal.

    .. math:: [\hat\theta - q_{.975}\,\hat\sigma,\; \hat\theta - q_{.025}\,\hat\sigma], \quad
              t^* = (\hat\theta^* - \hat\theta) / \hat\sigma^*

    with the quantiles of :math:`t^*`. The standard error of a resample is that of its patients' contributions
    (linearisation), so no second bootstrap is needed.

    Parameters
    ----------
    value, resampled, influence
        As in :func:`bca_interval`.
    patients, drawn
        Who was resampled, and how often: see :func:`draw_patients`.

    Returns
    -------
    Interval
        NaN where fewer than 95 % of the resamples have a value and a standard error, and with fewer than
        :data:`FEWEST_STUDENTISED` patients.
    """
    if len(patients.group) < FEWEST_STUDENTISED:
        return NO_INTERVAL
    error = float(np.sqrt((influence**2).sum()))
    return _bootstrap_t(value, resampled, error, _metric_variance(influence, patients, drawn))


def root_interval(
    value: float, resampled: Array, influence: Array, patients: Patients, drawn: Array
) -> Interval:
    r"""95 % interval of the root of a mean of squares: the bootstrap-t of the logarithm of that mean.

    .. math:: t^* = (\log m^* - \log m) / (\hat\sigma_m^* / m^*), \quad m = \hat\theta^2

    A mean of squares is skewed even where the errors are not, and its logarithm less so. Arguments and result
    as for :func:`studentised_interval`, ``influence`` that of the root; NaN also where a limit is beyond all
    numbers.
    """
    if len(patients.group) < FEWEST_STUDENTISED:
        return NO_INTERVAL
    if value**2 < NEGLIGIBLE:
        return Interval(value, value)
    squares = np.where(resampled > 0, resampled, np.nan) ** 2
    error = 2 * float(np.sqrt((influence**2).sum())) / value
    variance = _metric_variance(2 * value * influence, patients, drawn) / squares**2
    low, high = _bootstrap_t(2 * math.log(value), np.log(squares), error, variance)
    with np.errstate(over="ignore"):
        ends = Interval(float(np.exp(low / 2)), float(np.exp(high / 2)))
    return ends if np.isfinite(ends.high) else NO_INTERVAL


def logit_interval(value: float, resampled: Array) -> Interval:
    """95 % interval of a value between 0 and 1, symmetric on the logit scale.

    The normal quantile times the standard deviation of the resampled logits. Where the value or more than 5 %
    of the resamples are 0 or 1, that is infinite: then it is :func:`percentile_interval`. ``resampled`` has
    shape (draw,).
    """
    inner = resampled[(resampled > 0) & (resampled < 1)]
    if not 0 < value < 1 or len(inner) < LEVEL * len(resampled):
        return percentile_interval(resampled)
    reach = _normal_quantile() * float(np.log(inner / (1 - inner)).std(ddof=1))
    middle = math.log(value / (1 - value))
    return Interval(_expit(middle - reach), _expit(middle + reach))


def effective_patients(truth: Codes, patient: NDArray[np.generic], classes: int) -> Array:
    r"""Independent patients that each class is worth, :math:`(\sum_i m_i)^2 / \sum_i m_i^2`, shape (class,).

    ``m_i`` are a patient's cases of that class (Kish 1965). With one case a patient it is their number; the
    cases of one patient count as one, which is right where they agree and conservative where they do not.
    """
    people = stratum_codes(patient, len(truth))
    sizes = np.zeros((classes, int(people.max(initial=-1)) + 1))
    np.add.at(sizes, (truth, people), 1.0)
    squares = (sizes**2).sum(axis=1)
    size: Array = np.where(squares > 0, sizes.sum(axis=1) ** 2 / np.maximum(squares, 1), 0.0)
    return size


def wilson_interval(share: float, n: float) -> Interval:
    """95 % interval of a share of ``n`` independent patients (Wilson 1927); NaN for none."""
    if not n > 0:
        return NO_INTERVAL
    square = _normal_quantile() ** 2
    centre = (share + square / (2 * n)) / (1 + square / n)
    reach = np.sqrt(square * (share * (1 - share) / n + square / (4 * n**2))) / (1 + square / n)
    return Interval(max(0.0, float(centre - reach)), min(1.0, float(centre + reach)))


def studentised_difference(value: float, influence: Array, patients: Patients, drawn: Array) -> Difference:
    """A paired difference with its bootstrap-t interval and p, both from the absolute statistic.

    The interval is symmetric (Hall 1988) and excludes 0 exactly where p is below .05. For a family of one,
    :func:`adjusted_p` is this p. Where all patients agree on a difference the interval is NaN and p that of a
    sign test; equal predictions have p = 1.

    Parameters
    ----------
    value
        The difference.
    influence
        What each patient contributes to it, shape (patient,).
    patients, drawn
        As in :func:`adjusted_p`.
    """
    error = float(np.sqrt((influence**2).sum()))
    if error**2 < NEGLIGIBLE:
        agreed = min(1.0, 2 * 0.5 ** len(patients.group))
        same = value**2 < NEGLIGIBLE
        return Difference(value, Interval(value, value) if same else NO_INTERVAL, 1.0 if same else agreed)
    null = np.sort(_studentised(influence[None], patients, drawn)[0])[::-1]
    exceeded = int((null >= abs(value) / error).sum())
    rank = max(int(ALPHA * (len(null) + 1) + 1e-9), 1)
    reach = float(null[rank - 1]) * error
    interval = Interval(value - reach, value + reach) if np.isfinite(reach) else NO_INTERVAL
    return Difference(value, interval, (exceeded + 1) / (len(null) + 1))


def auc_influence(sample: DeLong) -> Array:
    """What each patient contributes to each area's deviation, shape (prediction, patient)."""
    return sample.gains + sample.losses


def mean_influence(values: Array, patients: Patients) -> Array:
    """What each patient contributes to the deviation of each mean over cases, shape (row, patient).

    ``values`` has shape (row, case). As for :func:`auc_influence`, the sum of squares over patients is the
    variance of the mean.
    """
    count = len(patients.group)
    deviation = values - values.mean(axis=1, keepdims=True)
    scale = np.sqrt(count / max(count - 1, 1)) / values.shape[1]
    influence: Array = scale * _sum_by(patients.codes, deviation)
    return influence


def jackknife_influence(metric: Callable[[Array], Array], patients: Patients) -> Array:
    """What each patient contributes to each value of a metric, from leaving it out, shape (row, patient).

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


def detectable_difference(error: float) -> float:
    r"""Smallest true difference that a two-sided test at 5 % finds with 80 % power.

    .. math:: (z_{.975} + z_{.8}) \, \hat\sigma = 2.80 \, \hat\sigma

    for a difference whose estimate is normal with this standard error; a figure for planning (Chow et al.
    2017, section 3.2), which says nothing of what was observed. NaN without a standard error.
    """
    return (_normal_quantile() + NormalDist().inv_cdf(POWER)) * error


def cases_needed(cases: int, error: float, difference: float) -> int | None:
    """How many cases show a true difference of the size observed with 80 % power.

    ``cases x (detectable / observed)^2``, rounded up: the variance of a difference falls with the number of
    cases, the composition of the cohort staying the same. None where nothing was observed, or without a
    standard error.
    """
    if not error > 0 or difference**2 < NEGLIGIBLE:
        return None
    return math.ceil(cases * (detectable_difference(error) / difference) ** 2)


def probability_better(differences: Array) -> float:
    """Share of resamples in which an oriented difference is above 0, ties counted half; NaN without any.

    ``differences`` has shape (draw,). It is the bootstrap's stand-in for the probability, over cohorts like
    this one, that the sign of the observed difference is right: near 1 - p / 2 for the better method, so it
    adds no evidence to p. It is not the probability that a method is better.
    """
    valid = differences[~np.isnan(differences)]
    wins = (valid > NEGLIGIBLE**0.5).mean() if len(valid) else float("nan")
    ties = (np.abs(valid) <= NEGLIGIBLE**0.5).mean() if len(valid) else float("nan")
    return float(wins + ties / 2)


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
    null = np.where(agreed[:, None], 0.0, _studentised(contrast, patients, drawn))
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
    shared = _single_pair_covariance(truth, scores, strata)
    single = np.diag(shared)
    excess = single[:, None] + single - 2 * shared
    influence = auc_influence(areas)
    return adjusted_p(areas.auc, influence, patients, drawn, contrasts, excess, _unanimous_p(areas))


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


def _studentised(contrast: Array, patients: Patients, drawn: Array) -> Array:
    """Absolute bootstrap-t statistics of sums over patients, shape (row, draw); infinite without spread."""
    variance = _resampled_variance(contrast, patients, drawn)
    moved = np.abs(contrast @ (drawn * _per_drawn(patients, drawn)[:, None] - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Array = moved / np.sqrt(variance)
    return np.where(moved**2 < NEGLIGIBLE, 0.0, ratio)


def _metric_variance(influence: Array, patients: Patients, drawn: Array) -> Array:
    """Variance of a metric in each resample, from what each patient contributes to it, shape (draw,)."""
    # The metric itself moves in a resample, not its scaled contributions, so the scale is taken off again.
    size = np.bincount(patients.group)[patients.group]
    variance: Array = _resampled_variance((influence * np.sqrt((size - 1) / size))[None], patients, drawn)[0]
    return variance


def _bootstrap_t(value: float, resampled: Array, error: float, variance: Array) -> Interval:
    """The bootstrap-t interval on the scale of its arguments, see :func:`studentised_interval`."""
    valid = ~np.isnan(resampled) & (variance > NEGLIGIBLE)
    if error**2 < NEGLIGIBLE or valid.mean() < LEVEL:
        return Interval(value, value) if error**2 < NEGLIGIBLE else NO_INTERVAL
    low, high = np.quantile((resampled[valid] - value) / np.sqrt(variance[valid]), [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(value - high * error), float(value - low * error))


def _resampled_variance(contrast: Array, patients: Patients, drawn: Array) -> Array:
    """Variance, in each resample, of sums over patients of what they contribute, shape (row, draw)."""
    variance = np.zeros((len(contrast), drawn.shape[1]))
    for code in np.unique(patients.group):
        members = patients.group == code
        part, held = contrast[:, members], drawn[members]
        size, count = int(members.sum()), int(held[:, 0].sum())
        spread = part**2 @ held - (part @ held) ** 2 / count
        variance += spread * size**2 / (count * max(count - 1, 1))
    return np.maximum(variance, 0.0)


def _per_drawn(patients: Patients, drawn: Array) -> Array:
    """How many patients of its group each drawn one stands for, shape (patient,)."""
    sizes = np.bincount(patients.group)
    counts = np.bincount(patients.group, drawn[:, 0], minlength=len(sizes))
    stands: Array = (sizes / np.maximum(counts, 1))[patients.group]
    return stands


def _difference_error(
    sample: DeLong, truth: Array, first: Array, second: Array, stratum: NDArray[np.generic] | None
) -> tuple[float, float]:
    """Standard error of the difference of two areas, and its degrees of freedom."""
    parts = [float(((part[0] - part[1]) ** 2).sum()) for part in (sample.gains, sample.losses)]
    covariance = sample.covariance
    plain = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if np.isnan(plain) or plain < NEGLIGIBLE:
        return (plain if np.isnan(plain) else 0.0), float("nan")
    # The expected plain variance is main + 2 x single-pair part, so the truth is never below half of it.
    single = _single_pair_covariance(truth, [first, second], stratum_codes(stratum, len(truth)))
    excess = float(single[0, 0] + single[1, 1] - 2 * single[0, 1])
    error = float(np.sqrt(max(plain - excess, plain / 2)))
    freedom = sum(parts) ** 2 / sum(part**2 / df for part, df in zip(parts, sample.freedom, strict=True))
    return error, freedom


def _unanimous_p(sample: DeLong) -> Array:
    """The p of each difference of two areas if it has no variance, shape (prediction, prediction).

    A sign test on disjoint pairs where all strata agree on its sign, 1 where no stratum has a difference, NaN
    where they disagree: then the strata are too small to show the spread.
    """
    gap = sample.by_stratum[:, None] - sample.by_stratum
    signs = np.where(np.abs(gap) < NEGLIGIBLE**0.5, 0.0, np.sign(gap))
    agree = signs.min(axis=2, initial=1) == signs.max(axis=2, initial=-1)
    sign_test = np.where(signs.sum(axis=2) == 0, 1.0, min(1.0, 2 * 0.5**sample.disjoint_pairs))
    p: Array = np.where(agree, sign_test, np.nan)
    return p


def _mean_placements(positive: NDArray[np.bool_], score: Array, stratum: Codes) -> Array:
    placed: Array = np.mean([placements(positive, its, stratum) for its in np.atleast_2d(score)], axis=0)
    return placed


def _stratum_areas(positive: NDArray[np.bool_], placed: Array, stratum: Codes, rivals: Array) -> Array:
    """Area of each prediction in each stratum, shape (prediction, stratum); 0 where it has no pair."""
    pairs = np.bincount(stratum[positive], rivals[positive], minlength=int(stratum.max()) + 1)
    won = np.zeros((len(placed), len(pairs)))
    for row, its in enumerate(placed):
        won[row] = np.bincount(stratum[positive], its[positive], minlength=len(pairs))
    return won / np.maximum(pairs, 1)


def _sum_by(code: Codes, values: Array) -> Array:
    """Sums of the columns of ``values`` with the same code, shape (row, code)."""
    return np.array([np.bincount(code, row) for row in values])


def _disjoint_pairs(positive: NDArray[np.bool_], stratum: Codes, patient: Codes) -> int:
    return sum(
        min(len(np.unique(patient[here & positive])), len(np.unique(patient[here & ~positive])))
        for here in (stratum == code for code in np.unique(stratum))
    )


def _no_pairs(rows: int, patients: int) -> DeLong:
    nothing = np.full((rows, patients), np.nan)
    square = np.full((rows, rows), np.nan)
    return DeLong(np.full(rows, np.nan), nothing, nothing, square, (0, 0), 0, nothing[:, :0])


def _single_pair_covariance(truth: Array, scores: Sequence[Array], strata: Codes) -> Array:
    """Covariance of the areas that belongs to single pairs, beyond what either of their cases explains.

    Per stratum: the residual mean product of the pairs' scores after row and column means, times the pairs of
    the stratum, over the square of all pairs. Strata with one case in a class have no residual, and those
    with more than :data:`MOST_CORRECTED_PAIRS` need none. Shape (prediction, prediction).
    """
    total, pairs = np.zeros((len(scores),) * 2), 0
    for code in np.unique(strata):
        here = strata == code
        positive, negative = np.flatnonzero(here & (truth == 1)), np.flatnonzero(here & (truth != 1))
        size = len(positive) * len(negative)
        pairs += size
        if min(len(positive), len(negative)) < 2 or size > MOST_CORRECTED_PAIRS:
            continue
        residuals = np.array([_residual(_pair_scores(its, positive, negative)) for its in scores])
        total += size * (residuals @ residuals.T) / ((len(positive) - 1) * (len(negative) - 1))
    covariance: Array = total / max(pairs, 1) ** 2
    return covariance


def _residual(won: Array) -> Array:
    """What is left of a table after its row and column means, as one row."""
    left: Array = won - won.mean(axis=0) - won.mean(axis=1, keepdims=True) + won.mean()
    return left.ravel()


def _pair_scores(score: Array, positive: Codes, negative: Codes) -> Array:
    """1 where the positive case scores higher, 0.5 for a tie, mean over seeds, shape (positive, negative)."""
    rows = np.atleast_2d(score)
    won: Array = np.mean([(np.sign(its[positive][:, None] - its[negative]) + 1) / 2 for its in rows], axis=0)
    return won


def _normal_quantile() -> float:
    return NormalDist().inv_cdf(1 - ALPHA / 2)


def _student_quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - ALPHA / 2))


def _two_sided(statistic: float, freedom: float) -> float:
    from scipy.special import ndtr, stdtr

    tail = ndtr(-abs(statistic)) if np.isinf(freedom) else stdtr(freedom, -abs(statistic))
    return float(2 * tail)


def _expit(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
