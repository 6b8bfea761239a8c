"""Curves of predicted probabilities: ROC, precision-recall, calibration and net benefit, with bands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.inference import ALPHA, Bootstrap, patients_of
from bench.metrics import (
    CALIBRATION_BINS,
    METRICS,
    Array,
    auc,
    average_precision,
    bin_shares,
    decision_curve,
)
from bench.metrics.curves import resampled_precision_recall, resampled_roc
from bench.metrics.metric import ratio
from bench.predictions.results import Results
from bench.scoring.sample import Sample, sample_of, with_values
from bench.scoring.seeds import on_shared_seeds
from bench.task import Task

# A band is read by eye: the edges from 200 resamples are uncertain by a tenth of its width.
BAND = Bootstrap(draws=200)

RATES = np.linspace(0, 1, 101)
# Outside this range net benefit is next to nothing, or its harm beyond any scale.
THRESHOLDS = np.linspace(0.01, 0.99, 99)
HISTOGRAM_EDGES = np.linspace(0, 1, 21)

Resampled = Callable[[Array, Array], Array]


@dataclass(frozen=True, eq=False)
class Band:
    """A curve with its pointwise 95 % band, all of shape (point,); the band is NaN with too few patients."""

    x: Array
    value: Array
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of one method on one binary task, each the mean over training seeds.

    Parameters
    ----------
    auc, average_precision
        The areas below the two curves that follow.
    roc
        Sensitivity by false-positive rate.
    precision_recall
        Precision by recall.
    calibration
        Share of positive cases by mean probability, in bins of equal mass.
    net_benefit
        Net benefit by threshold probability.
    histogram
        Cases by probability between :data:`HISTOGRAM_EDGES`, mean over seeds.
    """

    auc: float
    average_precision: float
    roc: Band
    precision_recall: Band
    calibration: Band
    net_benefit: Band
    histogram: Array


@dataclass(frozen=True, eq=False)
class TaskCurves:
    """The curves of every method with a value on one binary task.

    Parameters
    ----------
    prevalence
        Share of positive cases.
    treat_all
        Net benefit of treating every case, at :data:`THRESHOLDS`.
    methods
        By label, in the order of the results.
    """

    task: Task
    prevalence: float
    treat_all: Array
    methods: Mapping[str, Curves]


def curves_of(results: Results, bootstrap: Bootstrap = BAND) -> tuple[TaskCurves, ...]:
    """Curves of all methods on the binary tasks, on the cases that the board scores.

    Bands are percentiles of resamples of patients and hold for these fitted models. Raises
    StoreError where predictions and truth contradict each other.
    """
    shared = on_shared_seeds(results)
    area = METRICS["auc"]
    samples = [
        with_values(area, sample_of(shared, task, area)) for task in shared.tasks if task.kind == "binary"
    ]
    return tuple(_task_curves(sample, bootstrap) for sample in samples if sample.predictions)


def _task_curves(sample: Sample, bootstrap: Bootstrap) -> TaskCurves:
    # The area is about the order of the two classes; everything else depends on how many there are of each.
    by_class = bootstrap.drawn(sample.patients)[sample.patients.codes].astype(float)
    freely = bootstrap.drawn(patients_of(sample.patients.codes))[sample.patients.codes].astype(float)
    if not sample.can_be_tested:
        by_class = freely = np.empty((len(sample.truth), 0))
    return TaskCurves(
        sample.task,
        float((sample.truth == 1).mean()),
        decision_curve(sample.truth, np.ones(len(sample.truth)), THRESHOLDS),
        {label: _curves(sample, rows, by_class, freely) for label, rows in sample.predictions.items()},
    )


def _curves(sample: Sample, rows: Array, by_class: Array, freely: Array) -> Curves:
    truth, fold = sample.truth, sample.fold
    bins = [bin_shares(row) for row in rows]
    counts = np.mean([np.histogram(row, HISTOGRAM_EDGES)[0] for row in rows], axis=0)
    means = np.mean([shares @ row for shares, row in zip(bins, rows, strict=True)], axis=0)
    observed = _band(np.empty(CALIBRATION_BINS), np.array(bins), freely, lambda s, w: _observed(truth, s, w))
    return Curves(
        auc=float(np.mean([auc(truth, row, fold) for row in rows])),
        average_precision=float(np.mean([average_precision(truth, row, fold) for row in rows])),
        roc=_band(RATES, rows, by_class, lambda row, drawn: resampled_roc(truth, row, fold, drawn, RATES)),
        precision_recall=_band(
            RATES, rows, freely, lambda row, drawn: resampled_precision_recall(truth, row, fold, drawn, RATES)
        ),
        calibration=replace(observed, x=means / (len(truth) / CALIBRATION_BINS)),
        net_benefit=_band(THRESHOLDS, rows, freely, lambda row, drawn: _net_benefit(truth, row, drawn)),
        histogram=counts,
    )


def _band(x: Array, rows: Array, weights: Array, curve: Resampled) -> Band:
    """The mean over rows (seeds) of a curve, and the percentiles of that mean in resamples."""
    once = np.ones((weights.shape[0], 1))
    values = np.mean([curve(row, np.concatenate([once, weights], axis=1)) for row in rows], axis=0)
    value, resampled = values[:, 0], values[:, 1:]
    if not resampled.shape[1]:
        return Band(x, value, np.full_like(value, np.nan), np.full_like(value, np.nan))
    # The one that leaves NaN out takes one point after another, and most curves have none.
    quantiles = np.nanquantile if np.isnan(resampled).any() else np.quantile
    low, high = quantiles(resampled, [ALPHA / 2, 1 - ALPHA / 2], axis=1)
    return Band(x, value, low, high)


def _observed(truth: Array, shares: Array, weights: Array) -> Array:
    """Share of positive cases in each bin in each resample, shape (bin, draw); bins as on all cases."""
    return ratio(shares @ (truth[:, None] * weights), shares @ weights)


def _net_benefit(truth: Array, probability: Array, weights: Array) -> Array:
    """Net benefit at each of :data:`THRESHOLDS` in each resample, shape (threshold, draw)."""
    treated = probability >= THRESHOLDS[:, None]
    worth = np.where(truth == 1, 1.0, -(THRESHOLDS / (1 - THRESHOLDS))[:, None])
    benefit: Array = (treated * worth) @ weights / weights.sum(axis=0)
    return benefit
