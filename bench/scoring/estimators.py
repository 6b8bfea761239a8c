"""How uncertain a metric's values are, by the kind of interval that it declares: one row a kind.

The AUC has structural components; all other kinds have influence values of patients and the bootstrap.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.inference import (
    Difference,
    Interval,
    adjusted_p,
    auc_influence,
    auc_interval,
    jackknife_influence,
    mean_influence,
    seed_influence,
)
from bench.inference.intervals import studentised_differences
from bench.inference.metric_interval import INTERVALS, Measured
from bench.inference.multiplicity import areas_adjusted_p
from bench.metrics import Array, Metric, plain_calibration_error
from bench.metrics.metric import Resample
from bench.scoring.evidence import Evidence, Resamples
from bench.scoring.sample import Sample, context_of, seed_means, seed_values

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Estimator:
    """What makes the values of a metric uncertain, for one kind of interval.

    Parameters
    ----------
    title
        What the notes of a table call the interval.
    influence
        Influence value of each patient for each method's mean over seeds, shape (method, patient); the sum of
        squares is the variance, with the sample's ``variance_factor`` in it.
    errors
        Standard error of each fitted method's value, from the sample and its influence values, (method,).
    intervals
        Of each method's value, from resamples and influence values.
    differences
        Paired difference of the two methods of each pair, and its standard error.
    family_p
        p of differences adjusted for their family, those of ``contrasts``, shape (method, method).
    """

    title: str
    influence: Callable[[Metric, Sample], Array]
    errors: Callable[[Sample, Array], Array]
    intervals: Callable[[Resamples, Array], list[Interval]]
    differences: Callable[[Evidence, Pairs], list[tuple[Difference, float]]]
    family_p: Callable[[Evidence, Pairs | None, Sequence[float]], Array]


def estimator_of(metric: Metric) -> Estimator:
    """The row of the metric's interval."""
    return ESTIMATORS[metric.interval]


def _auc_influence(metric: Metric, sample: Sample) -> Array:
    return auc_influence(sample.areas.delong)


def _auc_errors(sample: Sample, influence: Array) -> Array:
    variance = sample.areas.delong.covariance.diagonal() / sample.variance_factor
    return np.where(variance > 0, np.sqrt(variance), np.nan)


def _auc_intervals(resamples: Resamples, influence: Array) -> list[Interval]:
    areas = resamples.sample.areas.delong
    return [auc_interval(areas, row) for row in range(len(areas.auc))]


def _auc_differences(evidence: Evidence, pairs: Pairs) -> list[tuple[Difference, float]]:
    return [evidence.sample.areas.difference(pair) for pair in pairs]


def _auc_family_p(evidence: Evidence, contrasts: Pairs | None, levels: Sequence[float]) -> Array:
    """With resamples of its own, from the same bootstrap."""
    return areas_adjusted_p(evidence.sample.areas, contrasts, evidence.resamples.bootstrap, levels)


def _influence(metric: Metric, sample: Sample, resampled: Resample | None = None) -> Array:
    """Deviations of the loss of cases for a mean over cases, else the jackknife of the resampled metric."""
    blocks, root = list(sample.predictions.values()), float(np.sqrt(sample.variance_factor))
    if metric.case_loss is not None:
        losses = np.array([metric.case_loss(sample.truth, rows).mean(axis=0) for rows in blocks])
        return root * mean_influence(losses, sample.patients)
    values, rows, known = resampled or metric.resampled, np.concatenate(blocks), context_of(metric, sample)
    return root * jackknife_influence(
        lambda weights: seed_means(values(sample.truth, rows, known, weights), sample), sample.patients
    )


def _errors(sample: Sample, influence: Array) -> Array:
    errors: Array = np.sqrt((influence**2).sum(axis=1) / sample.variance_factor)
    return errors if len(sample.patients.group) > 1 else np.full(len(influence), np.nan)


def _intervals(
    interval: Callable[[Measured], Interval], resamples: Resamples, influence: Array
) -> list[Interval]:
    metric, sample = resamples.metric, resamples.sample
    values = seed_values(metric, sample)
    seeds = seed_influence(list(values.values()), sample.numbered)
    return [
        interval(
            Measured(
                metric,
                float(said.mean()),
                sample.patients,
                truth=sample.truth,
                rows=sample.predictions[label],
                resampled=resamples.values.methods[row],
                influence=influence[row],
                drawn=resamples.drawn,
                factor=sample.variance_factor,
                seeds=seeds[row],
            )
        )
        for row, (label, said) in enumerate(values.items())
    ]


def _differences(evidence: Evidence, pairs: Pairs) -> list[tuple[Difference, float]]:
    """:func:`bench.inference.studentised_difference`, within the range of differences of the metric."""
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    values = evidence.oriented[first] - evidence.oriented[second]
    patients = evidence.chance.patients[first] - evidence.chance.patients[second]
    seeds = evidence.chance.seeds[first] - evidence.chance.seeds[second]
    resamples, (low, high) = evidence.resamples, evidence.metric.bounds
    drawing = (evidence.sample.patients, resamples.drawn, seeds, resamples.bootstrap.seed)
    found = studentised_differences(values, patients, *drawing)
    errors = np.sqrt((patients**2).sum(axis=1) + (seeds**2).sum(axis=1))
    return [
        (one._replace(interval=one.interval.within(low - high, high - low)), float(error))
        for one, error in zip(found, errors, strict=True)
    ]


def _family_p(evidence: Evidence, contrasts: Pairs | None, levels: Sequence[float]) -> Array:
    chance, resamples = evidence.chance, evidence.resamples
    return adjusted_p(
        evidence.oriented,
        chance.patients,
        evidence.sample.patients,
        resamples.drawn,
        contrasts,
        seeds=chance.seeds,
        seed=resamples.bootstrap.seed,
        levels=levels,
    )


_BY_RESAMPLING = {
    name: Estimator(
        title=kind.title,
        influence=_influence,
        errors=_errors,
        intervals=partial(_intervals, kind.interval),
        differences=_differences,
        family_p=_family_p,
    )
    for name, kind in INTERVALS.items()
}

ESTIMATORS: Mapping[str, Estimator] = {
    **_BY_RESAMPLING,
    # The correction for bias has a kink, where leaving one patient out is not informative.
    "calibration": replace(
        _BY_RESAMPLING["calibration"], influence=partial(_influence, resampled=plain_calibration_error)
    ),
    "delong": Estimator(
        title="DeLong's by patient on the logit scale",
        influence=_auc_influence,
        errors=_auc_errors,
        intervals=_auc_intervals,
        differences=_auc_differences,
        family_p=_auc_family_p,
    ),
}
