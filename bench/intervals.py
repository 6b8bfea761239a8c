"""The interval of a metric's value, of the kind that the metric declares."""

import math

import numpy as np

from bench.inference import (
    DRAW_SEED,
    FEWEST_PATIENTS,
    LEVEL,
    NO_INTERVAL,
    Difference,
    Interval,
    Patients,
    calibration_interval,
    effective_patients,
    logit_interval,
    percentile_interval,
    reach_factor,
    root_interval,
    studentised_difference,
    studentised_interval,
    wilson_interval,
)
from bench.inference.estimate import expit, normal_quantile
from bench.metrics import Array, Metric

TITLES = {
    "percentile": "percentiles of the bootstrap",
    "bootstrap_t": "bootstrap-t",
    "root_t": "bootstrap-t of the logarithm of the square",
    "logit": "normal on the logit scale, with the bootstrap's standard deviation",
    "wilson": "Wilson's by patient",
    "calibration": "of the gaps of its bins, by patient",
}

ROUNDING = 1e-9

FROM_INFLUENCE = {"bootstrap_t": studentised_interval, "root_t": root_interval}


def share_interval(
    metric: Metric,
    value: float,
    truth: Array,
    rows: Array,
    patients: Patients,
    factor: float = 1.0,
    seeds: Array | None = None,
) -> Interval:
    """Wilson's interval of a share; its cases count as the patients that they are worth.

    ``rows`` are the predictions of each seed, shape (seed, case), over which ``value`` is the mean;
    ``factor`` and ``seeds`` as in :func:`bench.inference.reach_factor`. None where the share is of fewer than
    :data:`bench.inference.FEWEST_PATIENTS` patients.
    """
    if metric.share_of is None:
        return NO_INTERVAL
    held = [metric.share_of(truth, row).astype(np.intp) for row in rows]
    worth = float(np.mean([effective_patients(chosen, patients.codes, 2)[1] for chosen in held]))
    if not worth > FEWEST_PATIENTS - ROUNDING:
        return NO_INTERVAL
    # At a share of 0 or 1 its variance is that of half a patient.
    inner = float(np.clip(value, 0.5 / worth, 1 - 0.5 / worth))
    return wilson_interval(value, worth / reach_factor(inner * (1 - inner) / worth, seeds, factor) ** 2)


def gap_interval(
    metric: Metric,
    value: float,
    truth: Array,
    rows: Array,
    patients: Patients,
    factor: float = 1.0,
    seeds: Array | None = None,
) -> Interval:
    """:func:`bench.inference.calibration_interval`, wider by what seeds add; see :func:`share_interval`."""
    if len(patients.group) < FEWEST_PATIENTS:
        return NO_INTERVAL
    found = calibration_interval(value, truth, rows, patients, factor)
    chance = (found.high - found.low) / (2 * normal_quantile())
    return widened(found, value, reach_factor(chance**2, seeds)).within(*metric.bounds)


# Made of the cases themselves rather than of resamples.
FROM_CASES = {"wilson": share_interval, "calibration": gap_interval}


def bootstrap_interval(
    metric: Metric,
    value: float,
    resampled: Array,
    influence: Array,
    patients: Patients,
    drawn: Array,
    factor: float = 1.0,
    seeds: Array | None = None,
) -> Interval:
    """95 % interval of a value by resampling; the kinds of :data:`FROM_CASES` and DeLong's are not.

    Parameters
    ----------
    metric
        Whose :attr:`bench.metrics.Metric.interval` says which.
    value, resampled
        The metric itself and in resamples, shape (draw,), NaN in those without a value.
    influence
        What each patient contributes, shape (patient,), in any unit; only the kinds of
        :data:`FROM_INFLUENCE` look at it.
    patients, drawn
        See :func:`bench.inference.draw_patients`.
    factor, seeds
        As in :func:`bench.inference.reach_factor`.

    Returns
    -------
    Interval
        Within the bounds of the metric. NaN with fewer than :data:`bench.inference.FEWEST_PATIENTS` patients,
        where fewer than 95 % of the resamples have a value, and where all are at a bound, such as those of a
        perfect prediction.
    """
    valid, count = resampled[~np.isnan(resampled)], len(patients.group)
    if count < FEWEST_PATIENTS or len(valid) < LEVEL * len(resampled) or _at_a_bound(metric, value, valid):
        return NO_INTERVAL
    kind, variance = metric.interval, float(valid.var())
    if kind in FROM_INFLUENCE:
        found = FROM_INFLUENCE[kind](value, resampled, influence, patients, drawn)
        grown = reach_factor(variance, seeds, factor)
    else:
        found = logit_interval(value, valid) if kind == "logit" else percentile_interval(valid)
        # Percentiles have a normal quantile and a variance over n (Hesterberg 2015, section 4.2.3).
        grown = reach_factor(variance, seeds, factor * count / (count - 1), count - 1)
    return widened(found, value, grown, kind).within(*metric.bounds)


def widened(interval: Interval, value: float, grown: float, kind: str = "") -> Interval:
    """The interval with its reach from the value multiplied, on the scale of its kind."""
    if not np.isfinite(grown):
        return NO_INTERVAL
    inner = kind == "logit" and all(0 < its < 1 for its in (value, *interval))
    above = kind == "root_t" and all(its > 0 for its in (value, *interval))
    there, back = (_logit, expit) if inner else (math.log, math.exp) if above else (float, float)
    low, high = (back(there(value) + grown * (there(end) - there(value))) for end in interval)
    return Interval(low, high)


def bootstrap_difference(
    metric: Metric,
    value: float,
    influence: Array,
    patients: Patients,
    drawn: Array,
    seeds: Array | None = None,
    seed: int = DRAW_SEED,
) -> Difference:
    """:func:`bench.inference.studentised_difference` of two values of a metric, within its bounds."""
    low, high = metric.bounds
    found = studentised_difference(value, influence, patients, drawn, seeds, seed)
    return found._replace(interval=found.interval.within(low - high, high - low))


def _logit(value: float) -> float:
    return math.log(value / (1 - value))


def _at_a_bound(metric: Metric, value: float, resampled: Array) -> bool:
    """Whether value and resamples are all the lowest or the highest there is: their spread says nothing."""
    at_bound = any(math.isclose(value, bound, abs_tol=ROUNDING) for bound in metric.bounds)
    return at_bound and bool(np.allclose(resampled, value, rtol=0, atol=ROUNDING))
