"""What was done to a table of features with all cases at hand, test cases among them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.stats import chi2, mannwhitneyu, spearmanr

from bench.audit.check import Check, Evidence, Found, NotApplicable
from bench.audit.copies import NO_FEATURES, numeric_features
from bench.audit.subject import Subject
from bench.task import Task

# Features among which one that says nothing of the label is expected, and the p that all of them reach.
FEWEST_FEATURES, ASSOCIATED = 8, 0.05
# Chance of a false alarm over all tests of site means, directions that are compared, and cases a direction.
ERROR, MOST_DIRECTIONS, CASES_A_DIRECTION = 1e-3, 30, 10
Floats = NDArray[np.float64]


def _selected(subject: Subject) -> Found:
    table = numeric_features(subject)
    if table is None:
        return NO_FEATURES
    if table.shape[1] < FEWEST_FEATURES:
        return NotApplicable(f"fewer than {FEWEST_FEATURES} features")
    return [Evidence(text) for task in subject.cohort.tasks for text in _all_associated(subject, table, task)]


def _all_associated(subject: Subject, table: pd.DataFrame, task: Task) -> Iterator[str]:
    """The task, where not one feature lacks an association with its label."""
    labels = subject.cohort.labels(task.name)
    known = subject.first_of_patient & ~np.isnan(labels)
    values, labels = table.to_numpy(dtype=float)[known], labels[known]
    if len(np.unique(labels)) < 2:
        return
    if task.kind == "binary":
        ps = mannwhitneyu(values[labels == 1], values[labels == 0], axis=0).pvalue
    else:
        ps = np.array([spearmanr(column, labels).pvalue for column in values.T])
    if np.nanmax(ps) < ASSOCIATED:
        yield (
            f"each of the {table.shape[1]} features is associated with {task.name} in all cases (p at most "
            f"{np.nanmax(ps):.2g}), as after a selection by that label"
        )


def _harmonised(subject: Subject) -> Found:
    table = numeric_features(subject)
    if table is None:
        return NO_FEATURES
    sites = subject.cohort.sites[subject.first_of_patient]
    if len(set(sites)) < 2:
        return NotApplicable("there is one site")
    values = table.to_numpy(dtype=float)[subject.first_of_patient]
    tested = [("", values, sites)]
    for task in subject.cohort.tasks:
        labels = subject.cohort.labels(task.name)[subject.first_of_patient]
        known = ~np.isnan(labels)
        slopes = np.column_stack([np.ones(known.sum()), labels[known]])
        fitted = slopes @ np.linalg.lstsq(slopes, values[known], rcond=None)[0]
        tested.append((f" once {task.name} is accounted for", values[known] - fitted, sites[known]))
    return [
        Evidence(
            f"feature means of the sites are closer to each other than chance allows{what} (p = {p:.1g})"
        )
        for what, of, at in tested
        if (p := too_alike(of, at)) * len(tested) < ERROR
    ][:1]


def too_alike(values: Floats, sites: NDArray[np.object_]) -> float:
    r"""Lower-tail p of the distance between the means of sites, 1 where there are too few cases.

    .. math:: T = \sum_{j,s} n_s \bar z_{js}^2 \sim \chi^2_{k (S - 1)}

    with :math:`z_j` the first k principal components of all patients' features, standardised: (n - 1) times
    Pillai's trace. Where sites do not differ at all T has that distribution or a narrower one (components are
    found without the sites), where they differ it is larger; so a T in the lower tail is made, by a
    harmonisation that knew all cases.

    Parameters
    ----------
    values
        Features, shape (patient, feature).
    sites
        Site of each patient.
    """
    codes = np.unique(sites, return_inverse=True)[1]
    counts = np.bincount(codes)
    standard = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-12)
    directions = min(MOST_DIRECTIONS, values.shape[1], len(values) // CASES_A_DIRECTION)
    if directions < 2 or len(counts) < 2:
        return 1.0
    scores = _components(standard, directions) * np.sqrt(len(values) - 1)
    means = np.array([scores[codes == code].mean(axis=0) for code in range(len(counts))])
    return float(chi2.cdf((counts[:, None] * means**2).sum(), scores.shape[1] * (len(counts) - 1)))


def _components(standard: Floats, most: int) -> Floats:
    """The first principal components of length 1, at most so many, shape (patient, component)."""
    turned = standard.shape[1] > len(standard)
    square = standard @ standard.T if turned else standard.T @ standard
    last = len(square) - 1
    squares, axes = eigh(square, subset_by_index=[last + 1 - most, last])
    kept = squares > 1e-12 * squares[-1]
    found: Floats = axes[:, kept] if turned else standard @ axes[:, kept] / np.sqrt(squares[kept])
    return found


CHECKS = (
    Check(
        "BA025",
        "Features chosen by the labels of all cases",
        "Not one feature of the table lacks an association with a label.",
        "Features selected before the split know the test labels, and then noise alone predicts them.",
        "Provide all features; select inside fit, on training cases alone.",
        "warn",
        _selected,
    ),
    Check(
        "BA026",
        "Features harmonised over all cases",
        "The means of features are more alike between sites than chance allows.",
        "ComBat over the whole cohort has seen the test cases, and their labels where it protects them.",
        "Provide the features as measured; harmonise inside fit, as the variants with harmonise=combat do.",
        "warn",
        _harmonised,
    ),
)
