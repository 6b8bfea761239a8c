"""Outsiders' predictions: checked as strictly as those of a method, and stored beside them."""

import hashlib
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cells import Cell
from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, UsageError
from bench.predictions import constant_values, long_predictions
from bench.split import Fold, Split
from bench.store import PREDICTIONS, Record, Store

REQUIRED = ("case_id", "task", "prediction")
OPTIONAL = ("fold", "seed")


def submit(path: Path, method: str, cohort: Cohort, split: Split, store: Store) -> list[Cell]:
    """Put a file of test predictions into the store, as cells of the row ``METHOD (submitted)``.

    Parameters
    ----------
    path
        CSV with the columns ``case_id``, ``task`` and ``prediction`` (P(positive), or the value in the task's
        unit), one row a tested case and task; ``seed`` (0 where absent) and ``fold`` (counted from 0, checked
        where present). Other columns, such as those of ``bench predictions``, are passed over.
    method
        Name of the row.

    Returns
    -------
    list of Cell
        One a seed and fold.

    Raises
    ------
    UsageError
        The file lacks a column or a value, holds an unknown case or task, a case twice or in the wrong fold,
        or does not predict every tested case of every task.
    PluginError
        A prediction is not a finite number within the task's bounds.
    """
    table = read_predictions(path)
    _check_names(table, cohort, split, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    cells = []
    for seed in sorted(table["seed"].unique().tolist()):
        said = table[table["seed"] == seed]
        for fold in split.folds:
            cell = _cell(f"{method} (submitted)", digest, cohort, split, fold, int(seed))
            predictions = _fold_predictions(said, cell, cohort, fold, path)
            store.commit(cell, _record(cell, cohort, split, fold, path), {PREDICTIONS: predictions})
            cells.append(cell)
    return cells


def read_predictions(path: Path) -> pd.DataFrame:
    """The file's rows: ``case_id``, ``task``, ``prediction``, ``seed`` and, where it has one, ``fold``."""
    try:
        table = pd.read_csv(path, dtype={"case_id": str, "task": str})
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as CSV: {error}") from error
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        has = ", ".join(table.columns)
        raise UsageError(f"{path} has the columns {has}, expected {', '.join(REQUIRED)} too")
    table = table.assign(seed=table.get("seed", 0))
    kept = table[[name for name in (*REQUIRED, *OPTIONAL) if name in table]]
    for name in kept:
        if kept[name].isna().any():
            line = int(kept[name].isna().to_numpy().argmax()) + 2
            raise UsageError(f"{path} line {line} has no {name}; every row must have one")
    return kept


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


def _fold_predictions(said: pd.DataFrame, cell: Cell, cohort: Cohort, fold: Fold, path: Path) -> pd.DataFrame:
    wide = said.pivot(index="case_id", columns="task", values="prediction").reindex(list(fold.test))
    wide = wide.reindex(columns=[task.name for task in cohort.tasks])
    rows, columns = np.nonzero(wide.isna().to_numpy())
    if len(rows):
        first = f"{wide.columns[columns[0]]} of {wide.index[rows[0]]!r}"
        raise UsageError(
            f"{path} lacks {len(rows)} predictions of fold {fold.index}, such as {first}, for the seed "
            f"{cell.seed}; every tested case of every task is predicted once"
        )
    returned = {task: wide[task].to_numpy() for task in wide}
    try:
        return long_predictions(cell.method, returned, cohort.take(fold.test), fold.index, cell.seed)
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
