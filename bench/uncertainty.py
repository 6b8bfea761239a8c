"""How sure a score is: intervals, gains over the constant predictor and p of a sample.

Everything that a sample says of chance enters here and once: patients by their contributions, training cases
that folds share by its ``variance_factor``, training seeds by what each of them contributes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.inference import (
    ALPHA,
    NO_INTERVAL,
    DeLong,
    Difference,
    Interval,
    adjusted_p,
    area_adjusted_p,
    auc_difference,
    auc_difference_error,
    auc_influence,
    auc_interval,
    delong,
    jackknife_influence,
    mean_influence,
    percentile_interval,
    reach_factor,
    seed_influence,
)
from bench.inference.estimate import normal_quantile
from bench.intervals import FROM_CASES, bootstrap_difference, bootstrap_interval, widened
from bench.metrics import Array, Metric, plain_calibration_error
from bench.sample import NAN, Sample, beside, seed_means, seed_values

# Where the ceiling lies within a tenth of the way from the constant predictor to perfection (.05 of an AUC, a
# tenth of the constant's MAE), a share of that way is noise over noise and is not given.
LEAST_GAP = 0.1

NO_DIFFERENCE = Difference(NAN, NO_INTERVAL, NAN)

# The constant predictor's row among the methods; none of them can have this label.
CONSTANT = ""

ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Resampled:
    """The metric in the same resamples of patients: methods (method, draw), constant and ceiling (draw,)."""

    methods: Array
    constant: Array
    ceiling: Array | None


@dataclass(frozen=True, eq=False)
class Chance:
    """What each patient and each training seed contributes to each value, (row, patient) and (row, seed).

    The sum of the squares of both is the variance of a value.
    """

    patients: Array
    seeds: Array

    def between(self, first: int, second: int) -> tuple[Array, Array]:
        """The same of a difference, shapes (patient,) and (seed,)."""
        return self.patients[first] - self.patients[second], self.seeds[first] - self.seeds[second]


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


def with_constant(sample: Sample) -> Sample:
    """The sample with the constant predictor as its last method."""
    return replace(sample, predictions={**sample.predictions, CONSTANT: sample.constant[None]})


def areas_of(sample: Sample) -> DeLong:
    """Areas of all methods, with all that makes them uncertain."""
    rows, people = list(sample.predictions.values()), sample.patients.codes
    return delong(sample.truth, rows, sample.fold, people, sample.variance_factor, sample.numbered)


def chance_of(metric: Metric, sample: Sample) -> Chance:
    """What patients and training seeds contribute to each method's mean over seeds."""
    values = list(seed_values(metric, sample).values())
    return Chance(metric_influence(metric, sample), seed_influence(values, sample.numbered))


def metric_influence(metric: Metric, sample: Sample) -> Array:
    """What each patient contributes to each method's mean over seeds of a metric, shape (method, patient).

    Structural components for the AUC, the deviation from the mean for the MAE, else the jackknife; times the
    root of the sample's ``variance_factor``.
    """
    if metric.is_area:
        return auc_influence(areas_of(sample))
    blocks, root = list(sample.predictions.values()), float(np.sqrt(sample.variance_factor))
    if metric.name == "mae":
        losses = np.array([np.abs(sample.truth - rows).mean(axis=0) for rows in blocks])
        return root * mean_influence(losses, sample.patients)
    rows = np.concatenate(blocks)
    # The correction for bias has a kink, where leaving one patient out says nothing.
    resampled = plain_calibration_error if metric.interval == "calibration" else metric.resampled

    def value(weights: Array) -> Array:
        return seed_means(resampled(sample.truth, rows, beside(metric, sample), weights), sample)

    return root * jackknife_influence(value, sample.patients)


def intervals_of(
    metric: Metric, sample: Sample, resampled: Array, influence: Array, drawn: Array
) -> list[Interval]:
    """Interval of each method's value, of the kind that the metric declares; none with too few patients.

    Parameters
    ----------
    resampled, influence
        Of the methods of the sample, in order: shapes (method, draw) and (method, patient).
    drawn
        See :func:`bench.inference.draw_patients`.
    """
    if not sample.can_be_judged:
        return [NO_INTERVAL] * len(sample.predictions)
    if metric.is_area:
        areas = areas_of(sample)
        return [auc_interval(areas, row) for row in range(len(areas.auc))]
    values = seed_values(metric, sample)
    seeds = seed_influence(list(values.values()), sample.numbered)
    found = []
    for row, (label, said) in enumerate(values.items()):
        mean, rest = float(said.mean()), (sample.variance_factor, seeds[row])
        if metric.interval in FROM_CASES:
            given = (sample.truth, sample.predictions[label], sample.patients)
            found.append(FROM_CASES[metric.interval](metric, mean, *given, *rest))
        else:
            boot = (resampled[row], influence[row], sample.patients, drawn)
            found.append(bootstrap_interval(metric, mean, *boot, *rest))
    return found


