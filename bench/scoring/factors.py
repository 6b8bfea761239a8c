"""How much of the differences between rows each factor of a full design explains, and in which direction.

The value of each combination of levels is a metric, averaged over training seeds, on the same cases. The sum
of squares over all combinations falls apart into main effects, interactions of two factors and the rest (a
balanced analysis of variance); shares are of the total. Resamples of patients change all values together, so
each resample has shares and effects of its own, and their percentiles are the intervals. Noise of few
patients counts in every share, the more so in those of interactions, which have more terms: shares of a
design without any effect are not 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.inference import ALPHA, Bootstrap, Interval
from bench.metrics import Array, Metric
from bench.predictions.results import Results
from bench.scoring.sample import Sample, context_of, metric_of, sample_of, seed_means
from bench.scoring.worst_site import worst_sites
from bench.task import Task

REST = "rest"


@dataclass(frozen=True)
class Share:
    """Share of the variance between rows that a factor, or the interaction of two, explains, 0 to 1."""

    source: str
    value: float
    interval: Interval


@dataclass(frozen=True)
class Effect:
    """What a level changes against the first one of its factor, at equal levels of the others.

    Parameters
    ----------
    value
        Mean over all rows with the level.
    worst_site
        Mean of these rows' values at the site where each does worst; NaN where a row has none.
    better_by
        Mean paired difference, positive where the level is better than the first one; 0 for the first.
    """

    factor: str
    level: str
    value: float
    worst_site: float
    better_by: float
    interval: Interval


@dataclass(frozen=True)
class FactorScores:
    """Shares and effects on one task; ``status`` says why there are none."""

    task: Task
    metric: Metric
    status: str = "ok"
    shares: tuple[Share, ...] = ()
    effects: tuple[Effect, ...] = ()


def factor_scores(
    results: Results,
    factors: Mapping[str, Sequence[str]],
    rows: Mapping[tuple[str, ...], str],
    bootstrap: Bootstrap = Bootstrap(),
) -> tuple[FactorScores, ...]:
    """Shares and effects of every ranked task.

    Parameters
    ----------
    factors
        Levels of each factor.
    rows
        Label of the row of each combination of levels; every combination has one.
    """
    worst = {(row.task.name, row.method): row.site for row in worst_sites(results, bootstrap)}
    found = []
    for task in results.tasks:
        if task.ranked:
            sites = {label: worst.get((task.name, label)) for label in rows.values()}
            values = {label: np.nan if site is None else site.value for label, site in sites.items()}
            found.append(_on_task(results, task, factors, rows, values, bootstrap))
    return tuple(found)


def _on_task(
    results: Results,
    task: Task,
    factors: Mapping[str, Sequence[str]],
    rows: Mapping[tuple[str, ...], str],
    worst: Mapping[str, float],
    bootstrap: Bootstrap,
) -> FactorScores:
    metric = metric_of(results, task)
    sample = sample_of(results, task, metric)
    lacking = [label for label in rows.values() if label not in sample.predictions]
    if lacking:
        why = sample.statuses.get(lacking[0], "no result")
        return FactorScores(task, metric, f"{len(lacking)} rows lack a value; {lacking[0]}: {why}")
    if not sample.can_be_tested:
        return FactorScores(task, metric, "too few patients")
    shape = tuple(len(levels) for levels in factors.values())
    labels = [rows[levels] for levels in _grid(factors)]
    table = _values(metric, sample, labels, bootstrap).reshape(*shape, -1)
    return FactorScores(
        task,
        metric,
        shares=_shares(table, tuple(factors)),
        effects=_effects(table, factors, metric, np.array([worst[label] for label in labels]).reshape(shape)),
    )


def _grid(factors: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    grid: list[tuple[str, ...]] = [()]
    for levels in factors.values():
        grid = [(*before, level) for before in grid for level in levels]
    return grid


def _values(metric: Metric, sample: Sample, labels: Sequence[str], bootstrap: Bootstrap) -> Array:
    """Value of each row on the cases as they are, then in each resample, shape (row, 1 + draw)."""
    drawn = bootstrap.drawn(sample.patients)[sample.patients.codes].astype(float)
    weights = np.column_stack([np.ones(len(sample.truth)), drawn])
    predictions = np.concatenate(list(sample.predictions.values()))
    found = metric.resampled(sample.truth, predictions, context_of(metric, sample), weights)
    means = dict(zip(sample.predictions, seed_means(found, sample), strict=True))
    return np.stack([means[label] for label in labels])


def variance_shares(table: Array) -> dict[tuple[int, ...], Array]:
    """Share of the sum of squares of each factor and pair of factors, by their places, and of the rest: ().

    Parameters
    ----------
    table
        One axis for each factor, then any number of draws.

    Returns
    -------
    dict
        Arrays of shape (draw,), which add up to 1; NaN where all combinations have one value.
    """
    places = range(table.ndim - 1)
    centred = table - table.mean(axis=tuple(places), keepdims=True)
    total = np.square(centred).mean(axis=tuple(places))
    total = np.where(total > 0, total, np.nan)
    effects: dict[tuple[int, ...], Array] = {}
    for size in (1, 2):
        for chosen in combinations(places, size):
            others = tuple(place for place in places if place not in chosen)
            effect = centred.mean(axis=others, keepdims=True)
            for at in chosen if size == 2 else ():
                effect = effect - effects[(at,)]
            effects[chosen] = effect
    shares = {
        chosen: np.square(effect).mean(axis=tuple(places)) / total for chosen, effect in effects.items()
    }
    shares[()] = np.maximum(1 - sum(shares.values()), 0.0)
    return shares


def _shares(table: Array, names: Sequence[str]) -> tuple[Share, ...]:
    found = []
    for chosen, drawn in variance_shares(table).items():
        if chosen or len(names) > 2:
            source = " x ".join(names[place] for place in chosen) or REST
            found.append(Share(source, float(drawn[0]), _percentiles(drawn[1:])))
    return tuple(found)


def _effects(
    table: Array, factors: Mapping[str, Sequence[str]], metric: Metric, worst: Array
) -> tuple[Effect, ...]:
    found = []
    for place, (factor, levels) in enumerate(factors.items()):
        others = tuple(at for at in range(len(factors)) if at != place)
        means, at_worst = table.mean(axis=others), worst.mean(axis=others)
        for at, level in enumerate(levels):
            better = metric.sign * (means[at] - means[0])
            interval = _percentiles(better[1:])
            value, least = float(means[at][0]), float(at_worst[at])
            found.append(Effect(factor, level, value, least, float(better[0]), interval))
    return tuple(found)


def _percentiles(drawn: Array) -> Interval:
    low, high = np.nanquantile(drawn, [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(low), float(high))
