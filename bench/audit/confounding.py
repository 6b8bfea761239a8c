"""Predictions that the site or the size of the lesion explains."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from bench.audit.chance import chance_error
from bench.audit.check import Check, Evidence, Found, NotApplicable
from bench.audit.subject import Subject
from bench.audit.tested import NO_RESULTS, Tested, tested_patients
from bench.metrics import Array, auc
from bench.predictions.results import Results
from bench.scoring.confounding import explained_by_site
from bench.scoring.sample import fold_and_site, metric_of, sample_of, seed_values
from bench.scoring.scores import Score

ONE_SITE = NotApplicable("the tested cases are of one site")
QUARTERS = 4
# Family-wise error of what is named below, and the least: an AUC of the site, and a gap of 15 points.
ERROR, TOLD, GAP = 0.01, 0.65, 0.15


def _explained_by_site(subject: Subject) -> Found:
    if subject.results is None:
        return NO_RESULTS
    if _tested_sites(subject.results) < 2:
        return ONE_SITE
    return _explained(subject.results, subject.scores, "within sites")


def _explained_by_size(subject: Subject) -> Found:
    if subject.results is None:
        return NO_RESULTS
    if not subject.cohort.has_volumes:
        return NotApplicable("the cohort has no images")
    volumes = pd.Series(subject.volumes, index=list(subject.cohort.case_ids))
    ranks = volumes.loc[list(subject.results.truth.index)].rank(pct=True)
    quarter = ranks.mul(QUARTERS).map(math.ceil)
    by_size = replace(
        subject.results, truth=subject.results.truth.assign(site=quarter.map("quarter {}".format))
    )
    return _explained(by_size, subject.scores, "within quarters of lesion volume")


def _explained(results: Results, scores: tuple[Score, ...], where: str) -> list[Evidence]:
    """Scores that fall clearly where cases are compared within sites, as ``results`` name them."""
    found = []
    for score in explained_by_site(results, scores):
        sample = sample_of(results, score.task)
        values = seed_values(metric_of(results, score.task), sample, fold_and_site(sample))
        within = float(np.mean(values[score.method]))
        found.append(
            Evidence(f"{score.method} on {score.task.name}: AUC {score.value:.3f}, {within:.3f} {where}")
        )
    return found


def _tested_sites(results: Results) -> int:
    return int(results.truth["site"].nunique())


def _site_from_predictions(subject: Subject) -> Found:
    if subject.results is None:
        return NO_RESULTS
    if _tested_sites(subject.results) < 2:
        return ONE_SITE
    tested = tested_patients(subject.results)
    pairs = sum(len(one.predictions) * len(one.site_names) for one in tested)
    return [
        Evidence(f"{label} on {one.task.name}: {text}")
        for one in tested
        for label, predicted in one.predictions.items()
        for text in _site_told(one, predicted, pairs)
    ]


def _site_told(one: Tested, predicted: Array, pairs: int) -> Iterator[str]:
    """The sites that predictions tell from the others, among patients of one fold with like labels."""
    strata = one.fold * QUARTERS + _like_labels(one)
    for code, name in enumerate(one.site_names):
        mine = (one.site == code).astype(float)
        told, error = auc(mine, predicted, strata), chance_error(mine, strata)
        size = max(told, 1 - told)
        if size >= TOLD and 2 * norm.sf((size - 0.5) / error) * pairs < ERROR:
            yield f"they tell site {name!r} with an AUC of {size:.2f} among patients with like labels"


def _like_labels(one: Tested) -> Array:
    """Class, or quarter of the values, from 0, of each patient."""
    if one.task.kind == "binary":
        return one.truth
    ranks = pd.Series(one.truth).rank(pct=True)
    quarters: Array = np.ceil(QUARTERS * ranks.to_numpy()) - 1
    return quarters


def _calibration_at_sites(subject: Subject) -> Found:
    if subject.results is None:
        return NO_RESULTS
    tested = [one for one in tested_patients(subject.results) if one.task.kind == "binary"]
    if not tested:
        return NotApplicable("no task has classes")
    pairs = sum(len(one.predictions) * len(one.site_names) for one in tested)
    return [
        Evidence(f"{label} on {one.task.name}: {text}")
        for one in tested
        for label, predicted in one.predictions.items()
        for text in _gaps(one, predicted, pairs)
    ]


def _gaps(one: Tested, predicted: Array, pairs: int) -> Iterator[str]:
    """Sites whose share of positive patients is not the mean probability, beyond what chance explains."""
    for code, name in enumerate(one.site_names):
        inside = one.site == code
        said, share = predicted[inside].mean(), one.truth[inside].mean()
        error = np.sqrt((predicted[inside] * (1 - predicted[inside])).sum()) / inside.sum()
        gap = abs(said - share)
        if gap >= GAP and 2 * norm.sf(gap / error if error else np.inf) * pairs < ERROR:
            yield f"mean probability {said:.2f} at site {name!r}, where {share:.2f} are positive"


CHECKS = (
    Check(
        "BA016",
        "Result explained by the site",
        "The AUC of a method falls clearly where patients of one site alone are compared.",
        "The method recognises the site, whose prevalence does the rest; elsewhere that is worth nothing.",
        "Report the value within sites; test on sites that were left out; balance or harmonise the sites.",
        "warn",
        _explained_by_site,
        cost="scores",
    ),
    Check(
        "BA017",
        "Predictions tell the site",
        "Among patients with like labels, the predictions of a method tell one site from the others.",
        "The method responds to the scanner, so its thresholds hold at the sites that it has learned from.",
        "Test on sites that were left out, and report calibration site by site.",
        "warn",
        _site_from_predictions,
    ),
    Check(
        "BA018",
        "Result explained by lesion size",
        "The AUC of a method falls clearly where lesions of like volume are compared.",
        "What the method adds to a ruler is less than its AUC says.",
        "Compare it with tumour_size on the same cases, and report the value within strata of volume.",
        "warn",
        _explained_by_size,
        cost="deep",
    ),
    Check(
        "BA019",
        "Calibration off at a site",
        "At a site, the mean probability of a method is far from the share of positive patients.",
        "Probabilities and thresholds that hold over all sites mislead there.",
        "Report calibration by site; recalibrate on cases of the site that are not tested.",
        "warn",
        _calibration_at_sites,
    ),
)
