"""Random cohorts to cut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import SplitError
from bench.splits.config import load_split_config
from bench.splits.fold import PARTS, Fold
from bench.splits.make import make_split
from bench.task import Task

PROTOCOLS = [
    "external_cv",
    "external_frozen",
    "external_only_cv",
    "internal",
    "internal_cv",
    "leave_site_out",
]


TASKS = (
    Task("er", "binary"),
    Task("pr", "binary"),
    Task("her2", "binary"),
    Task("ki67", "continuous", unit="%", range=(0.0, 100.0)),
)


def cohort_of(table: pd.DataFrame, tasks: tuple[Task, ...] = TASKS) -> Cohort:
    files = pd.DataFrame(index=table.index, columns=["image", "mask"])
    return Cohort("made", tasks, table, files, Path(), "0" * 64, synthetic=True)


def random_cohort(seed: int, internal: int = 300, external: int = 74, cases_a_patient: float = 1.0) -> Cohort:
    """Correlated labels, site-dependent, 5 % missing; patients stay within one site."""
    rng = np.random.default_rng(seed)
    cases = internal + external
    site = np.where(np.arange(cases) < internal, rng.choice(["A", "B", "C"], cases, p=[0.5, 0.3, 0.2]), "D")
    latent = rng.normal(size=(cases, 4)) + 0.7 * rng.normal(size=(cases, 1)) + 0.4 * (site == "B")[:, None]
    table = pd.DataFrame(
        {
            "patient_id": [
                f"{entry}-p{rng.integers(int(cases / cases_a_patient))}"
                if cases_a_patient > 1
                else f"p{i:05}"
                for i, entry in enumerate(site)
            ],
            "site": site,
            "group": np.where(site == "D", "external", "internal"),
            "er": (latent[:, 0] > -0.8).astype(float),
            "pr": (latent[:, 1] > -0.4).astype(float),
            "her2": (latent[:, 2] > 1.0).astype(float),
            "ki67": np.round(100 / (1 + np.exp(1.3 - latent[:, 3]))),
        },
        index=pd.Index([f"c{i:05}" for i in rng.permutation(cases)], name="case_id"),
    )
    for task in TASKS:
        table.loc[rng.random(cases) < 0.05, task.name] = np.nan
    return cohort_of(table)


def tiny(**changes: object) -> Cohort:
    """20 internal cases at sites A and B, 10 external at C; every label well mixed."""
    at = np.arange(30)
    table = pd.DataFrame(
        {
            "patient_id": [f"p{i:02}" for i in at],
            "site": np.select([at < 10, at < 20], ["A", "B"], "C"),
            "group": np.where(at < 20, "internal", "external"),
            "er": (at % 2).astype(float),
            "ki67": at.astype(float),
        },
        index=pd.Index([f"c{i:02}" for i in at], name="case_id"),
    ).assign(**changes)
    return cohort_of(table, (Task("er", "binary"), Task("ki67", "continuous")))


def parts(fold: Fold) -> dict[str, set[str]]:
    return {part: set(getattr(fold, part)) for part in PARTS}


def in_group(cohort: Cohort, group: str) -> set[str]:
    return set(cohort.table.index[cohort.groups == group])


COHORTS = [
    pytest.param(random_cohort(0), id="single"),
    pytest.param(random_cohort(1, internal=886), id="large"),
    pytest.param(random_cohort(2, cases_a_patient=1.6), id="pairs"),
    pytest.param(random_cohort(3, external=120, cases_a_patient=4.0), id="many cases a patient"),
]


def drawn(draws: int = 3) -> Cohort:
    """30 internal and 10 external cases at site A and B, dealt to draws."""
    cohort = tiny()
    return cohort_of(cohort.table.assign(draw=1 + np.arange(30) % draws), cohort.tasks)


def worst_shift(cohort: Cohort, tests: list[tuple[str, ...]], task: str) -> float:
    """Largest distance of a test part's mean label from the mean of all of them, in points or units."""
    labels = cohort.table[task]
    overall = labels[[case_id for test in tests for case_id in test]].mean()
    return max(abs(labels[list(test)].mean() - overall) for test in tests)


def refusal(cohort: Cohort, name: str, **changes: object) -> str:
    with pytest.raises(SplitError) as caught:
        make_split(cohort, replace(load_split_config(name), **changes))
    return str(caught.value)
