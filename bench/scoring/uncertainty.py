"""How sure a score is: intervals, gains over the baseline and p of a sample.

Everything that a sample says of chance enters here and once: patients by their contributions, training cases
that folds share by its ``variance_factor``, training seeds by what each of them contributes.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.inference import (
    ALPHA,
    NO_INTERVAL,
    Difference,
    Interval,
    percentile_interval,
    reach_factor,
    seed_influence,
)
from bench.inference.estimate import normal_quantile
from bench.inference.metric_interval import widened
from bench.metrics import Array, Metric
from bench.metrics.metric import NAN
from bench.scoring.estimators import estimator_of
from bench.scoring.evidence import Chance, Evidence, Resamples
from bench.scoring.sample import Sample, seed_values

# Where the oracle lies within a tenth of the way from the baseline to perfection (.05 of an AUC, a
# tenth of the baseline's MAE), a fraction of that way is noise over noise and is not given.
MIN_GAP = 0.1

NO_DIFFERENCE = Difference(NAN, NO_INTERVAL, NAN)

# The baseline's row among the methods; none of them can have this label.
CONSTANT = ""

ROUNDING = 1e-12


def with_constant(sample: Sample) -> Sample:
    """The sample with the baseline as its last method."""
    return replace(sample, predictions={**sample.predictions, CONSTANT: sample.constant[None]})


def chance_of(metric: Metric, sample: Sample) -> Chance:
    """What patients and training seeds contribute to each method's mean over seeds."""
    values = list(seed_values(metric, sample).values())
    return Chance(metric_influence(metric, sample), seed_influence(values, sample.numbered))


def metric_influence(metric: Metric, sample: Sample) -> Array:
    """Influence value of each patient for each method's mean over seeds, shape (method, patient)."""
    return estimator_of(metric).influence(metric, sample)


def intervals_of(resamples: Resamples, influence: Array) -> list[Interval]:
    """Interval of each method's value, of the kind that the metric declares; none with too few patients.

    ``influence`` are the influence values of the same methods, shape (method, patient).
    """
    if not resamples.sample.can_be_tested:
        return [NO_INTERVAL] * len(resamples.sample.predictions)
    return estimator_of(resamples.metric).intervals(resamples, influence)


def differences_of(evidence: Evidence, pairs: Sequence[tuple[int, int]]) -> list[tuple[Difference, float]]:
    """The paired difference of each pair of methods with its one interval and p, and its standard error.

    No interval with too few patients, nor where a patient cannot be left out. ``pairs`` are the rows of two
    methods each.
    """
    known = set(np.flatnonzero(~np.isnan(evidence.chance.patients).any(axis=1)).tolist())
    tested = [pair for pair in pairs if evidence.sample.can_be_tested and known.issuperset(pair)]
    found = estimator_of(evidence.metric).differences(evidence, tested) if tested else []
    of_pair = dict(zip(tested, found, strict=True))
    return [of_pair.get(pair, _untested(evidence, pair)) for pair in pairs]


def _untested(evidence: Evidence, pair: tuple[int, int]) -> tuple[Difference, float]:
    value = float(evidence.oriented[pair[0]] - evidence.oriented[pair[1]])
    return Difference(value, NO_INTERVAL, NAN), NAN


def family_p(
    evidence: Evidence,
    contrasts: Sequence[tuple[int, int]] | None = None,
    levels: Sequence[float] = (ALPHA,),
) -> Array:
    """Two-sided p of differences between methods, adjusted for their family, shape (method, method).

    The family are all pairs, or the ``contrasts``; see :func:`bench.inference.adjusted_p`.
    """
    return estimator_of(evidence.metric).family_p(evidence, contrasts, levels)


def way_to_oracle(metric: Metric, sample: Sample, constant: float, ceiling: float) -> float:
    """By how much the oracle is better than the baseline; NaN where that is too little to be a measure.

    That is where it is under :data:`MIN_GAP`, and where patients do not separate the two. ``constant`` and
    ``ceiling`` are the metric of the baseline and of the oracle.
    """
    way = metric.sign * (ceiling - constant)
    if sample.ceiling is None or not way >= MIN_GAP * abs(metric.best - constant) - ROUNDING:
        return NAN
    ends = {"ceiling": sample.ceiling[None], "constant": sample.constant[None]}
    error = metric_influence(metric, replace(sample, predictions=ends, variance_factor=1.0))
    return way if way > normal_quantile() * np.sqrt(((error[0] - error[1]) ** 2).sum()) else NAN


def oracle_skill_of(evidence: Evidence, row: int, way: float) -> tuple[float, Interval]:
    """A method's improvement over the baseline as a fraction of the oracle's, with its paired interval.

    Parameters
    ----------
    evidence, row
        Methods with the baseline as the last one, and which of them.
    way
        The oracle's improvement, as :func:`way_to_oracle` gives it; NaN leaves none.
    """
    metric, sample, resampled = evidence.metric, evidence.sample, evidence.resamples.values
    if np.isnan(way) or resampled.ceiling is None:
        return NAN, NO_INTERVAL
    skill = float(evidence.oriented[row] - evidence.oriented[-1]) / way
    if not sample.can_be_tested:
        return skill, NO_INTERVAL
    # The few resamples without a way are infinitely far off, on the side of the method's gain.
    ways = np.maximum(metric.sign * (resampled.ceiling - resampled.constant), 1e-9)
    low, high = percentile_interval(metric.sign * (resampled.methods[row] - resampled.constant) / ways)
    spread = (high - low) / (2 * normal_quantile())
    grown = reach_factor(spread**2, evidence.chance.seeds[row] / way, sample.variance_factor)
    return skill, widened(Interval(low, high), skill, grown)
