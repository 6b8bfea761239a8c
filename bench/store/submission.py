"""Outsiders' predictions: checked as strictly as those of a method, and stored beside them."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, UsageError, parameter
from bench.predictions.results import submitted_label
from bench.predictions.table import long_predictions
from bench.splits.fold import Fold
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.doubts import refuse_other_scale
from bench.store.record import CellRecord, planned_record
from bench.store.store import OK, PREDICTIONS, VALIDATION, Store
from bench.store.submission_file import read_predictions
from bench.store.submitted_validation import of_fold, read_validation


def submit(
    path: Path, method: str, cohort: Cohort, split: Split, store: Store, validation: Path | None = None
) -> list[Cell]:
    """Put a file of test predictions into the store, as cells of the row ``METHOD (submitted)``.

    Parameters
    ----------
    path
        CSV with the columns ``case_id``, ``task`` and ``prediction`` (P(positive), or the value in the task's
        unit), one row a tested case and task; ``seed`` (0 where absent) and ``fold`` (from 0, checked where
        present). Other columns are passed over. A task without any row is not predicted.
    method, validation
        Name of the row; the same of each fold's validation cases, for the same seeds and tasks.

    Returns
    -------
    list of Cell
        One a seed and fold.

    Raises
    ------
    UsageError
        A file lacks a column, a row or a value, names what the split does not test, or a case twice, or
        predicts on another scale; or the row has no name. Nothing is stored then.
    PluginError
        A prediction is not a finite number within the task's bounds.
    """
    if not method.strip():
        raise UsageError(f"the submitted row has no name; give one with {parameter('method', 'NAME')}")
    table = read_predictions(path)
    _check_names(table, cohort, split, path)
    refuse_other_scale(table, cohort, str(path))
    predicted = [task.name for task in cohort.tasks if (table["task"] == task.name).any()]
    files = [path] if validation is None else [path, validation]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    validated = None if validation is None else read_validation(validation, cohort, split)
    checked = []
    for seed in sorted(table["seed"].unique().tolist()):
        for fold in split.folds:
            cell = _cell(submitted_label(method), digest, cohort, split, fold, seed)
            said = table[table["seed"] == seed]
            tables = {PREDICTIONS: _long(said, cell, cohort, fold.test, predicted, path, "tested")}
            if validated is not None and validation is not None:
                mine = of_fold(validated, seed, fold)
                tables[VALIDATION] = _long(mine, cell, cohort, fold.val, predicted, validation, "validation")
            checked.append((cell, tables))
    # Nothing is stored before all is checked: a refused file must not replace a good one.
    for cell, tables in checked:
        store.commit(cell, _record(cell, cohort, split, path), tables)
    return [cell for cell, _ in checked]


def submitted_before(method: str, cohort: Cohort, split: Split, store: Store) -> bool:
    """Whether the store has predictions that were submitted under this name; the last ones are shown."""
    label = submitted_label(method)
    return any(record.method == label for _, record in store.records(cohort.name, split.name))


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


def _long(
    said: pd.DataFrame,
    cell: Cell,
    cohort: Cohort,
    case_ids: Sequence[str],
    predicted: Sequence[str],
    path: Path,
    part: str,
) -> pd.DataFrame:
    """The long table of a part of a fold; raises UsageError where a case of a predicted task is lacking."""
    wide = said.pivot(index="case_id", columns="task", values="prediction").reindex(list(case_ids))
    wide = wide.reindex(columns=list(predicted))
    rows, columns = np.nonzero(wide.isna().to_numpy())
    if len(rows):
        first = f"{wide.columns[columns[0]]} of {wide.index[rows[0]]!r}"
        raise UsageError(
            f"{path} lacks {len(rows)} predictions of fold {cell.fold}, such as {first}, for the seed "
            f"{cell.seed}; every {part} case is predicted once, or a task is left out altogether"
        )
    returned = {task: wide[task].to_numpy() for task in wide}
    try:
        tasks = tuple(task for task in cohort.tasks if task.name in returned)
        return long_predictions(
            cell.method, returned, replace(cohort.take(case_ids), tasks=tasks), cell.fold, cell.seed
        )
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


def _record(cell: Cell, cohort: Cohort, split: Split, path: Path) -> CellRecord:
    """What is known of predictions that were made elsewhere: no time, no environment, no parameters."""
    return replace(
        planned_record(cell, cohort, split),
        status=OK,
        submitted=path.name,
        ended=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    )
