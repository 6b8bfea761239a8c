"""The interval of a metric's value, of the kind that the metric declares: one row a kind."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from bench.inference.bootstrap import MIN_PATIENTS, Counts, Patients, effective_patients
from bench.inference.calibration import calibration_interval
from bench.inference.estimate import LEVEL, NO_INTERVAL, Interval, expit, normal_quantile
from bench.inference.intervals import (
    logit_interval,
    percentile_interval,
    reach_factor,
    root_interval,
    studentised_interval,
    wilson_interval,
)
from bench.metrics import Array, Metric

ROUNDING = 1e-9

nothing = partial(np.zeros, 0)


@dataclass(frozen=True, eq=False)
class Measured:
    """A metric's value on some cases, with what its interval is made of; each kind looks at its part.

    Parameters
    ----------
    metric, value
        The metric, and its value: the mean over the seeds.
    patients
        Who is resampled.
    truth, rows
        Labels, shape (case,), and predictions of each seed, shape (seed, case).
    resampled
        The metric in resamples, shape (draw,), NaN in those without a value.
    influence
        What each patient contributes, shape (patient,).
    drawn
        How often each resample holds each patient: see :func:`bench.inference.draw_patients`.
    factor, seeds
        As in :func:`bench.inference.reach_factor`.
    """

    metric: Metric
    value: float
    patients: Patients
    truth: Array = field(default_factory=nothing)
    rows: Array = field(default_factory=nothing)
    resampled: Array = field(default_factory=nothing)
    influence: Array = field(default_factory=nothing)
    drawn: Counts | Array = field(default_factory=nothing)
    factor: float = 1.0
    seeds: Array | None = None

    @property
    def valid(self) -> Array:
        """The resamples that have a value."""
        return self.resampled[~np.isnan(self.resampled)]

    @property
    def can_be_resampled(self) -> bool:
        """Whether the spread of the resamples is an estimate of the value's uncertainty.

        Not with fewer than :data:`bench.inference.MIN_PATIENTS` patients, where fewer than 95 % of the
        resamples have a value, and where all are at a bound, such as those of a perfect prediction.
        """
        valid, value = self.valid, self.value
        if len(self.patients.group) < MIN_PATIENTS or len(valid) < LEVEL * len(self.resampled):
            return False
        at_bound = any(math.isclose(value, bound, abs_tol=ROUNDING) for bound in self.metric.bounds)
        return not (at_bound and bool(np.allclose(valid, value, rtol=0, atol=ROUNDING)))


class Scale(NamedTuple):
    """A scale on which an interval is widened, its way back, and between which values it is defined."""

    there: Callable[[float], float] = float
    back: Callable[[float], float] = float
    low: float = -math.inf
    high: float = math.inf


def _logit(value: float) -> float:
    return math.log(value / (1 - value))


LINEAR = Scale()
LOGARITHM = Scale(math.log, math.exp, low=0)
LOGIT = Scale(_logit, expit, low=0, high=1)


def widened(interval: Interval, value: float, grown: float, scale: Scale = LINEAR) -> Interval:
    """The interval with its reach from the value multiplied, on a scale, or as it is outside that."""
    if not np.isfinite(grown):
        return NO_INTERVAL
    inside = all(scale.low < one < scale.high for one in (value, *interval))
    there, back = (scale.there, scale.back) if inside else (float, float)
    low, high = (back(there(value) + grown * (there(end) - there(value))) for end in interval)
    return Interval(low, high)


def percentiles(measured: Measured) -> Interval:
    """The percentiles of the resamples: :func:`bench.inference.percentile_interval`."""
    return _with_normal_quantile(measured, lambda: percentile_interval(measured.valid), LINEAR)


def logit_normal(measured: Measured) -> Interval:
    """Symmetric on the logit scale: :func:`bench.inference.logit_interval`."""
    return _with_normal_quantile(measured, lambda: logit_interval(measured.value, measured.valid), LOGIT)


def bootstrap_t(measured: Measured) -> Interval:
    """By the studentised resamples: :func:`bench.inference.studentised_interval`."""
    return _studentised(measured, studentised_interval, LINEAR)


def root_t(measured: Measured) -> Interval:
    """The same of the logarithm of the square: :func:`bench.inference.root_interval`."""
    return _studentised(measured, root_interval, LOGARITHM)


def share_interval(measured: Measured) -> Interval:
    """Wilson's interval of a share; its cases count as their effective number of patients.

    None where the share is of fewer than :data:`bench.inference.MIN_PATIENTS` patients.
    """
    metric, value = measured.metric, measured.value
    if metric.share_of is None:
        return NO_INTERVAL
    held = [metric.share_of(measured.truth, row).astype(np.intp) for row in measured.rows]
    codes = measured.patients.codes
    worth = float(np.mean([effective_patients(chosen, codes, 2)[1] for chosen in held]))
    if not worth > MIN_PATIENTS - ROUNDING:
        return NO_INTERVAL
    # At a share of 0 or 1 its variance is that of half a patient.
    inner = float(np.clip(value, 0.5 / worth, 1 - 0.5 / worth))
    grown = reach_factor(inner * (1 - inner) / worth, measured.seeds, measured.factor)
    return wilson_interval(value, worth / grown**2)


def gap_interval(measured: Measured) -> Interval:
    """:func:`bench.inference.calibration_interval`, wider by what seeds add."""
    value, patients = measured.value, measured.patients
    if len(patients.group) < MIN_PATIENTS:
        return NO_INTERVAL
    found = calibration_interval(value, measured.truth, measured.rows, patients, measured.factor)
    chance = (found.high - found.low) / (2 * normal_quantile())
    grown = reach_factor(chance**2, measured.seeds)
    return widened(found, value, grown).within(*measured.metric.bounds)


class Kind(NamedTuple):
    """A kind of interval: what the notes of a table call it, and how it is computed.

    Its interval lies within the bounds of the metric, and is NaN where the cases do not support one.
    """

    title: str
    interval: Callable[[Measured], Interval]


INTERVALS: Mapping[str, Kind] = {
    "percentile": Kind("percentiles of the bootstrap", percentiles),
    "bootstrap_t": Kind("bootstrap-t", bootstrap_t),
    "root_t": Kind("bootstrap-t of the logarithm of the square", root_t),
    "logit": Kind("normal on the logit scale, with the bootstrap's standard deviation", logit_normal),
    "wilson": Kind("Wilson's by patient", share_interval),
    "calibration": Kind("of the gaps of its bins, by patient", gap_interval),
}


def _with_normal_quantile(measured: Measured, found: Callable[[], Interval], scale: Scale) -> Interval:
    """An interval of the resamples whose quantile is the normal one, made as wide as Student's."""
    if not measured.can_be_resampled:
        return NO_INTERVAL
    count, variance = len(measured.patients.group), float(measured.valid.var())
    # Percentiles have a normal quantile and a variance over n (Hesterberg 2015, section 4.2.3).
    grown = reach_factor(variance, measured.seeds, measured.factor * count / (count - 1), count - 1)
    return widened(found(), measured.value, grown, scale).within(*measured.metric.bounds)


def _studentised(measured: Measured, interval: Callable[..., Interval], scale: Scale) -> Interval:
    """An interval of the resamples, each divided by its own standard error."""
    if not measured.can_be_resampled:
        return NO_INTERVAL
    value = measured.value
    found = interval(value, measured.resampled, measured.influence, measured.patients, measured.drawn)
    grown = reach_factor(float(measured.valid.var()), measured.seeds, measured.factor)
    return widened(found, value, grown, scale).within(*measured.metric.bounds)
