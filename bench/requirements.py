"""What makes a split of a cohort impossible: each check raises SplitError with the remedy."""

from typing import TYPE_CHECKING

import numpy as np

from bench.cohorts.cohort import Cohort, Task
from bench.errors import SplitError
from bench.folds import PARTS, Fold

if TYPE_CHECKING:
    from bench.split import SplitConfig

_OTHER_SPLIT = "use another split (see `bench splits`) or other folds and shares in a split file of your own"


def refuse_shared_patients(cohort: Cohort, config: "SplitConfig", column: str) -> None:
    """Raise SplitError where a patient has cases in several groups (or sites) that the protocol parts."""
    kinds = cohort.table.groupby("patient_id")[column].nunique()
    shared = sorted(kinds.index[kinds > 1])
    if shared:
        cases = cohort.table.loc[cohort.patient_ids == shared[0], column]
        named = ", ".join(f"{case_id} ({value})" for case_id, value in cases.items())
        raise SplitError(
            f"split {config.name!r} puts each {column} on one side, but patient {shared[0]!r} has cases in "
            f"several: {named}; {len(shared)} such patient(s) in cohort {cohort.name!r}. Keep of each the "
            f"cases of one {column} in cases.csv"
        )


def require_enough_patients(cohort: Cohort, config: "SplitConfig", group: str) -> None:
    """Raise SplitError unless every fold can test on a patient of each class of each ranked task."""
    cut = f"split {config.name!r} cuts the {group} cases into {config.folds} folds"
    patients = len(set(cohort.patient_ids))
    if patients < config.folds:
        raise SplitError(f"{cut}, but they are of {patients} patient(s); {_OTHER_SPLIT}")
    for task in cohort.tasks:
        labels = cohort.labels(task.name)
        for word, has in _label_kinds(task, labels).items():
            found = len(set(cohort.patient_ids[has]))
            if task.ranked and found < config.folds:
                raise SplitError(
                    f"{cut}, but task {task.name!r} has {found} patient(s) with a {word} label among them; "
                    f"{_OTHER_SPLIT}, {_unranked(task)}"
                )


def require_parts(
    cohort: Cohort, config: "SplitConfig", folds: tuple[Fold, ...], parts: tuple[str, ...] = PARTS
) -> None:
    """Raise SplitError where one of these parts of a fold got no case."""
    patients = len(set(cohort.patient_ids))
    for fold in folds:
        for part in parts:
            if not getattr(fold, part):
                raise SplitError(
                    f"split {config.name!r}: the {part} part of fold {fold.index} ({fold.label}) got no case "
                    f"of the {patients} patient(s) of cohort {cohort.name!r}; {_OTHER_SPLIT}"
                )


def require_labels(
    cohort: Cohort, config: "SplitConfig", folds: tuple[Fold, ...], task: Task, parts: tuple[str, ...] = PARTS
) -> None:
    """Raise SplitError unless a ranked task can be learned and scored.

    A fold whose test cases all lack the label does not score the task, as where a site that is left out never
    measured it. Some fold must score it, and one that does needs labels in train and test, where it has these
    ``parts``, of a binary task both classes.
    """
    labels = cohort.table[task.name].astype(float)
    scored = [fold for fold in folds if labels.loc[list(fold.test)].notna().any()]
    where = f"split {config.name!r}: task {task.name!r} has 0 cases with a"
    if not scored:
        raise SplitError(f"{where} known label among the tested cases; {_OTHER_SPLIT}, {_unranked(task)}")
    for fold in scored:
        for part in (its for its in ("train", "test") if its in parts):
            its = labels.loc[list(getattr(fold, part))].to_numpy()
            absent = [word for word, has in _label_kinds(task, its).items() if not has.any()]
            if absent:
                raise SplitError(
                    f"{where} {absent[0]} label among the {np.isfinite(its).sum()} labelled ones of the "
                    f"{part} part of fold {fold.index} ({fold.label}); {_OTHER_SPLIT}, {_unranked(task)}"
                )


def _label_kinds(task: Task, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The kinds of label that a task cannot do without, each with the cases that have it."""
    if task.kind == "binary":
        return {"negative": labels == 0, "positive": labels == 1}
    return {"known": ~np.isnan(labels)}


def _unranked(task: Task) -> str:
    return f"or set ranked = false for [tasks.{task.name}] in cohort.toml"
