"""Labels that something beside the image gives away: a covariate, the site, what is missing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, fisher_exact, mannwhitneyu, spearmanr

from bench.audit.check import Check, Evidence, Found, NotApplicable
from bench.audit.subject import Subject
from bench.cohorts.checking.label_copies import CHANCE, Column, label_copies
from bench.metrics import auc
from bench.task import Task

NO_COLUMNS = NotApplicable("the cohort has neither covariates nor features")
# A single column that orders the labels so well is hardly a measurement.
MOST = 0.95
# Patients of a class below which an association says little.
FEWEST = 10
# Share of the pairs of a positive and a negative case that the site must tell apart to be named.
BY_SITE = 0.65


@dataclass(frozen=True, eq=False)
class _Labelled:
    """Cases of a task with a known label, one a patient: the label and where the cases stand."""

    task: Task
    rows: np.ndarray
    labels: np.ndarray


def _labelled(subject: Subject) -> list[_Labelled]:
    found = []
    for task in subject.cohort.tasks:
        labels = subject.cohort.labels(task.name)
        rows = subject.first_of_patient & ~np.isnan(labels)
        if len(np.unique(labels[rows])) > 1:
            found.append(_Labelled(task, rows, labels[rows]))
    return found


def _given_away(subject: Subject) -> Found:
    if not subject.columns:
        return NO_COLUMNS
    return _copies(subject, list(subject.columns))


def _copies(subject: Subject, columns: list[Column]) -> list[Evidence]:
    """Columns that determine a label, or nearly."""
    cohort = subject.cohort
    labels = {task.name: cohort.labels(task.name) for task in cohort.tasks}
    found = label_copies(columns, labels, cohort.tasks, cohort.patient_ids)
    return [Evidence(violation.detail) for violation in found]


def _by_site(subject: Subject) -> Found:
    sites = pd.Series(subject.cohort.sites)
    if sites.nunique() < 2:
        return NotApplicable("there is one site")
    found = _copies(subject, [Column("cases.csv", "site", sites)])
    named = [one for one in _labelled(subject) if one.task.kind == "binary"]
    return [*found, *(text for one in named for text in _site_tells(one, sites, len(named)))]


def _site_tells(one: _Labelled, sites: "pd.Series[str]", tasks: int) -> Iterator[Evidence]:
    """The task, where prevalences of sites order its labels and chance does not explain it."""
    mine = sites[one.rows].to_numpy()
    table = pd.crosstab(mine, one.labels)
    share = pd.Series(one.labels).groupby(mine).transform("mean").to_numpy()
    told = auc(one.labels, share, None)
    if told >= BY_SITE and chi2_contingency(table).pvalue * tasks < CHANCE:
        shares = table[1.0] / table.sum(axis=1)
        named = ", ".join(f"{site} {value:.0%}" for site, value in shares.items())
        yield Evidence(
            f"{one.task.name}: the site alone reaches an AUC of {told:.2f} (share of positives: {named})"
        )


def _single_column(subject: Subject) -> Found:
    if not subject.columns:
        return NO_COLUMNS
    truths = _labelled(subject)
    pairs = len(subject.columns) * max(len(truths), 1)
    return [
        Evidence(text)
        for column in subject.columns
        if pd.api.types.is_numeric_dtype(column.values)
        for one in truths
        for text in _too_good(column, one, pairs)
    ]


def _too_good(column: Column, one: _Labelled, pairs: int) -> Iterator[str]:
    """What a column of numbers reaches on a task by itself, where that is beyond :data:`MOST`."""
    values = column.values.to_numpy(dtype=float, na_value=np.nan)[one.rows]
    known = ~np.isnan(values)
    values, labels = values[known], one.labels[known]
    if len(labels) < 2 * FEWEST or len(np.unique(values)) < 2 or len(np.unique(labels)) < 2:
        return
    if one.task.kind == "binary":
        value = auc(labels, values, None)
        reached, what = max(value, 1 - value), "an AUC"
    else:
        reached, what = abs(spearmanr(values, labels).statistic), "a rank correlation"
    if reached > MOST and _chance_of(values, labels, one.task) * pairs < CHANCE:
        yield (
            f"{column.where}: {column.name} alone reaches {what} of {reached:.3f} on {one.task.name} in "
            f"{len(labels)} patients"
        )


def _chance_of(values: np.ndarray, labels: np.ndarray, task: Task) -> float:
    """The p of an association of a column and the labels."""
    if task.kind == "binary":
        return float(mannwhitneyu(values[labels == 1], values[labels == 0]).pvalue)
    return float(spearmanr(values, labels).pvalue)


def _missing(subject: Subject) -> Found:
    """Columns, and labels of other tasks, that are missing more often for one label."""
    truths = _labelled(subject)
    cohort = subject.cohort
    others = [Column("cases.csv", task.name, cohort.table[task.name]) for task in cohort.tasks]
    gaps = [(column, column.values.isna().to_numpy()) for column in (*subject.columns, *others)]
    gaps = [(column, gap) for column, gap in gaps if gap[subject.first_of_patient].any()]
    if not gaps:
        return NotApplicable("no covariate, feature or label is missing")
    pairs = len(gaps) * max(len(truths), 1)
    return [
        Evidence(text)
        for column, gap in gaps
        for one in truths
        if column.name != one.task.name
        for text in _gap_tells(column, gap[one.rows], one, pairs)
    ]


def _gap_tells(column: Column, gap: np.ndarray, one: _Labelled, pairs: int) -> Iterator[str]:
    if not 0 < gap.sum() < len(gap):
        return
    if one.task.kind == "binary":
        counts = np.bincount(2 * gap + (one.labels == 1), minlength=4)
        p = fisher_exact(counts.reshape(2, 2)).pvalue
        shares = [f"{gap[one.labels == label].mean():.0%}" for label in (1, 0)]
        how = f"in {shares[0]} of the positive and {shares[1]} of the negative patients"
    else:
        p = mannwhitneyu(one.labels[gap], one.labels[~gap]).pvalue
        middle = [f"{np.median(one.labels[where]):.3g}" for where in (gap, ~gap)]
        how = f"where {one.task.name} has the median {middle[0]}, else {middle[1]}"
    if p * pairs < CHANCE:
        yield f"{column.name} is missing {how} ({one.task.name}, p = {p:.1g})"


CHECKS = (
    Check(
        "BA006",
        "Column determines a label",
        "A covariate or feature equals or determines a label",
        "A method that reads the column reads the label.",
        "List the column under ignore in cohort.toml, or remove it.",
        "fail",
        _given_away,
    ),
    Check(
        "BA007",
        "One column nearly suffices for a task",
        f"One covariate or feature predicts a task with an AUC or rank correlation over {MOST}",
        "No single measurement does so for these labels; it was mostly made of the label, or after it.",
        "Find out when and from what the column was made; list it under ignore if from the label.",
        "warn",
        _single_column,
    ),
    Check(
        "BA008",
        "Site tells the label",
        "The site tells the label",
        "A method that recognises the scanner has an AUC without looking at the lesion.",
        "Report the AUC within sites (bench sites), or test on sites that were left out.",
        "warn",
        _by_site,
    ),
    Check(
        "BA009",
        "Missingness depends on the label",
        "What is missing depends on the label",
        "A method can read the label from an empty cell, and cases without gaps are another population.",
        "Find out why values are missing; leave the column out, or fill it in for all cases.",
        "warn",
        _missing,
    ),
)
