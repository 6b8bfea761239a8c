"""Intervals of one value and of one difference, from resamples of patients."""

import math

import numpy as np

from bench.inference.bootstrap import (
    DRAW_SEED,
    JUST_ABOVE,
    MAX_DRAWS,
    Counts,
    Patients,
    metric_variance,
    resamples,
    seed_freedom,
    studentised,
    undecided,
)
from bench.inference.estimate import (
    ALPHA,
    LEVEL,
    NEGLIGIBLE,
    NO_INTERVAL,
    Difference,
    Interval,
    expit,
    normal_quantile,
    satterthwaite,
    student_quantile,
)
from bench.metrics import Array


def percentile_interval(resampled: Array) -> Interval:
    """95 % percentile interval (Efron & Tibshirani 1993, chapter 13) of values of shape (draw,).

    Resamples without a value (NaN) are left out; NaN where none has one.
    """
    valid = resampled[~np.isnan(resampled)]
    if not len(valid):
        return NO_INTERVAL
    low, high = np.quantile(valid, [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(low), float(high))


def studentised_interval(
    value: float, resampled: Array, influence: Array, patients: Patients, drawn: Counts | Array
) -> Interval:
    r"""95 % bootstrap-t interval (Efron & Tibshirani 1993, section 12.5), its two tails equal.

    .. math:: [\hat\theta - q_{.975}\,\hat\sigma,\; \hat\theta - q_{.025}\,\hat\sigma], \quad
              t^* = (\hat\theta^* - \hat\theta) / \hat\sigma^*

    with the quantiles of :math:`t^*`. The standard error of a resample is that of its patients' contributions
    (linearisation), so no second bootstrap is needed.

    Parameters
    ----------
    value
        The metric itself.
    resampled
        The metric in resamples of patients, shape (draw,); those without a value (NaN) are left out.
    influence
        Influence value of each patient, shape (patient,), see :func:`jackknife_influence`.
    patients, drawn
        Who was resampled, and how often: see :func:`draw_patients`.

    Returns
    -------
    Interval
        NaN where fewer than 95 % of the resamples have a value and a standard error.
    """
    error = float(np.sqrt((influence**2).sum()))
    return _bootstrap_t(value, resampled, error, metric_variance(influence, patients, drawn))


def root_interval(
    value: float, resampled: Array, influence: Array, patients: Patients, drawn: Counts | Array
) -> Interval:
    r"""95 % interval of the root of a mean of squares: the bootstrap-t of the logarithm of that mean.

    .. math:: t^* = (\log m^* - \log m) / (\hat\sigma_m^* / m^*), \quad m = \hat\theta^2

    A mean of squares is skewed even where the errors are not, and its logarithm less so. Arguments and result
    as for :func:`studentised_interval`, ``influence`` that of the root; NaN also where a limit is beyond all
    numbers.
    """
    if value**2 < NEGLIGIBLE:
        return Interval(value, value)
    squares = np.where(resampled > 0, resampled, np.nan) ** 2
    error = 2 * float(np.sqrt((influence**2).sum())) / value
    variance = metric_variance(2 * value * influence, patients, drawn) / squares**2
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
    reach = normal_quantile() * float(np.log(inner / (1 - inner)).std(ddof=1))
    middle = math.log(value / (1 - value))
    return Interval(expit(middle - reach), expit(middle + reach))


def wilson_interval(share: float, n: float) -> Interval:
    """95 % interval of a share of ``n`` independent patients (Wilson 1927); NaN for none."""
    if not n > 0:
        return NO_INTERVAL
    square = normal_quantile() ** 2
    centre = (share + square / (2 * n)) / (1 + square / n)
    reach = np.sqrt(square * (share * (1 - share) / n + square / (4 * n**2))) / (1 + square / n)
    return Interval(max(0.0, float(centre - reach)), min(1.0, float(centre + reach)))


def studentised_difference(
    value: float,
    influence: Array,
    patients: Patients,
    drawn: Counts | Array,
    seeds: Array | None = None,
    seed: int = DRAW_SEED,
) -> Difference:
    """A paired difference with its bootstrap-t interval and p, both from the absolute statistic.

    The interval is symmetric (Hall 1988) and excludes 0 exactly where p is below .05. For a family of one,
    :func:`adjusted_p` is this p, and resamples are added as there. Where all patients agree on a difference
    the interval is NaN and p that of a sign test; equal predictions have p = 1.

    Parameters
    ----------
    value
        The difference.
    influence
        What each patient contributes to it, shape (patient,).
    patients, drawn, seed
        As in :func:`adjusted_p`.
    seeds
        What each training seed contributes to it, shape (seed,); nothing if left out.
    """
    turned = np.zeros(1) if seeds is None else seeds
    given = (np.array([value]), influence[None], patients, drawn, turned[None], seed)
    return studentised_differences(*given)[0]


def studentised_differences(
    values: Array,
    influence: Array,
    patients: Patients,
    drawn: Counts | Array,
    seeds: Array,
    seed: int = DRAW_SEED,
) -> list[Difference]:
    """:func:`studentised_difference` of several differences, each for itself, from the same resamples.

    Parameters
    ----------
    values, influence, seeds
        The differences, shape (row,), and what each patient and each training seed contributes to them,
        shapes (row, patient) and (row, seed).
    patients, drawn, seed
        As in :func:`adjusted_p`.
    """
    errors = np.sqrt((influence**2).sum(axis=1) + (seeds**2).sum(axis=1))
    open_rows = np.flatnonzero(~(errors**2 < NEGLIGIBLE))
    tests = {row: _Test(abs(values[row]) / errors[row]) for row in open_rows.tolist()}
    blocks = resamples(patients, drawn, seed, seeds.shape[1]) if len(open_rows) else ()
    for held, numbers in blocks:
        null = studentised(influence[open_rows], patients, held, seeds[open_rows], numbers)
        for row, added in zip(open_rows.tolist(), null, strict=True):
            tests[row].add(added)
        open_rows = np.array([row for row in open_rows.tolist() if tests[row].is_open], dtype=np.intp)
        if not len(open_rows):
            break
    count = len(patients.group)
    return [
        tests[row].difference(value, error) if row in tests else _unanimous(value, count)
        for row, (value, error) in enumerate(zip(values.tolist(), errors.tolist(), strict=True))
    ]


def _unanimous(value: float, patients: int) -> Difference:
    """A difference on which all patients agree."""
    if value**2 < NEGLIGIBLE:
        return Difference(value, Interval(value, value), 1.0)
    return Difference(value, NO_INTERVAL, min(1.0, 2 * 0.5**patients))


class _Test:
    """One difference, with as many absolute statistics of resamples as decide its p; the largest are kept."""

    def __init__(self, observed: float) -> None:
        self.observed, self.reached, self.draws = observed, 0, 0
        self.largest = np.zeros(0)

    def add(self, null: Array) -> None:
        """Take the statistics of a block of resamples, shape (draw,)."""
        self.reached += int((null >= self.observed).sum())
        self.draws += len(null)
        found = np.concatenate([self.largest, null])
        most = int(ALPHA * (MAX_DRAWS + len(null))) + 2
        self.largest = np.partition(found, len(found) - most)[-most:] if len(found) > most else found

    @property
    def p(self) -> float:
        """Share of resamples that reach the difference."""
        return (self.reached + 1) / (self.draws + 1)

    @property
    def is_open(self) -> bool:
        """Whether the resamples leave it on either side of 5 %."""
        found = undecided(np.array([self.p]), np.array([self.draws]), (ALPHA,))
        return not np.isnan(found[0])

    def difference(self, value: float, error: float) -> Difference:
        """The difference with its interval and p."""
        interval = self._symmetric(value, error)
        if not self.is_open:
            return Difference(value, interval, self.p)
        # Neither side of 5 %: not separable, so the interval reaches 0.
        low, high = interval
        return Difference(value, Interval(min(low, 0.0), max(high, 0.0)), ALPHA * JUST_ABOVE)

    def _symmetric(self, value: float, error: float) -> Interval:
        """The value and as much on either side as the 95 % quantile of the statistics."""
        rank = max(int(ALPHA * (self.draws + 1) + 1e-9), 1)
        place = len(self.largest) - rank
        reach = float(np.partition(self.largest, place)[place]) * error
        return Interval(value - reach, value + reach) if np.isfinite(reach) else NO_INTERVAL


def reach_factor(
    patients: float, seeds: Array | None = None, factor: float = 1.0, freedom: float = math.inf
) -> float:
    r"""By what the reach of a fitted method's interval grows with what that leaves out.

    .. math:: \sqrt{f + s^2 / v} \; t_{.975} / z_{.975}

    with Satterthwaite's degrees of freedom for the sum.

    Parameters
    ----------
    patients
        Variance v over patients.
    seeds
        What each training seed contributes, shape (seed,), see :func:`seed_influence`; s^2 is its square.
    factor
        By what the variance over patients is multiplied for training cases that folds share.
    freedom
        Degrees of freedom of the variance over patients.
    """
    chance = 0.0 if seeds is None else float((seeds**2).sum())
    total = factor * patients + chance
    if not patients > NEGLIGIBLE or not np.isfinite(total):
        return 1.0 if chance < NEGLIGIBLE else math.inf
    parts = [(factor * patients, freedom), (chance, 1 if seeds is None else seed_freedom(seeds))]
    quantile = student_quantile(satterthwaite(parts))
    return math.sqrt(total / patients) * quantile / normal_quantile()


def _bootstrap_t(value: float, resampled: Array, error: float, variance: Array) -> Interval:
    """The bootstrap-t interval on the scale of its arguments, see :func:`studentised_interval`."""
    valid = ~np.isnan(resampled) & (variance > NEGLIGIBLE)
    if error**2 < NEGLIGIBLE or valid.mean() < LEVEL:
        return Interval(value, value) if error**2 < NEGLIGIBLE else NO_INTERVAL
    low, high = np.quantile((resampled[valid] - value) / np.sqrt(variance[valid]), [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(value - high * error), float(value - low * error))
