"""A fault for every check: what is planted, and what must be found."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.methods.search_space import Float, SearchBudget
from bench.predictions.results import MethodResult, Results
from tests.audit.audited import changed, cut, honest, results_of, uninformed
from tests.splits.random_cohorts import random_cohort

Fault = Callable[[], Subject]
COHORT = random_cohort(0)
SPLIT = cut(COHORT)
FIRST = SPLIT.folds[0]


def ids(**of_cases: str) -> pd.Series:
    """Patients of the cohort, where ``train`` and ``test`` are those of a case of either part."""
    patients = COHORT.table["patient_id"].copy()
    for part, patient in of_cases.items():
        patients[getattr(FIRST, part)[0]] = patient
    return patients


def renamed(**of_cases: str) -> Subject:
    return Subject(changed(COHORT, patient_id=ids(**of_cases)), SPLIT)


def in_both_groups() -> Subject:
    patients = COHORT.table["patient_id"].copy()
    patients[COHORT.groups == "external"] = patients[FIRST.train[0]]
    return Subject(changed(COHORT, patient_id=patients), SPLIT)


def with_column(make: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Subject:
    values = make(COHORT.labels("er"), np.random.default_rng(0))
    return Subject(replace(changed(COHORT, marker=values), roles={"marker": "clinical"}), SPLIT)


def by_site(share: Mapping[str, float]) -> Cohort:
    chance = np.random.default_rng(1).random(len(COHORT))
    return changed(COHORT, er=(chance < pd.Series(COHORT.sites).map(share).to_numpy()).astype(float))


def relabelled(label: float, share: float) -> Subject:
    """A share of the tested cases of the first fold has one label of ER."""
    labels = COHORT.table["er"].copy()
    labels[list(FIRST.test[: int(share * len(FIRST.test))])] = label
    return Subject(changed(COHORT, er=labels), SPLIT)


def predicted(change: Callable[[pd.DataFrame], pd.Series], cohort: Cohort = COHORT) -> Subject:
    """A method whose predictions of ER are changed: ``change`` sees them beside site and fold."""
    results = results_of(cohort, cut(cohort), method=honest)
    method = results.methods[0]
    table = method.predictions.join(cohort.table[["site"]], on="case_id")
    er = table["task"] == "er"
    values = table["prediction"].where(~er, change(table).clip(0, 1))
    method = replace(method, predictions=method.predictions.assign(prediction=values))
    return Subject(cohort, cut(cohort), replace(results, methods=(method,)))


def better_than_oracle() -> Subject:
    results = results_of(COHORT, SPLIT, oracle=honest, thief=lambda cases, task, _: filled(cases[task.name]))
    oracle, thief = results.methods
    return Subject(COHORT, SPLIT, replace(results, ceiling=oracle.predictions, methods=(thief,)))


def filled(labels: pd.Series) -> np.ndarray:
    return labels.fillna(labels.median()).to_numpy()


def site_alone() -> Subject:
    cohort = by_site({"A": 0.9, "B": 0.1, "C": 0.5, "D": 0.5})
    shares = cohort.table.groupby("site")["er"].mean()
    return predicted(lambda table: table["site"].map(shares), cohort)


def in_first_fold(table: pd.DataFrame, values: pd.Series) -> pd.Series:
    return values.where(table["fold"] == 0, table["prediction"])


def at_site(table: pd.DataFrame, values: pd.Series) -> pd.Series:
    return values.where(table["site"] == "B", table["prediction"])


def tuned(
    depth: Callable[[int], float] = lambda fold: 0.5, worse: bool = False, inner_folds: int = 5
) -> Subject:
    """A method with a tuned row of the given best parameters, the defaults beside it."""
    results = results_of(COHORT, SPLIT, default=honest, tuned=uninformed if worse else honest)
    default, row = results.methods
    budget = SearchBudget({"depth": Float(0.0, 1.0)}, trials=20, inner_folds=inner_folds)
    return Subject(COHORT, SPLIT, recorded(results, default, row, budget, depth))


def recorded(
    results: Results,
    default: MethodResult,
    row: MethodResult,
    budget: SearchBudget,
    depth: Callable[[int], float],
) -> Results:
    def record(fold: int, **more: Any) -> dict[str, Any]:
        return {"method": "forest", "params": {"depth": 0.5}, "seed": 0, "fold": fold, **more}

    folds = range(len(SPLIT.folds))
    plain = tuple({"identity": record(fold)} for fold in folds)
    searched = tuple(
        {
            "identity": record(fold, tuning=budget.as_json()),
            "tuning": {"params": {"depth": depth(fold)}, "inner_default": 0.5, "inner_best": 0.6},
        }
        for fold in folds
    )
    return replace(results, methods=(replace(default, records=plain), replace(row, records=searched)))


def score_with_gap(er: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(er)) < np.where(er == 1, 0.6, 0.05), np.nan, rng.random(len(er)))


FAULTS: dict[str, Fault] = {
    "BA001": lambda: renamed(train="p1234", test="p1234"),
    "BA002": lambda: renamed(train="p1234", test="P01234 "),
    "BA003": lambda: renamed(train="p1234_L", test="p1234 right"),
    "BA004": in_both_groups,
    "BA006": lambda: with_column(lambda er, rng: np.where(er == 1, "luminal", "other")),
    "BA007": lambda: with_column(lambda er, rng: er + 0.38 * rng.standard_normal(len(er))),
    "BA008": lambda: Subject(by_site({"A": 0.8, "B": 0.2, "C": 0.5, "D": 0.5}), SPLIT),
    "BA009": lambda: with_column(score_with_gap),
    "BA010": lambda: relabelled(1.0, 1.0),
    "BA011": lambda: relabelled(0.0, 0.6),
    "BA012": lambda: predicted(lambda table: 1 - table["prediction"]),
    "BA013": better_than_oracle,
    "BA014": lambda: predicted(lambda table: (table["prediction"] > 0.8).astype(float)),
    "BA015": lambda: predicted(lambda table: in_first_fold(table, 1 - table["prediction"])),
    "BA016": site_alone,
    "BA017": lambda: predicted(lambda table: at_site(table, table["prediction"] + 0.15)),
    "BA019": lambda: predicted(lambda table: at_site(table, table["prediction"] / 2)),
    "BA020": lambda: tuned(depth=lambda fold: 0.99),
    "BA021": lambda: tuned(worse=True),
    "BA022": lambda: tuned(inner_folds=0),
}
"""Faults of the data and of results; those that need images stand in test_images.py."""
