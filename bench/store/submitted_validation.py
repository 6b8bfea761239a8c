"""Predictions of validation cases that come with a submission, from which thresholds are chosen."""

from pathlib import Path

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.splits.fold import Fold
from bench.splits.split import Split
from bench.store.doubts import refuse_other_scale
from bench.store.submission_file import read_predictions


def read_validation(path: Path, cohort: Cohort, split: Split) -> pd.DataFrame:
    """The rows of a file of validation predictions; see :func:`bench.store.submission.submit`.

    Raises
    ------
    UsageError
        The file is none, holds an unknown task or a case that no fold validates on, names none of several
        folds that do, a fold that does not, or a case twice.
    """
    table = read_predictions(path)
    tasks = [task.name for task in cohort.tasks]
    odd = table.loc[~table["task"].isin(tasks), "task"]
    if len(odd):
        raise UsageError(f"{path} predicts the task {odd.iloc[0]!r}; {cohort.name} has {', '.join(tasks)}")
    refuse_other_scale(table, cohort, str(path))
    folds: dict[str, list[int]] = {}
    for fold in split.folds:
        for case_id in fold.val:
            folds.setdefault(case_id, []).append(fold.index)
    table = _with_folds(table, folds, split, path)
    twice = table[table.duplicated(["seed", "fold", "case_id", "task"])]
    if len(twice):
        first = twice.iloc[0]
        raise UsageError(
            f"{path} predicts {first['task']} of {first['case_id']!r} twice in fold {first['fold']} for the "
            f"seed {first['seed']}, expected once"
        )
    return table


def of_fold(table: pd.DataFrame, seed: int, fold: Fold) -> pd.DataFrame:
    """The rows of one seed and fold."""
    return table[(table["seed"] == seed) & (table["fold"] == fold.index)]


def _with_folds(table: pd.DataFrame, folds: dict[str, list[int]], split: Split, path: Path) -> pd.DataFrame:
    """The rows with their fold, the only one that validates on the case where none is named."""
    for line, case_id in table["case_id"].items():
        if case_id not in folds:
            raise UsageError(f"{path} line {line}: no fold of {split.name} validates on {case_id!r}")
    if "fold" in table:
        pairs = zip(table["case_id"], table["fold"], strict=True)
        odd = next(((case_id, fold) for case_id, fold in pairs if fold not in folds[case_id]), None)
        if odd:
            raise UsageError(f"{path}: fold {odd[1]} of {split.name} does not validate on {odd[0]!r}")
        return table
    several = next((case_id for case_id in table["case_id"] if len(folds[case_id]) > 1), None)
    if several:
        named = ", ".join(map(str, folds[several]))
        raise UsageError(f"{path} has no column fold, and {several!r} is a validation case of folds {named}")
    return table.assign(fold=[folds[case_id][0] for case_id in table["case_id"]])