def difference_of(
    metric: Metric,
    sample: Sample,
    oriented: Array,
    chance: Chance,
    pair: tuple[int, int],
    drawn: Array,
    seed: int,
) -> tuple[Difference, float]:
    """The paired difference of two methods with its one interval and p, and its standard error.

    By :func:`bench.inference.auc_difference` for the AUC, else
    :func:`bench.inference.studentised_difference`; within the range of differences of the metric. No interval
    with too few patients, nor where a patient cannot be left out.

    Parameters
    ----------
    oriented
        Values, higher is better, shape (method,).
    chance
        Of the same methods, those of the sample.
    pair
        Rows of the first and of the second method.
    drawn, seed
        Of the bootstrap.
    """
    value = float(oriented[pair[0]] - oriented[pair[1]])
    patients, seeds = chance.between(*pair)
    if not sample.can_be_judged or np.isnan(patients).any():
        return Difference(value, NO_INTERVAL, NAN), NAN
    if metric.is_area:
        (one, other), names = (list(sample.predictions.values())[row] for row in pair), sample.numbered
        people, seeds_of = sample.patients.codes, [names[row] for row in pair]
        given = (sample.truth, one, other, sample.fold, people, sample.variance_factor, seeds_of)
        return auc_difference(*given), auc_difference_error(*given)
    error = float(np.sqrt((patients**2).sum() + (seeds**2).sum()))
    return bootstrap_difference(metric, value, patients, sample.patients, drawn, seeds, seed), error


def family_p(
    metric: Metric,
    sample: Sample,
    oriented: Array,
    chance: Chance,
    drawn: Array,
    seed: int,
    contrasts: Sequence[tuple[int, int]] | None = None,
    levels: Sequence[float] = (ALPHA,),
) -> Array:
    """Two-sided p of differences between methods, adjusted for their family, shape (method, method).

    By :func:`bench.inference.area_adjusted_p` for the AUC, with as many resamples as were ``drawn`` (from the
    same seed), else by :func:`bench.inference.adjusted_p` of the same arguments.
    """
    if metric.is_area:
        rows, draws = list(sample.predictions.values()), drawn.shape[1]
        given = (sample.truth, rows, sample.fold, sample.patients, contrasts, draws, seed)
        return area_adjusted_p(*given, sample.variance_factor, sample.numbered, levels)
    return adjusted_p(
        oriented,
        chance.patients,
        sample.patients,
        drawn,
        contrasts,
        seeds=chance.seeds,
        seed=seed,
        levels=levels,
    )


def way_to(metric: Metric, sample: Sample, constant: float, ceiling: float) -> float:
    """The way from constant to ceiling, positive; NaN where it is too short to be a measure.

    That is where it is under :data:`LEAST_GAP`, and where patients do not separate ceiling from constant.
    """
    way = metric.sign * (ceiling - constant)
    if sample.ceiling is None or not way >= LEAST_GAP * abs(metric.best - constant) - ROUNDING:
        return NAN
    ends = {"ceiling": sample.ceiling[None], "constant": sample.constant[None]}
    error = metric_influence(metric, replace(sample, predictions=ends, variance_factor=1.0))
    return way if way > normal_quantile() * np.sqrt(((error[0] - error[1]) ** 2).sum()) else NAN


def recovered_share(
    metric: Metric, sample: Sample, gain: float, way: float, resampled: Resampled, row: int, seeds: Array
) -> tuple[float, Interval]:
    """Share of the way from constant to ceiling, with its paired interval; NaN where there is no way.

    Parameters
    ----------
    gain
        Of the method over the constant predictor, oriented.
    way
        As :func:`way_to` gives it.
    resampled, row
        Resamples, and the method's row in them.
    seeds
        What each training seed contributes to the method's value, shape (seed,).
    """
    if np.isnan(way) or resampled.ceiling is None:
        return NAN, NO_INTERVAL
    if not sample.can_be_judged:
        return gain / way, NO_INTERVAL
    # The few resamples without a way are infinitely far off, on the side of the method's gain.
    ways = np.maximum(metric.sign * (resampled.ceiling - resampled.constant), 1e-9)
    shares = metric.sign * (resampled.methods[row] - resampled.constant) / ways
    low, high = percentile_interval(shares)
    spread = (high - low) / (2 * normal_quantile())
    grown = reach_factor(spread**2, seeds / way, sample.variance_factor)
    return gain / way, widened(Interval(low, high), gain / way, grown)
