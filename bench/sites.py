"""Methods site by site: value, interval and cases, and how far sites differ beyond sampling error."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cohorts.cohort import Task
from bench.inference import (
    DRAW_SEED,
    DRAWS,
    NO_INTERVAL,
    Interval,
    draw_patients,
    patients_of,
)
from bench.metrics import Array, Metric
from bench.scores import NAN, Results, Sample, beside, intervals_of, metric_influence, metric_of, sample_of
from bench.uncertainty import areas_of

# With one case in a class the area of a site has no variance, and says next to nothing.
FEWEST_IN_CLASS = 2

# Two sites give a spread one degree of freedom: its estimate is then mostly 0 or far too large.
FEWEST_SITES = 3


class Spread(NamedTuple):
    """How far the true values of sites differ: a random-effects model.

    ``tau`` is the standard deviation between sites beyond sampling error, ``share`` the I-squared (the share
    of the observed variance that is no sampling error), ``sites`` the number of sites that entered.
    """

    tau: float
    share: float
    sites: int


NO_SPREAD = Spread(NAN, NAN, 0)


@dataclass(frozen=True)
class SiteScore:
    """One method at one site; numbers are NaN where there is none, with the reason in ``status``.

    ``error`` is the standard error of the fitted models' value, from which sites are told apart; ``patients``
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
        :func:`between_sites`, on the logit scale for the AUC, in the task's unit for other metrics.
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
    spread: Spread = NO_SPREAD

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value of a site; NaN where none has one."""
        values = [its.value for its in self.sites if not np.isnan(its.value)]
        return (min(values), max(values)) if values else (NAN, NAN)


def site_scores(results: Results, draws: int = DRAWS, seed: int = DRAW_SEED) -> tuple[SiteScores, ...]:
    """Every method on every task, site by site, on the cases that all of them share.

    ``draws`` and ``seed`` are those of the bootstrap. Raises StoreError where predictions and truth
    contradict each other.
    """
    return tuple(
        its
        for task in results.tasks
        for sample in [sample_of(results, task)]
        for its in _task_sites(results, sample, draws, seed)
    )


def between_sites(values: Array, errors: Array) -> Spread:
    r"""Spread of true values between sites by the moments of DerSimonian & Laird (1986).

    .. math:: \hat\tau^2 = \max\Big(0, \frac{Q - (k - 1)}{\sum w - \sum w^2 / \sum w}\Big), \quad
              Q = \sum_j w_j (y_j - \bar y_w)^2, \quad w_j = 1 / s_j^2, \quad
              I^2 = \max(0, 1 - (k - 1) / Q)

    It assumes independent sites, known standard errors and normal estimates, which for an AUC holds best on
    the logit scale (Snell et al. 2018; Debray et al. 2017). Few sites leave it very uncertain.

    Parameters
    ----------
    values, errors
        Estimate and standard error of each site, shape (site,); those without a positive error are left out.

    Returns
    -------
    Spread
        ``tau`` and ``share`` NaN with fewer than :data:`FEWEST_SITES` sites.
    """
    usable = np.isfinite(values) & (errors > 0) & np.isfinite(errors)
    count = int(usable.sum())
    if count < FEWEST_SITES:
        return Spread(NAN, NAN, count)
    weight = 1 / errors[usable] ** 2
    mean = (weight * values[usable]).sum() / weight.sum()
    heterogeneity = float((weight * (values[usable] - mean) ** 2).sum())
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    excess = max(0.0, heterogeneity - (count - 1))
    share = excess / heterogeneity if heterogeneity > 0 else 0.0
    return Spread(float(np.sqrt(excess / scale)), share, count)


def _task_sites(results: Results, sample: Sample, draws: int, seed: int) -> list[SiteScores]:
    metric = metric_of(results, sample.task)
    blank = [
        SiteScores(sample.task, metric, its.label, sample.statuses.get(its.label, "ok"))
        for its in results.methods
    ]
    if not sample.predictions:
        return blank
    parts = [_part(metric, sample, sample.site == code) for code in range(len(sample.site_names))]
    columns = [
        _scores_at(name, metric, part, draws, seed)
        for name, part in zip(sample.site_names, parts, strict=True)
    ]
    overall = _scores_at("all sites", metric, sample, draws, seed)
    within = _scores_at("within sites", metric, _stratified_by_site(sample), draws, seed)
    rows = {
        label: _with_spread(
            SiteScores(
                sample.task,
                metric,
                label,
                sites=tuple(column[row] for column in columns),
                within=within[row] if metric.is_area else None,
                overall=overall[row],
                pooled=_pooled(metric, sample, label),
            )
        )
        for row, label in enumerate(sample.predictions)
    }
    return [rows.get(its.method, its) for its in blank]


def _part(metric: Metric, sample: Sample, chosen: NDArray[np.bool_]) -> Sample:
    """The sample's cases at one site."""
    truth = sample.truth[chosen]
    label = truth if metric.by_label else None
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


