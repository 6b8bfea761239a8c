"""Clauses on tasks and labels: which may be missing, what tasks may be called, how many there may be."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.methods.contract.clause import Clause, NotAsked
from bench.methods.contract.subject import TOLERANCE, Subject, require_equal
from bench.task import Task

UNSEEN = "never seen in training"


def _missing_labels(subject: Subject) -> None:
    table = subject.cohort.table.copy()
    names = [task.name for task in subject.cohort.tasks]
    table.loc[table.index[1::4], names] = np.nan
    table[names[-1]] = np.nan
    subject.predicted(replace(subject.cohort, table=table))


def _one_class(subject: Subject) -> None:
    names = [task.name for task in subject.cohort.tasks if task.kind == "binary"]
    for label in (0.0, 1.0):
        table = subject.cohort.table.copy()
        table[names] = table[names].mask(table[names].notna(), label)
        subject.predicted(replace(subject.cohort, table=table))


def _names(subject: Subject) -> None:
    names = sorted(task.name for task in subject.cohort.tasks)
    others = {name: f"biomarker_{index}" for index, name in enumerate(names)}
    found = subject.predicted(_renamed(subject.cohort, others))
    named = {name: found[other] for name, other in others.items()}
    require_equal(subject.batch, named, TOLERANCE, "predictions depend on the names of the tasks")


def _renamed(cohort: Cohort, others: dict[str, str]) -> Cohort:
    tasks = tuple(replace(task, name=others[task.name], title=others[task.name]) for task in cohort.tasks)
    return replace(cohort, tasks=tasks, table=cohort.table.rename(columns=others))


def _task_lists(subject: Subject) -> None:
    tasks = subject.cohort.tasks
    continuous = [task for task in tasks if task.kind == "continuous"]
    lists: dict[str, Sequence[Task]] = {
        "in reverse order": tasks[::-1],
        "fewer": tasks[1:3],
        "one continuous task alone": continuous[:1],
    }
    for words, chosen in lists.items():
        try:
            subject.predicted(_with_tasks(subject.cohort, chosen))
        except Exception as error:
            error.add_note(f"with tasks {words}")
            raise


def _with_tasks(cohort: Cohort, tasks: Sequence[Task]) -> Cohort:
    left_out = [task.name for task in cohort.tasks if task not in tasks]
    return replace(cohort, tasks=tuple(tasks), table=cohort.table.drop(columns=left_out))


def _declared_needs(subject: Subject) -> None:
    cohort, needs = subject.cohort, subject.spec.needs
    surplus = [name for name, role in cohort.roles.items() if role not in needs]
    bare = replace(
        cohort,
        table=cohort.table.drop(columns=surplus),
        roles={name: role for name, role in cohort.roles.items() if role in needs},
    )
    if "volumes" not in needs:
        no_files = cohort.files.assign(image=None, mask=None)
        bare = replace(bare, files=no_files, as_loaded=())
    subject.predicted(bare)


def _gaps(subject: Subject) -> None:
    if not {"acquisition", "clinical", "features"} & set(subject.spec.needs):
        raise NotAsked("not asked: the method needs no covariates and no features")
    table = subject.cohort.table.copy()
    for name in (name for name, role in subject.cohort.roles.items() if role in subject.spec.needs):
        table[name] = _with_gaps(table[name])
    subject.predicted(replace(subject.cohort, table=table, feature_file=_gapped_features(subject)))


def _gapped_features(subject: Subject) -> Path | None:
    """The feature table with gaps, None where the cohort has none."""
    if subject.cohort.feature_file is None:
        return None
    features = pd.read_csv(subject.cohort.feature_file, index_col="case_id", dtype={"case_id": str})
    path = subject.folder / "features_with_gaps.csv"
    features.apply(_with_gaps).to_csv(path)
    return path


def _with_gaps(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Every fourth value missing, and in words a value of the first test case that no other case has."""
    found = values.copy()
    found.iloc[1::4] = np.nan
    if not pd.api.types.is_numeric_dtype(values):
        found.iloc[0] = UNSEEN
    return found


CLAUSES = (
    Clause(
        "BC13",
        "copes with missing labels",
        "Few cohorts have every label of every case.",
        "Every fourth label is missing in each task, and one task has no label at all.",
        "Mask NaN in losses and statistics; without labels, predict 0.5 or the middle of the range.",
        _missing_labels,
        quick=True,
        where="fit",
    ),
    Clause(
        "BC14",
        "copes with training labels of one class",
        "In small folds a binary task may have one class alone.",
        "All binary tasks have label 0 only, then 1 only.",
        "Check for one class before a classifier that refuses it, and predict the prevalence.",
        _one_class,
        quick=True,
        where="fit",
    ),
    Clause(
        "BC15",
        "does not know the tasks by name",
        "Cohorts declare their own tasks; a method that knows ER from KI67 by name runs on one of them.",
        "The tasks get other names in the same order; predictions must stay.",
        "Ask task.kind, task.bounds and task.unit; loop over train.tasks.",
        _names,
        quick=True,
    ),
    Clause(
        "BC16",
        "copes with other lists of tasks",
        "Cohorts declare other tasks in other orders and numbers.",
        "The tasks come in reverse order, two of them, and one continuous task alone.",
        "Size outputs by len(train.tasks); allow for no binary task and for one task.",
        _task_lists,
        quick=True,
        where="fit",
    ),
    Clause(
        "BC17",
        "needs no more than it declares",
        "A run decides by the declared needs which cohorts a method runs on.",
        "The cohort carries what the spec's needs name, and no images, covariates or features beside.",
        "Name all that the method reads in MethodSpec(needs=...).",
        _declared_needs,
        quick=True,
        where="fit",
    ),
    Clause(
        "BC18",
        "copes with gaps in covariates and with unknown values",
        "Clinical and acquisition data have gaps, and a new centre has a scanner that none had before.",
        "Every fourth value of the covariates or features is missing, and a test case has a word that no "
        "other has.",
        "Impute from the training cases, and give unknown categories a place.",
        _gaps,
        where="fit",
    ),
)
