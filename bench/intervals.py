"""The interval of a metric's value, of the kind that the metric declares."""

import numpy as np

from bench.inference import (
    NO_INTERVAL,
    Interval,
    Patients,
    effective_patients,
    logit_interval,
    percentile_interval,
    root_interval,
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
        The metric itself and in resamples, shape (draw,), those without a value (NaN) left out.
    influence
        What each patient contributes, shape (patient,); only the kinds of :data:`FROM_INFLUENCE` look at it.
    patients, drawn
        See :func:`bench.inference.draw_patients`.

    Returns
    -------
    Interval
        NaN for a single patient.
    """
    if len(patients.group) < 2:
        return NO_INTERVAL
    if metric.interval in FROM_INFLUENCE:
        return FROM_INFLUENCE[metric.interval](value, resampled, influence, patients, drawn)
    valid = resampled[~np.isnan(resampled)]
    return logit_interval(value, valid) if metric.interval == "logit" else percentile_interval(valid)
