"""Inner cells: ordinary cells of inner splits, made to choose thresholds on their predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.cohorts.cohort import Cohort, Task
from bench.split import Fold, Split, inner_split
from bench.store import PREDICTIONS, VALIDATION, Record, Store
from bench.thresholds import FEWEST_POSITIVES, RULES, Judged, Threshold, choose_threshold

INNER_MARK = "/inner"

Found = tuple[Record, Path]


def is_inner(split: str) -> bool:
    """Whether a split of that name serves thresholds alone."""
    return INNER_MARK in split


def folds_in_need(cohort: Cohort, split: Split) -> list[int]:
    """Folds whose validation part has too few positive cases of some binary task to choose a threshold on."""
    tasks = [task for task in cohort.tasks if task.kind == "binary"]
    return [fold.index for fold in split.folds if any(_needs_inner(cohort, fold, task) for task in tasks)]


def inner_splits(cohort: Cohort, split: Split, folds: int) -> dict[str, Split]:
    """Inner splits of the folds in need, by name; none for 0 folds. Raises SplitError, see inner_split."""
    if not folds:
        return {}
    made = (inner_split(cohort, split, fold, folds) for fold in folds_in_need(cohort, split))
    return {its.name: its for its in made}


def chosen_thresholds(
    cohort: Cohort, split: Split, cells: Sequence[Found], store: Store
) -> tuple[Threshold, ...]:
    """Thresholds of the finished cells of a method, one a binary task, seed, fold and rule."""
    tasks = [task for task in cohort.tasks if task.kind == "binary"]
    thresholds: list[Threshold] = []
    inner: dict[int, list[Found]] = {}
    for record, folder in cells:
        seed, fold = record["identity"]["seed"], split.folds[record["identity"]["fold"]]
        if any(_needs_inner(cohort, fold, task) for task in tasks) and fold.index not in inner:
            inner[fold.index] = _records(store, cohort, f"{split.name}{INNER_MARK}{fold.index}")
        validation = _read(folder / VALIDATION)
        training, failure = _inner_predictions(record, fold, inner.get(fold.index, []))
        for task in tasks:
            judged = [_judged(cohort, task, table) for table in (validation, training)]
            for rule in RULES:
                its = choose_threshold(task.name, seed, fold.index, rule, *judged)
                thresholds.append(_explained(its, failure))
    return tuple(thresholds)


def _records(store: Store, cohort: Cohort, split: str) -> list[Found]:
    """Records of a split with their folders, of this version of the cohort."""
    return [
        (record, folder)
        for folder, record in store.records(cohort.name, split)
        if record["identity"]["cohort"] == cohort.fingerprint
    ]


def _needs_inner(cohort: Cohort, fold: Fold, task: Task) -> bool:
    labels = cohort.table.loc[list(fold.val), task.name]
    return bool((labels == 1).sum() < FEWEST_POSITIVES or not (labels == 0).any())


def _inner_predictions(outer: Record, fold: Fold, inner: Sequence[Found]) -> tuple[pd.DataFrame | None, str]:
    """Inner predictions of all training cases by the method as the outer cell was made; or what failed.

    Of several inner splits the one with the most folds counts. Inner cells of an older cut of the outer split
    predict other cases than this fold's training part, and are passed over: so no test case gets in.
    """
    by_split: dict[str, list[Found]] = {}
    failure = ""
    for record, folder in inner:
        if _version(record) != _version(outer):
            continue
        if record["status"] == "ok":
            by_split.setdefault(record["identity"]["split"], []).append((record, folder))
        else:
            failure = f"inner fold {record['identity']['fold']} {record['status']}: {record['reason']}"
    for found in sorted(by_split.values(), key=len, reverse=True):
        table = pd.concat([pd.read_parquet(folder / PREDICTIONS) for _, folder in found], ignore_index=True)
        if set(table["case_id"]) == set(fold.train):
            return table, ""
    return None, failure


def _version(record: Record) -> Mapping[str, object]:
    """What must agree between an outer and an inner cell: all but split and fold."""
    return {key: value for key, value in record["identity"].items() if key not in ("split", "fold")}


def _read(path: Path) -> pd.DataFrame | None:
    """A table, or None where an older run did not keep it."""
    return pd.read_parquet(path) if path.is_file() else None


def _judged(cohort: Cohort, task: Task, table: pd.DataFrame | None) -> Judged | None:
    if table is None:
        return None
    mine = table[table["task"] == task.name]
    truth = cohort.table.loc[mine["case_id"], task.name].to_numpy(dtype=float)
    return Judged(truth, mine["prediction"].to_numpy(dtype=float))


def _explained(threshold: Threshold, failure: str) -> Threshold:
    """The threshold with what went wrong in its inner cells, where that is why it has no value."""
    if not threshold.reason or not failure:
        return threshold
    return replace(threshold, reason=f"{threshold.reason} ({failure})")
