"""The interval of a metric's value, of the kind that the metric declares."""

import numpy as np

from bench.inference import (
    LEVEL,
    NO_INTERVAL,
    Difference,
    Interval,
    Patients,
    effective_patients,
    logit_interval,
    percentile_interval,
    root_interval,
    studentised_difference,
    studentised_interval,
    wilson_interval,
)
from bench.metrics import Array, Metric

TITLES = {
    "percentile": "percentiles of the bootstrap",
    "bootstrap_t": "bootstrap-t",
    "root_t": "bootstrap-t of the logarithm of the square",
    "logit": "normal on the logit scale, with the bootstrap's standard deviation",
    "wilson": "Wilson's by patient",
}
FROM_INFLUENCE = {"bootstrap_t": studentised_interval, "root_t": root_interval}


def share_interval(metric: Metric, value: float, truth: Array, rows: Array, patients: Patients) -> Interval:
    """Wilson's interval of a share; its cases count as the patients that they are worth.

    ``rows`` are the predictions of each seed, shape (seed, case), over which ``value`` is the mean. NaN for a
    single patient.
    """
    if metric.share_of is None or len(patients.group) < 2:
        return NO_INTERVAL
    held = [metric.share_of(truth, row).astype(np.intp) for row in rows]
    return wilson_interval(
        value, float(np.mean([effective_patients(its, patients.codes, 2)[1] for its in held]))
    )


def bootstrap_interval(
    metric: Metric, value: float, resampled: Array, influence: Array, patients: Patients, drawn: Array
) -> Interval:
    """95 % interval of a value by resampling; the area under the ROC curve and shares have their own.

    Parameters
    ----------
    metric
        Whose :attr:`bench.metrics.Metric.interval` says which.
    value, resampled
        The metric itself and in resamples, shape (draw,), NaN in those without a value.
    influence
        What each patient contributes, shape (patient,); only the kinds of :data:`FROM_INFLUENCE` look at it.
    patients, drawn
        See :func:`bench.inference.draw_patients`.

    Returns
    -------
    Interval
        Within the bounds of the metric. NaN for a single patient, where fewer than 95 % of the resamples have
        a value, and where all are at a bound, such as those of a perfect prediction.
    """
    valid = resampled[~np.isnan(resampled)]
    if len(patients.group) < 2 or len(valid) < LEVEL * len(resampled) or _at_a_bound(metric, value, valid):
        return NO_INTERVAL
    if metric.interval in FROM_INFLUENCE:
        found = FROM_INFLUENCE[metric.interval](value, resampled, influence, patients, drawn)
    else:
        found = logit_interval(value, valid) if metric.interval == "logit" else percentile_interval(valid)
    return found.within(*metric.bounds)


def bootstrap_difference(
    metric: Metric, value: float, influence: Array, patients: Patients, drawn: Array
) -> Difference:
    """:func:`bench.inference.studentised_difference` of two values of a metric, within its bounds."""
    low, high = metric.bounds
    found = studentised_difference(value, influence, patients, drawn)
    return found._replace(interval=found.interval.within(low - high, high - low))


def _at_a_bound(metric: Metric, value: float, resampled: Array) -> bool:
    """Whether value and resamples are all the lowest or the highest there is: their spread says nothing."""
    return value in metric.bounds and bool((resampled == value).all())
