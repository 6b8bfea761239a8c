"""What images, features and covariates tell of the site, the scanner and the label; values too good to be."""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from bench.audit.appearance import appearances
from bench.audit.check import Check, Evidence, Found, Measured, NotApplicable
from bench.audit.subject import Subject
from bench.metrics import auc
from bench.scoring.verdicts import is_better

# AUC from which a column counts as told by the images, and error over all tasks of labels that differ by it.
VISIBLE, ERROR = 0.75, 0.05
# Fewer patients of a value, or parts of a cross-validation, say little; an AUC that no covariates have.
FEWEST, PARTS, DETERMINED = 10, 5, 0.95
COMPONENTS = 30
Floats = NDArray[np.float64]


def _site_in_images(subject: Subject) -> Found:
    sources = dict(_sources(subject))
    columns = dict(_columns(subject))
    if not sources or not columns:
        lacking = "images or features" if not sources else "a second site, vendor or protocol"
        return NotApplicable(f"the cohort has no {lacking}")
    evidence: list[Evidence] = []
    numbers: list[str] = []
    for where, values in sources.items():
        for name, column in columns.items():
            told = cross_validated(values, column, subject.cohort.patient_ids)
            if np.isnan(told):
                continue
            differing = _differing(subject, column)
            text = f"{where} tell {name} with an AUC of {told:.3f}"
            numbers.append(text)
            if told >= VISIBLE and differing:
                evidence.append(Evidence(f"{text}, and prevalence differs by {name}: {differing}"))
    return Measured(evidence, tuple(numbers))


def _sources(subject: Subject) -> Iterator[tuple[str, Floats]]:
    """What a method may read of a case, shape (case, number)."""
    cohort = subject.cohort
    if cohort.has_volumes:
        yield from appearances(cohort)
    if subject.features is not None:
        table = subject.features.select_dtypes("number")
        yield "features", table.fillna(table.median()).fillna(0).to_numpy(dtype=float)


def _columns(subject: Subject) -> Iterator[tuple[str, "pd.Series[str]"]]:
    """Site and acquisition with a few values each, numbers of many values as halves."""
    cohort = subject.cohort
    table = cohort.covariates("acquisition").assign(site=cohort.sites)
    for name in table:
        values = table[name]
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > PARTS:
            values = (values > values.median()).where(values.notna())
        if 2 <= values.nunique() <= 2 * PARTS:
            yield str(name), values.astype("string")


