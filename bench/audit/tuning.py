"""Searches of hyperparameters that ended at an edge, promised too much or had too few patients."""

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
from scipy.stats import ttest_1samp

from bench.audit.check import Check, Evidence, Found, NotApplicable
from bench.audit.subject import Subject
from bench.audit.tested import NO_RESULTS
from bench.inference import ALPHA
from bench.methods.search_space import Categorical, Dimension, Float
from bench.predictions.results import MethodResult, Results
from bench.predictions.thresholds import MIN_POSITIVES
from bench.tuning.overtuning import default_of, outer_score, tuned_methods, tuning_of
from bench.tuning.tune import tuning_parts

# Share of a range, on the scale that is searched, that counts as an end; and cells below which ends say
# nothing: one or two searches end there by chance.
END, FEWEST_CELLS = 0.05, 3


def _tuned(subject: Subject) -> list[MethodResult] | NotApplicable:
    """The tuned rows with finished cells."""
    if subject.results is None:
        return NO_RESULTS
    found = [method for method in tuned_methods(subject.results) if method.records]
    return found or NotApplicable("no method was tuned")


def _at_the_edge(subject: Subject) -> Found:
    tuned = _tuned(subject)
    if isinstance(tuned, NotApplicable):
        return tuned
    searched = [method for method in tuned if len(method.records) >= FEWEST_CELLS]
    if not searched:
        return NotApplicable(f"no method was tuned in {FEWEST_CELLS} cells")
    return [Evidence(f"{method.label}: {text}") for method in searched for text in _edges(method)]


def _edges(method: MethodResult) -> Iterator[str]:
    """Hyperparameters whose best value lies at one end of the range in more than half of the cells."""
    budget = tuning_of(method)
    for name, dimension in (budget.space if budget else {}).items():
        values = [record["tuning"]["params"][name] for record in method.records]
        ends = Counter(end for value in values if (end := end_of(dimension, value)))
        for end, cells in ends.items():
            if cells > len(values) / 2:
                yield f"the best {name} is at the {end} end of its range in {cells} of {len(values)} cells"


def end_of(dimension: Dimension, value: float) -> str:
    """``lower`` or ``upper`` where a value lies at that end of its range; empty where at neither."""
    if isinstance(dimension, Categorical):
        return ""
    scale = math.log if dimension.log else float
    low, high, found = (scale(number) for number in (dimension.low, dimension.high, value))
    margin = END * (high - low) if isinstance(dimension, Float) else 0.0
    return "lower" if found <= low + margin else "upper" if found >= high - margin else ""


def _overtuned(subject: Subject) -> Found:
    tuned = _tuned(subject)
    if isinstance(tuned, NotApplicable) or subject.results is None:
        return tuned if isinstance(tuned, NotApplicable) else NO_RESULTS
    results = subject.results
    pairs = [(method, default) for method in tuned if (default := default_of(method, results)) is not None]
    if not pairs:
        return NotApplicable("no row with the defaults stands beside a tuned one")
    return [
        Evidence(text) for method, default in pairs for text in _loss(method, default, results, len(pairs))
    ]


def _loss(method: MethodResult, default: MethodResult, results: Results, tests: int) -> Iterator[str]:
    """What tuning lost on the tested cases while it gained on those it looked at."""
    keys = [(record["identity"]["seed"], record["identity"]["fold"]) for record in method.records]
    gains = [outer_score(method, results, *key) - outer_score(default, results, *key) for key in keys]
    known = np.array([gain for gain in gains if not np.isnan(gain)])
    if len(known) < FEWEST_CELLS:
        return
    p = ttest_1samp(known, 0.0, alternative="less").pvalue if known.std() > 0 else float(known.mean() >= 0)
    if p * tests < ALPHA:
        yield (
            f"{method.label} is worse than its defaults on the tested cases by {-known.mean():.3f} of mean "
            f"skill in {len(known)} cells (p = {p:.1g})"
        )


def _few_positives(subject: Subject) -> Found:
    tuned = _tuned(subject)
    if isinstance(tuned, NotApplicable):
        return tuned
    inner_folds = {budget.inner_folds for method in tuned if (budget := tuning_of(method)) is not None}
    return [
        Evidence(text)
        for folds in sorted(inner_folds)
        for fold in subject.split.folds
        for text in _few_in(subject, fold.index, folds)
    ]


def _few_in(subject: Subject, fold: int, inner_folds: int) -> Iterator[str]:
    """Binary tasks with few patients of a class among those that the trials of a fold are evaluated on."""
    parts = tuning_parts(subject.cohort, subject.split, fold, inner_folds)
    cases = subject.cohort.table.loc[[case for part in parts for case in part.evaluated.case_ids]]
    for task in subject.binary_tasks:
        counts = cases.groupby(task.name)["patient_id"].nunique().reindex([0.0, 1.0], fill_value=0)
        if task.ranked and counts.min() < MIN_POSITIVES:
            yield (
                f"{task.name}, fold {fold}: trials are evaluated on {counts[1.0]} positive and {counts[0.0]} "
                f"negative patients, expected {MIN_POSITIVES} of each"
            )


CHECKS = (
    Check(
        "BA020",
        "Best hyperparameter at an end of its range",
        "In most cells the best value of a hyperparameter lies at an end of the range that was searched.",
        "A wider range would have served the method better, so the comparison is unfair to it.",
        "Widen the range in search_space and tune again.",
        "warn",
        _at_the_edge,
    ),
    Check(
        "BA021",
        "Tuning did harm",
        "A tuned method is worse on the tested cases than with its defaults.",
        "The search has fitted the few cases that trials are evaluated on.",
        "Tune with inner folds, with fewer trials, or report the defaults.",
        "warn",
        _overtuned,
    ),
    Check(
        "BA022",
        "Tuned on too few patients",
        f"Trials are evaluated on fewer than {MIN_POSITIVES} patients of a class.",
        "The best of many trials is then chosen by chance.",
        "Tune with --inner-folds, or with a larger validation share.",
        "warn",
        _few_positives,
    ),
)
