"""Values that the site of a patient explains."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from bench.inference import ALPHA, auc_influence, delong
from bench.metrics import Array
from bench.sample import Results, Sample, fold_and_site, metric_of, sample_of, with_values
from bench.scores import Score
from bench.verdicts import is_better

# An area that falls by less within sites is not worth a word, however many cases show it.
LEAST_FALL = 0.05


def explained_by_site(results: Results, scores: Sequence[Score]) -> tuple[Score, ...]:
    """The scores that are better than the constant predictor over all pairs and clearly lower within sites.

    Clearly: by :data:`LEAST_FALL` or more, and significantly (one-sided, Bonferroni over the methods of the
    task). Pairs of cases of the same site cannot be told apart by the site. Areas alone have pairs, so tasks
    with another metric are passed over.
    """
    found: list[Score] = []
    for task in results.tasks:
        mine = {its.method: its for its in scores if its.task.name == task.name and is_better(its)}
        metric = metric_of(results, task)
        if mine and metric.is_area:
            sample = with_values(metric, sample_of(results, task))
            fallen = zip(sample.predictions, clearly_lower(sample), strict=True)
            found += [mine[label] for label, lower in fallen if lower and label in mine]
    return tuple(found)


def clearly_lower(sample: Sample) -> Array:
    """Of which methods the area within sites is clearly below that over all sites, shape (method,)."""
    rows = list(sample.predictions.values())
    every = delong(sample.truth, rows, sample.fold, sample.patients.codes)
    within = delong(sample.truth, rows, fold_and_site(sample), sample.patients.codes)
    fall = every.auc - within.auc
    contrast = auc_influence(every) - auc_influence(within)
    error = np.sqrt(sample.variance_factor * (contrast**2).sum(axis=1))
    most = NormalDist().inv_cdf(1 - ALPHA / len(rows))
    lower: Array = (fall >= LEAST_FALL) & (fall > most * error)
    return lower
