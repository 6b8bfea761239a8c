"""Methods by their value at the site where each does worst."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.inference import MIN_PATIENTS, Bootstrap
from bench.metrics import Metric
from bench.predictions.results import Results
from bench.scoring.sites import SiteScore, SiteScores, site_scores
from bench.task import Task


@dataclass(frozen=True)
class WorstSite:
    """One method on one task, at the site where its value is worst.

    Parameters
    ----------
    status
        ``ok``, or why the method has no worst site.
    site
        Value, interval and cases there; None where there is none.
    sites
        Names of the sites that count: :data:`bench.inference.MIN_PATIENTS` patients, of either class where
        there are classes, and a value with an interval. They are the same for all methods.
    left_out
        Names of the others.
    overall
        Value over all cases, NaN where there is none.
    rank
        1 + the number of methods whose interval at their worst site lies wholly beyond this one's; None
        without a worst site.
    """

    task: Task
    metric: Metric
    method: str
    status: str = "ok"
    site: SiteScore | None = None
    sites: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    overall: float = float("nan")
    rank: int | None = None


def worst_sites(results: Results, bootstrap: Bootstrap = Bootstrap()) -> tuple[WorstSite, ...]:
    """Tasks in their order; within a task the best value at the worst site first, missing ones last.

    Raises StoreError where predictions and truth contradict each other.
    """
    scores = site_scores(results, bootstrap)
    return tuple(
        row
        for task in results.tasks
        for row in _ranked([_worst(one) for one in scores if one.task.name == task.name])
    )


def _worst(scores: SiteScores) -> WorstSite:
    blank = WorstSite(scores.task, scores.metric, scores.method, scores.status)
    if scores.status != "ok":
        return blank
    kept = [site for site in scores.sites if counts(site)]
    names = tuple(site.site for site in kept)
    others = tuple(site.site for site in scores.sites if site.site not in names)
    overall = float("nan") if scores.overall is None else scores.overall.value
    blank = replace(blank, sites=names, left_out=others, overall=overall)
    if len(kept) < 2:
        return replace(blank, status=f"no value: {len(kept)} of {len(scores.sites)} sites count, expected 2")
    return replace(blank, site=min(kept, key=lambda site: scores.metric.sign * site.value))


def counts(site: SiteScore) -> bool:
    """Whether a site has patients enough, of either class where there are classes, and an interval.

    Examples
    --------
    >>> counts(SiteScore("A", n=40, positives=3, patients=40, positive_patients=3))
    False
    """
    ill = site.positive_patients
    rare = site.patients if ill is None else min(ill, site.patients - ill)
    return site.status == "ok" and rare >= MIN_PATIENTS and not np.isnan([site.value, *site.interval]).any()


def _ranked(rows: Sequence[WorstSite]) -> list[WorstSite]:
    """Ranks, and the order by value, then name."""
    placed = [(row, row.site) for row in rows if row.site is not None]
    found = [
        replace(row, rank=1 + sum(_beyond(row.metric, other, site) for _, other in placed))
        for row, site in placed
    ]
    found.sort(key=lambda row: (-row.metric.sign * row.site.value if row.site else 0.0, row.method))
    return [*found, *sorted((row for row in rows if row.site is None), key=lambda row: row.method)]


def _beyond(metric: Metric, one: SiteScore, other: SiteScore) -> bool:
    """Whether the interval of ``one`` lies wholly on the better side of the other's."""
    if metric.higher_is_better:
        return one.interval.low > other.interval.high
    return one.interval.high < other.interval.low
