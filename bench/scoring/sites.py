"""Methods site by site: value, interval and cases, and how far sites differ beyond sampling error."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.inference import (
    NO_INTERVAL,
    Bootstrap,
    Interval,
    patients_of,
)
from bench.inference.estimate import expit
from bench.inference.heterogeneity import NO_HETEROGENEITY, Heterogeneity, between_sites
from bench.metrics import Metric
from bench.metrics.metric import NAN
from bench.predictions.results import Results
from bench.scoring.estimators import estimator_of
from bench.scoring.evidence import Resamples
from bench.scoring.sample import Sample, metric_of, sample_of, seed_values
from bench.scoring.seeds import on_shared_seeds
from bench.scoring.uncertainty import intervals_of, metric_influence
from bench.task import Task

# With one case in a class the AUC of a site has no variance and is hardly informative.
MIN_IN_CLASS = 2


@dataclass(frozen=True)
class SiteScore:
    """One method at one site; numbers are NaN where there is none, with the reason in ``status``.

    ``error`` is the standard error of the fitted models' value, by which sites are compared; ``patients``
    are those of the cases, ``positive_patients`` those with a positive case (None for a continuous task).
    """

    site: str
    n: int
    positives: int | None
    patients: int = 0
    positive_patients: int | None = None
    value: float = NAN
    interval: Interval = NO_INTERVAL
    error: float = NAN
    status: str = "ok"


@dataclass(frozen=True)
class SiteScores:
    """One method on one task, site by site.

    Parameters
    ----------
    status
        ``ok``, or why the method has no value on this task.
    sites
        In the order of their names.
    within
        Over pairs of cases of the same fold and site (AUC alone).
    overall
        Over all cases, as on the board: pairs of cases of the same fold.
    pooled
        Over all pairs, comparing scores of different folds (AUC alone).
    worst
        Name of the site with the worst value; empty where fewer than two have one.
    spread
        :func:`between_sites`, on the logit scale for the AUC, in the task's unit for other metrics;
        ``new_site`` is on the scale of the metric.
    """

    task: Task
    metric: Metric
    method: str
    status: str = "ok"
    sites: tuple[SiteScore, ...] = ()
    within: SiteScore | None = None
    overall: SiteScore | None = None
    pooled: float = NAN
    worst: str = ""
    spread: Heterogeneity = NO_HETEROGENEITY

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value of a site; NaN where none has one."""
        values = [site.value for site in self.sites if not np.isnan(site.value)]
        return (min(values), max(values)) if values else (NAN, NAN)


def site_scores(results: Results, bootstrap: Bootstrap = Bootstrap()) -> tuple[SiteScores, ...]:
    """Every method on every task, site by site, on the cases that all of them share.

    Raises StoreError where predictions and truth
    contradict each other.
    """
    results = on_shared_seeds(results)
    return tuple(
        scores
        for task in results.tasks
        for sample in [sample_of(results, task)]
        for scores in _task_sites(results, sample, bootstrap)
    )


def _task_sites(results: Results, sample: Sample, bootstrap: Bootstrap) -> list[SiteScores]:
    metric = metric_of(results, sample.task)
    blank = [
        SiteScores(sample.task, metric, method.label, sample.statuses.get(method.label, "ok"))
        for method in results.methods
    ]
    if not sample.predictions:
        return blank
    parts = [_part(metric, sample, sample.site == code) for code in range(len(sample.site_names))]
    columns = [
        _scores_at(name, metric, part, bootstrap) for name, part in zip(sample.site_names, parts, strict=True)
    ]
    overall = _scores_at("all sites", metric, sample, bootstrap)
    within = _scores_at("within sites", metric, _stratified_by_site(sample), bootstrap)
    rows = {
        label: _with_spread(
            SiteScores(
                sample.task,
                metric,
                label,
                sites=tuple(column[row] for column in columns),
                within=within[row] if metric.is_auc else None,
                overall=overall[row],
                pooled=_pooled(metric, sample, label),
            )
        )
        for row, label in enumerate(sample.predictions)
    }
    return [rows.get(row.method, row) for row in blank]


def _part(metric: Metric, sample: Sample, chosen: NDArray[np.bool_]) -> Sample:
    """The sample's cases at one site."""
    truth = sample.truth[chosen]
    label = truth if metric.stratify_by_class else None
    return replace(
        sample,
        truth=truth,
        fold=sample.fold[chosen],
        site=sample.site[chosen],
        patients=patients_of(sample.patients.codes[chosen], label),
        predictions={name: rows[:, chosen] for name, rows in sample.predictions.items()},
        constant=sample.constant[chosen],
        ceiling=None if sample.ceiling is None else sample.ceiling[chosen],
    )


def _stratified_by_site(sample: Sample) -> Sample:
    """The sample with a stratum for each fold and site."""
    strata: NDArray[np.intp] = sample.fold * len(sample.site_names) + sample.site
    return replace(sample, fold=strata)


def _scores_at(name: str, metric: Metric, sample: Sample, bootstrap: Bootstrap) -> list[SiteScore]:
    """Value, interval and standard error of every method on these cases."""
    binary = sample.task.kind == "binary"
    positives = int((sample.truth == 1).sum()) if binary else None
    blank = SiteScore(name, len(sample.truth), positives, *sample.people)
    if positives is not None and min(positives, blank.n - positives) < MIN_IN_CLASS:
        classes = f"{positives} positive and {blank.n - positives} negative"
        reason = f"no value: {classes} cases, expected {MIN_IN_CLASS} of each"
        return [replace(blank, status=reason)] * len(sample.predictions)
    means = np.array([said.mean() for said in seed_values(metric, sample).values()])
    if metric.is_auc and np.isnan(means).all():
        return [replace(blank, status="no value: no fold has both classes")] * len(means)
    influence = metric_influence(metric, sample)
    errors = estimator_of(metric).errors(sample, influence)
    intervals = intervals_of(Resamples(metric, sample, bootstrap), influence)
    return [
        replace(blank, value=float(value), interval=interval, error=float(error))
        for value, interval, error in zip(means, intervals, errors, strict=True)
    ]


def _pooled(metric: Metric, sample: Sample, label: str) -> float:
    if not metric.is_auc:
        return NAN
    return float(np.mean([metric.value(sample.truth, rows, None) for rows in sample.predictions[label]]))


def _with_spread(scores: SiteScores) -> SiteScores:
    """The worst site, and the spread between sites."""
    valued = [site for site in scores.sites if not np.isnan(site.value)]
    worst = min(valued, key=lambda site: scores.metric.sign * site.value).site if len(valued) > 1 else ""
    return replace(scores, worst=worst, spread=_spread(scores.metric, valued))


def _spread(metric: Metric, sites: Sequence[SiteScore]) -> Heterogeneity:
    values, errors = np.array([site.value for site in sites]), np.array([site.error for site in sites])
    if metric.is_auc:
        with np.errstate(divide="ignore", invalid="ignore"):
            values, errors = np.log(values / (1 - values)), errors / (values * (1 - values))
    found = between_sites(values, errors)
    if not metric.is_auc:
        low, high = metric.bounds
        return found._replace(new_site=found.new_site.within(low, high))
    return found._replace(new_site=Interval(expit(found.new_site.low), expit(found.new_site.high)))
