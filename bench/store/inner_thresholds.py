"""Inner cells: ordinary cells of inner splits, made to choose thresholds on their predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.predictions.thresholds import RULES, LabelledScores, Threshold, choose_threshold
from bench.splits.fold import Fold
from bench.splits.inner import INNER_MARK, needs_inner
from bench.splits.split import Split
from bench.store.record import CellRecord
from bench.store.store import PREDICTIONS, VALIDATION, Store
from bench.task import Task

Found = tuple[CellRecord, Path]


def chosen_thresholds(
    cohort: Cohort, split: Split, cells: Sequence[Found], store: Store
) -> tuple[Threshold, ...]:
    """Thresholds of the finished cells of a method, one a binary task, seed, fold and rule."""
    tasks = [task for task in cohort.tasks if task.kind == "binary"]
    thresholds: list[Threshold] = []
    inner: dict[int, list[Found]] = {}
    for record, folder in cells:
        seed, fold = record.seed, split.folds[record.fold]
        if any(needs_inner(cohort, fold, task) for task in tasks) and fold.index not in inner:
            inner[fold.index] = _records(store, cohort, f"{split.name}{INNER_MARK}{fold.index}")
        validation = _read(folder / VALIDATION)
        training, failure = _inner_predictions(record, fold, inner.get(fold.index, []))
        for task in tasks:
            judged = [_judged(cohort, task, table) for table in (validation, training)]
            for rule in RULES:
                threshold = choose_threshold(task.name, seed, fold.index, rule, *judged)
                thresholds.append(_explained(threshold, failure))
    return tuple(thresholds)


def _records(store: Store, cohort: Cohort, split: str) -> list[Found]:
    """Records of a split with their folders, of this version of the cohort."""
    return [
        (record, folder)
        for folder, record in store.records(cohort.name, split)
        if record.cohort_fingerprint == cohort.fingerprint
    ]


def _inner_predictions(
    outer: CellRecord, fold: Fold, inner: Sequence[Found]
) -> tuple[pd.DataFrame | None, str]:
    """Inner predictions of all training cases by the method as the outer cell was made; or what failed.

    Of several inner splits the one with the most folds counts. Inner cells of an older cut of the outer split
    predict other cases than this fold's training part, and are passed over: so no test case gets in.
    """
    by_split: dict[str, list[Found]] = {}
    failure = ""
    for record, folder in inner:
        if _version(record) != _version(outer):
            continue
        if record.status == "ok":
            by_split.setdefault(record.split_fingerprint, []).append((record, folder))
        else:
            failure = f"inner fold {record.fold} {record.status}: {record.reason}"
    for found in sorted(by_split.values(), key=len, reverse=True):
        table = pd.concat([pd.read_parquet(folder / PREDICTIONS) for _, folder in found], ignore_index=True)
        if set(table["case_id"]) == set(fold.train):
            return table, ""
    return None, failure


def _version(record: CellRecord) -> Mapping[str, object]:
    """What must agree between an outer and an inner cell: all but split and fold."""
    return record.identity_without("split", "fold")


def _read(path: Path) -> pd.DataFrame | None:
    """A table, or None where an older run did not keep it."""
    return pd.read_parquet(path) if path.is_file() else None


def _judged(cohort: Cohort, task: Task, table: pd.DataFrame | None) -> LabelledScores | None:
    if table is None:
        return None
    mine = table[table["task"] == task.name]
    truth = cohort.table.loc[mine["case_id"], task.name].to_numpy(dtype=float)
    return LabelledScores(truth, mine["prediction"].to_numpy(dtype=float))


def _explained(threshold: Threshold, failure: str) -> Threshold:
    """The threshold with what went wrong in its inner cells, where that is why it has no value."""
    if not threshold.reason or not failure:
        return threshold
    return replace(threshold, reason=f"{threshold.reason} ({failure})")
