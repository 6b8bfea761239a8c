"""Outsiders' predictions: checked as strictly as those of a method, and stored beside them."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cells import Cell
from bench.cohorts.cohort import Cohort
from bench.doubts import refuse_other_scale
from bench.errors import PluginError, UsageError
from bench.names import submitted_label
from bench.predictions import constant_values, long_predictions
from bench.split import Fold, Split
from bench.store import PREDICTIONS, Record, Store
from bench.submission_file import read_predictions


def submit(path: Path, method: str, cohort: Cohort, split: Split, store: Store) -> list[Cell]:
    """Put a file of test predictions into the store, as cells of the row ``METHOD (submitted)``.

    Parameters
    ----------
    path
        CSV with the columns ``case_id``, ``task`` and ``prediction`` (P(positive), or the value in the task's
        unit), one row a tested case and task; ``seed`` (0 where absent) and ``fold`` (counted from 0, checked
        where present). Other columns, such as those of ``bench predictions``, are passed over. A task without
        any row is one that the method does not predict; it has no value there.
    method
        Name of the row.

    Returns
    -------
    list of Cell
        One a seed and fold.

    Raises
    ------
    UsageError
        The file lacks a column, a row or a value, has a column twice or a seed or fold that is no whole
        number, holds an unknown case or task, a case twice or in the wrong fold, or does not predict every
        tested case of each of its tasks, or predicts a status on another scale; or the row has no name.
        Nothing is stored then.
    PluginError
        A prediction is not a finite number within the task's bounds.
    """
    if not method.strip():
        raise UsageError("the submitted row has no name; give one with --method NAME")
    table = read_predictions(path)
    _check_names(table, cohort, split, path)
    refuse_other_scale(table, cohort, str(path))
    predicted = [task.name for task in cohort.tasks if (table["task"] == task.name).any()]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    checked = []
    for seed in sorted(table["seed"].unique().tolist()):
        said = table[table["seed"] == seed]
        for fold in split.folds:
            cell = _cell(submitted_label(method), digest, cohort, split, fold, seed)
            checked.append((cell, fold, _fold_predictions(said, cell, cohort, fold, predicted, path)))
    # Nothing is stored before all is checked: a refused file must not replace a good one.
    for cell, fold, predictions in checked:
        store.commit(cell, _record(cell, cohort, split, fold, path), {PREDICTIONS: predictions})
    return [cell for cell, _, _ in checked]


def submitted_before(method: str, cohort: Cohort, split: Split, store: Store) -> bool:
    """Whether the store has predictions that were submitted under this name; the last ones are shown."""
    label = submitted_label(method)
    return any(record["method"] == label for _, record in store.records(cohort.name, split.name))


def _check_names(table: pd.DataFrame, cohort: Cohort, split: Split, path: Path) -> None:
    """Refuse unknown tasks, cases that are not tested, repeated rows and wrong folds, each by name."""
    tasks = [task.name for task in cohort.tasks]
    odd = table.loc[~table["task"].isin(tasks), "task"]
    if len(odd):
        raise UsageError(f"{path} predicts the task {odd.iloc[0]!r}; {cohort.name} has {', '.join(tasks)}")
    tested = {case_id: fold.index for fold in split.folds for case_id in fold.test}
    stranger = table.loc[~table["case_id"].isin(list(tested)), "case_id"]
    if len(stranger):
        raise UsageError(
            f"{path} predicts {stranger.iloc[0]!r} and {stranger.nunique() - 1} more cases that "
            f"{split.name} does not test on {cohort.name}; it tests {len(tested)}"
        )
    twice = table[table.duplicated(["seed", "case_id", "task"])]
    if len(twice):
        _refuse_several_methods(table, path)
        seed, case_id, task = twice[["seed", "case_id", "task"]].iloc[0]
        raise UsageError(f"{path} predicts {task} of {case_id!r} twice for the seed {seed}, expected once")
    if "fold" in table:
        right = table["case_id"].map(tested)
        wrong = table[table["fold"] != right]
        if len(wrong):
            first = wrong.iloc[0]
            raise UsageError(
                f"{path} has {first['case_id']!r} in fold {first['fold']}, it is tested in fold "
                f"{tested[first['case_id']]} of {split.name} (counted from 0, fingerprint "
                f"{split.fingerprint[:12]}); see `bench predictions`"
            )


def _refuse_several_methods(table: pd.DataFrame, path: Path) -> None:
    """Raise UsageError where a file holds the rows of several methods, as `bench predictions` writes them."""
    names = sorted(table["method"].unique()) if "method" in table else []
    if len(names) > 1:
        raise UsageError(
            f"{path} holds predictions of {len(names)} methods ({', '.join(names)}); keep the rows of one"
        )


def _fold_predictions(
    said: pd.DataFrame, cell: Cell, cohort: Cohort, fold: Fold, predicted: Sequence[str], path: Path
) -> pd.DataFrame:
    """The long table of a fold; raises UsageError where a case of a predicted task is lacking."""
    wide = said.pivot(index="case_id", columns="task", values="prediction").reindex(list(fold.test))
    wide = wide.reindex(columns=list(predicted))
    rows, columns = np.nonzero(wide.isna().to_numpy())
    if len(rows):
        first = f"{wide.columns[columns[0]]} of {wide.index[rows[0]]!r}"
        raise UsageError(
            f"{path} lacks {len(rows)} predictions of fold {fold.index}, such as {first}, for the seed "
            f"{cell.seed}; every tested case is predicted once, or a task is left out altogether"
        )
    returned = {task: wide[task].to_numpy() for task in wide}
    try:
        tasks = tuple(task for task in cohort.tasks if task.name in returned)
        tested = replace(cohort.take(fold.test), tasks=tasks)
        return long_predictions(cell.method, returned, tested, fold.index, cell.seed)
    except PluginError as error:
        raise PluginError(f"{path}: {error}") from error


def _cell(method: str, digest: str, cohort: Cohort, split: Split, fold: Fold, seed: int) -> Cell:
    identity = {
        "cohort": cohort.fingerprint,
        "split": split.fingerprint,
        "method": method,
        "code": digest,
        "fold": fold.index,
        "seed": seed,
    }
    name = hashlib.sha256(repr(sorted(identity.items())).encode()).hexdigest()
    return Cell(cohort.name, split.name, method, fold.index, seed, identity, name)


def _record(cell: Cell, cohort: Cohort, split: Split, fold: Fold, path: Path) -> Record:
    """What is known of predictions that were made elsewhere: no time, no environment, no parameters."""
    return {
        "id": cell.id,
        "identity": dict(cell.identity),
        "cohort": cohort.name,
        "split": split.name,
        "method": cell.method,
        "submitted": path.name,
        "synthetic": cohort.synthetic,
        "cases": {"train": len(fold.train), "val": len(fold.val), "test": len(fold.test)},
        "constants": constant_values(cohort.take(fold.train)),
        "status": "ok",
        "reason": "",
        "ended": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
