"""How sure a score is: intervals, gains over the constant predictor and p of a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.inference import (
    NO_INTERVAL,
    DeLong,
    Difference,
    Interval,
    Patients,
    adjusted_p,
    area_adjusted_p,
    auc_influence,
    auc_interval,
    auc_p,
    delong,
    jackknife_influence,
    mean_influence,
    percentile_interval,
)
from bench.intervals import FROM_INFLUENCE, bootstrap_difference, bootstrap_interval, share_interval
from bench.metrics import Array, Metric
from bench.sample import NAN, Sample, beside, seed_means

# Where the ceiling lies within a tenth of the way from the constant predictor to perfection (.05 of an AUC, a
# tenth of the constant's MAE), a share of that way is noise over noise and is not given.
LEAST_GAP = 0.1

NO_DIFFERENCE = Difference(NAN, NO_INTERVAL, NAN)

# The constant predictor's row among the methods; none of them can have this label.
CONSTANT = ""


@dataclass(frozen=True, eq=False)
class Resampled:
    """The metric in the same resamples of patients: methods (method, draw), constant and ceiling (draw,)."""

    methods: Array
    constant: Array
    ceiling: Array | None


def resample(metric: Metric, sample: Sample, drawn: Array) -> Resampled:
    """All methods, the constant and the ceiling in the same resamples, NaN in those without a value."""
    blocks = [*sample.predictions.values(), sample.constant[None]]
    blocks += [] if sample.ceiling is None else [sample.ceiling[None]]
    weights = drawn[sample.patients.codes]
    values = metric.resampled(sample.truth, np.concatenate(blocks), beside(metric, sample), weights)
    edges = np.cumsum([len(block) for block in blocks])[:-1]
    count = len(sample.predictions)
    means = [block.mean(axis=0) for block in np.split(values, edges)]
    ceiling = None if sample.ceiling is None else means[-1]
    return Resampled(np.array(means[:count]), means[count], ceiling)


def uncertainty(
    metric: Metric,
    sample: Sample,
    drawn: Array,
    resampled: Resampled,
    means: Mapping[str, float],
    constant: float,
) -> tuple[dict[str, tuple[Interval, Difference]], Array]:
    """Interval and gain of each method, and what patients add to its oriented value (method, patient)."""
    if metric.interval == "delong":
        scores = list(sample.predictions.values())
        areas = delong(sample.truth, scores, sample.fold, sample.patients.codes)
        return _area_uncertainty(areas, means), auc_influence(areas)
    influence = _influence_beside_constant(metric, sample)
    found = {}
    for its, redrawn, (label, mean) in zip(influence, resampled.methods, means.items(), strict=False):
        interval = interval_of(metric, sample, label, mean, redrawn, its, drawn)
        found[label] = interval, _gain(metric, mean - constant, its - influence[-1], sample.patients, drawn)
    return found, metric.sign * influence[:-1]


def interval_of(
    metric: Metric,
    sample: Sample,
    label: str,
    value: float,
    resampled: Array,
    influence: Array,
    drawn: Array,
) -> Interval:
    """The interval that a metric of a method declares, but for the AUC: see :mod:`bench.intervals`."""
    if metric.interval == "wilson":
        return share_interval(metric, value, sample.truth, sample.predictions[label], sample.patients)
    return bootstrap_interval(metric, value, resampled, influence, sample.patients, drawn)


def family_p(
    metric: Metric,
    sample: Sample,
    oriented: Array,
    influence: Array,
    drawn: Array,
    seed: int,
    contrasts: Sequence[tuple[int, int]] | None = None,
) -> Array:
    """Two-sided p of differences between methods, adjusted for their family, shape (method, method).

    By :func:`bench.inference.area_adjusted_p` for the AUC, with as many resamples as were ``drawn`` (from the
    same seed), else by :func:`bench.inference.adjusted_p` of the same arguments.
    """
    if metric.interval == "delong":
        rows, draws = list(sample.predictions.values()), drawn.shape[1]
        return area_adjusted_p(sample.truth, rows, sample.fold, sample.patients, contrasts, draws, seed)
    return adjusted_p(oriented, influence, sample.patients, drawn, contrasts)


def metric_influence(metric: Metric, sample: Sample) -> Array:
    """What each patient contributes to each method's mean over seeds of a metric, shape (method, patient).

    Structural components for the AUC, the deviation from the mean for the MAE, else the jackknife.
    """
    blocks = list(sample.predictions.values())
    if metric.interval == "delong":
        return auc_influence(delong(sample.truth, blocks, sample.fold, sample.patients.codes))
    if metric.name == "mae":
        losses = np.array([np.abs(sample.truth - rows).mean(axis=0) for rows in blocks])
        return mean_influence(losses, sample.patients)
    rows = np.concatenate(blocks)

    def value(weights: Array) -> Array:
        return seed_means(metric.resampled(sample.truth, rows, beside(metric, sample), weights), sample)

    return jackknife_influence(value, sample.patients)


def _influence_beside_constant(metric: Metric, sample: Sample) -> Array:
    """:func:`metric_influence` with the constant predictor in the last row; 0 where nothing asks for it."""
    if not metric.ranks and metric.interval not in FROM_INFLUENCE:
        return np.zeros((len(sample.predictions) + 1, len(sample.patients.group)))
    every = {**sample.predictions, CONSTANT: sample.constant[None]}
    return metric_influence(metric, replace(sample, predictions=every))


def _area_uncertainty(areas: DeLong, means: Mapping[str, float]) -> dict[str, tuple[Interval, Difference]]:
    """Interval of each area, and the same as a difference from the constant's 0.5."""
    found = {}
    for row, (label, mean) in enumerate(means.items()):
        low, high = auc_interval(areas, row)
        gain = Difference(mean - 0.5, Interval(low - 0.5, high - 0.5), auc_p(areas, row))
        found[label] = (Interval(low, high), gain)
    return found


def _gain(metric: Metric, difference: float, contrast: Array, patients: Patients, drawn: Array) -> Difference:
    """The paired difference from the constant predictor, oriented, from what each patient adds to it.

    No interval for a single patient, nor where a patient cannot be left out.
    """
    if not metric.ranks:
        return NO_DIFFERENCE
    if len(patients.group) < 2 or np.isnan(contrast).any():
        return Difference(metric.sign * difference, NO_INTERVAL, NAN)
    return bootstrap_difference(metric, metric.sign * difference, metric.sign * contrast, patients, drawn)


def recovered_share(
    metric: Metric, value: float, constant: float, ceiling: float, resampled: Resampled, row: int
) -> tuple[float, Interval]:
    """Share of the way from constant to ceiling, with its paired interval; NaN where the way is too short.

    That is where it is under :data:`LEAST_GAP`, and where resamples do not separate ceiling from constant.
    """
    gap = metric.sign * (ceiling - constant)
    if resampled.ceiling is None or not gap >= LEAST_GAP * abs(metric.best - constant):
        return NAN, NO_INTERVAL
    gaps = metric.sign * (resampled.ceiling - resampled.constant)
    if not percentile_interval(gaps).low > 0:
        return NAN, NO_INTERVAL
    # The few resamples without a gap are infinitely far off, on the side of the method's gain.
    gains = metric.sign * (resampled.methods[row] - resampled.constant)
    shares = gains / np.maximum(gaps, 1e-9)
    return (value - constant) / (ceiling - constant), percentile_interval(shares)
