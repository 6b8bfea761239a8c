"""Values that the site of a patient explains."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from bench.inference import ALPHA, auc_influence, delong
from bench.metrics import Array
from bench.predictions.results import Results
from bench.scoring.sample import Sample, fold_and_site, metric_of, sample_of, with_values
from bench.scoring.scores import Score
from bench.scoring.verdicts import is_better

# An AUC that falls by less within sites is not reported, however many cases show it.
MIN_FALL = 0.05


def explained_by_site(results: Results, scores: Sequence[Score]) -> tuple[Score, ...]:
    """The scores that are better than the baseline over all pairs and clearly lower within sites.

    Clearly: by :data:`MIN_FALL` or more, and significantly (one-sided, Bonferroni over the methods of the
    task). Pairs of cases of the same site cannot be told apart by the site. The AUC alone has pairs, so tasks
    with another metric are passed over.
    """
    found: list[Score] = []
    for task in results.tasks:
        mine = {score.method: score for score in scores if score.task.name == task.name and is_better(score)}
        metric = metric_of(results, task)
        if mine and metric.is_auc:
            sample = with_values(metric, sample_of(results, task))
            fallen = zip(sample.predictions, clearly_lower(sample), strict=True)
            found += [mine[label] for label, lower in fallen if lower and label in mine]
    return tuple(found)


def clearly_lower(sample: Sample) -> Array:
    """Of which methods the AUC within sites is clearly below that over all sites, shape (method,)."""
    rows = list(sample.predictions.values())
    every = delong(sample.truth, rows, sample.fold, sample.patients.codes)
    within = delong(sample.truth, rows, fold_and_site(sample), sample.patients.codes)
    fall = every.auc - within.auc
    contrast = auc_influence(every) - auc_influence(within)
    error = np.sqrt(sample.variance_factor * (contrast**2).sum(axis=1))
    most = NormalDist().inv_cdf(1 - ALPHA / len(rows))
    lower: Array = (fall >= MIN_FALL) & (fall > most * error)
    return lower