def _scores_at(name: str, metric: Metric, sample: Sample, draws: int, seed: int) -> list[SiteScore]:
    """Value, interval and standard error of every method on these cases."""
    binary = sample.task.kind == "binary"
    positives = int((sample.truth == 1).sum()) if binary else None
    blank = SiteScore(name, len(sample.truth), positives, *sample.people)
    if positives is not None and min(positives, blank.n - positives) < FEWEST_IN_CLASS:
        classes = f"{positives} positive and {blank.n - positives} negative"
        reason = f"no value: {classes} cases, expected {FEWEST_IN_CLASS} of each"
        return [replace(blank, status=reason)] * len(sample.predictions)
    if metric.is_area:
        return _areas(blank, metric, sample)
    return _bootstrapped(blank, metric, sample, draws, seed)


def _areas(blank: SiteScore, metric: Metric, sample: Sample) -> list[SiteScore]:
    areas = areas_of(sample)
    if areas.disjoint_pairs == 0:
        return [replace(blank, status="no value: no fold has both classes")] * len(areas.auc)
    none, root = np.zeros((len(areas.auc), 1)), np.sqrt(sample.variance_factor)
    errors = np.sqrt(areas.covariance.diagonal()) / root
    intervals = intervals_of(metric, sample, none, none, none)
    return [
        replace(blank, value=float(value), interval=interval, error=float(error) if error > 0 else NAN)
        for value, interval, error in zip(areas.auc, intervals, errors, strict=True)
    ]


def _bootstrapped(blank: SiteScore, metric: Metric, sample: Sample, draws: int, seed: int) -> list[SiteScore]:
    drawn = draw_patients(sample.patients, draws, seed)
    influence, known = metric_influence(metric, sample), beside(metric, sample)
    weights = drawn[sample.patients.codes]
    resampled = [
        metric.resampled(sample.truth, said, known, weights).mean(axis=0)
        for said in sample.predictions.values()
    ]
    intervals = intervals_of(metric, sample, np.array(resampled), influence, drawn)
    single = len(sample.patients.group) < 2
    found = []
    for row, said in enumerate(sample.predictions.values()):
        value = float(np.mean([metric.value(sample.truth, rows, known) for rows in said]))
        error = NAN if single else float(np.sqrt((influence[row] ** 2).sum() / sample.variance_factor))
        found.append(replace(blank, value=value, interval=intervals[row], error=error))
    return found


def _pooled(metric: Metric, sample: Sample, label: str) -> float:
    if metric.name != "auc":
        return NAN
    return float(np.mean([metric.value(sample.truth, its, None) for its in sample.predictions[label]]))


def _with_spread(scores: SiteScores) -> SiteScores:
    """The worst site, and the spread between sites."""
    valued = [its for its in scores.sites if not np.isnan(its.value)]
    worst = min(valued, key=lambda its: scores.metric.sign * its.value).site if len(valued) > 1 else ""
    return replace(scores, worst=worst, spread=_spread(scores.metric, valued))


def _spread(metric: Metric, sites: Sequence[SiteScore]) -> Spread:
    values, errors = np.array([its.value for its in sites]), np.array([its.error for its in sites])
    if metric.is_area:
        with np.errstate(divide="ignore", invalid="ignore"):
            values, errors = np.log(values / (1 - values)), errors / (values * (1 - values))
    return between_sites(values, errors)