def cross_validated(values: Floats, column: "pd.Series[str]", patients: NDArray[np.object_]) -> float:
    """AUC with which numbers tell the values of a column, by patient, mean over values; NaN with too few."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    counts = pd.Series(patients).groupby(column.to_numpy()).nunique()
    kept = column.isin(counts.index[counts >= FEWEST]).to_numpy()
    names = sorted(set(column[kept]))
    if len(names) < 2:
        return float("nan")
    components = min(COMPONENTS, values.shape[1], kept.sum() // 2)
    model = make_pipeline(StandardScaler(), PCA(components), LogisticRegression(C=0.1, max_iter=500))
    chosen, folds = values[kept], GroupKFold(PARTS)
    found = []
    for name in names if len(names) > 2 else names[:1]:
        mine = (column[kept] == name).to_numpy(dtype=bool)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = cross_val_predict(
                model, chosen, mine, groups=patients[kept], cv=folds, method="predict_proba"
            )[:, 1]
        found.append(auc(mine.astype(float), said, None))
    return float(np.mean(found))


def _differing(subject: Subject, column: "pd.Series[str]") -> str:
    """Binary tasks whose prevalence differs between the values of a column."""
    first = subject.first_of_patient
    found = []
    for task in subject.binary_tasks:
        table = pd.crosstab(column[first].to_numpy(), subject.cohort.table.loc[first, task.name].to_numpy())
        if min(table.shape) < 2:
            continue
        p = chi2_contingency(table).pvalue * len(subject.binary_tasks)
        if p < ERROR:
            shares = table[1.0] / table.sum(axis=1)
            found.append(f"{task.name} {shares.min():.0%} to {shares.max():.0%} (p = {p:.1g})")
    return ", ".join(found)


def _jointly(subject: Subject) -> Found:
    table = pd.concat([subject.cohort.covariates(role) for role in ("acquisition", "clinical")], axis=1)
    if table.empty or table.shape[1] < 2:
        return NotApplicable("the cohort has fewer than two covariates")
    few = [
        name for name in table if pd.api.types.is_numeric_dtype(table[name]) or table[name].nunique() <= 20
    ]
    values = pd.get_dummies(table[few]).astype(float)
    filled = values.fillna(values.median()).fillna(0).to_numpy()
    found, numbers = [], []
    for task in subject.binary_tasks:
        labels = subject.cohort.table[task.name].map({0.0: "negative", 1.0: "positive"}).astype("string")
        reached = _forest(filled, labels, subject.cohort.patient_ids)
        if np.isnan(reached):
            continue
        numbers.append(f"covariates together reach an AUC of {reached:.3f} on {task.name}")
        if reached > DETERMINED:
            found.append(Evidence(numbers[-1]))
    return Measured(found, tuple(numbers))


def _forest(values: Floats, labels: "pd.Series[str]", patients: NDArray[np.object_]) -> float:
    """Cross-validated AUC of a forest, by patient; NaN with too few of a class."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict

    known = labels.notna().to_numpy(dtype=bool)
    truth = (labels[known] == "positive").to_numpy(dtype=bool)
    if min(truth.sum(), (~truth).sum()) < FEWEST:
        return float("nan")
    model = RandomForestClassifier(100, random_state=0)
    cut = {"groups": patients[known], "cv": GroupKFold(PARTS), "method": "predict_proba"}
    said = cross_val_predict(model, values[known], truth, **cut)[:, 1]
    return auc(truth.astype(float), said, None)


def _implausible(subject: Subject) -> Found:
    if subject.results is None or not subject.plausible:
        return NotApplicable("no plausible range is given; --plausible er=0.55-0.75 gives one")
    return [
        Evidence(
            f"{score.method} on {score.task.name}: {score.metric.title} {score.value:.3f} "
            f"[{score.interval.low:.3f}, {score.interval.high:.3f}], plausible {low:g} to {high:g}"
        )
        for score in subject.scores
        for low, high in [subject.plausible.get(score.task.name, (-np.inf, np.inf))]
        if is_better(score)
        and (score.interval.low > high if score.metric.higher_is_better else score.interval.high < low)
    ]


CHECKS = (
    Check(
        "BA033",
        "Images tell the site, and labels differ by it",
        f"Crops, image files or features tell site, vendor or protocol with an AUC of {VISIBLE} or more, and "
        f"the prevalence of a task differs by it (p under {ERROR}, corrected for the number of tasks).",
        "A method can take the prevalence of the site it recognises for the biology of the lesion.",
        "Report values within sites and on sites that were left out; harmonise inside fit; have methods read "
        "crops where the files tell more.",
        "warn",
        _site_in_images,
        cost="deep",
    ),
    Check(
        "BA034",
        "Covariates together determine a label",
        f"All covariates together predict a task with an AUC over {DETERMINED}.",
        "They hold the label in parts: a grade with a subtype, say.",
        "Find out which columns were made after the label was known; list them under ignore.",
        "warn",
        _jointly,
        cost="deep",
    ),
    Check(
        "BA035",
        "Value beyond the plausible range",
        "The interval of a value lies beyond the range that is plausible for the task.",
        "What nobody has reached before is mostly a leak.",
        "Look for it: BA001 to BA009 and BA023 to BA028 name the usual ones.",
        "warn",
        _implausible,
        cost="scores",
    ),
)
