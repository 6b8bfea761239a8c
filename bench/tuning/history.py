"""The studies of a tuned row as `bench tuning` shows them: history, winners, what they were worth."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import StoreError, UsageError
from bench.predictions.results import MethodResult, Results
from bench.store.store import Store
from bench.tuning.overtuning import default_of, outer_score, tuned_methods
from bench.tuning.tune import JOURNAL, load_trials

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

# A forest needs some trials to tell parameters apart; fewer give no importances.
MIN_TRIALS = 4


@dataclass(frozen=True)
class FoldStudy:
    """The study of one cell.

    Parameters
    ----------
    seed, fold
        Of the cell.
    record
        What the cell's record says of its tuning.
    trials
        In their order.
    outer_default, outer_tuned
        The objective on the tested cases, with the parameters of trial 0 (NaN where that row is not in the
        store) and with the best ones.
    """

    seed: int
    fold: int
    record: dict[str, Any]
    trials: Sequence["FrozenTrial"] = field(repr=False)
    outer_default: float
    outer_tuned: float

    @property
    def gap(self) -> float:
        """Inner minus outer score of the best trial."""
        return float(self.record["inner_best"] - self.outer_tuned)

    @property
    def name(self) -> str:
        """Seed and fold, as tables count them."""
        return f"seed {self.seed} fold {self.fold}"


def tuned_row(results: Results, name: str) -> MethodResult:
    """The tuned row of that name, or of the method of that name.

    Raises
    ------
    UsageError
        There is none, or there are several of that method.
    """
    tuned = [method for method in tuned_methods(results) if method.records]
    found = [method for method in tuned if method.label == name] or [
        method for method in tuned if method.records[0]["identity"]["method"] == name
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{name} has several tuned rows, name one: {', '.join(method.label for method in found)}"
        )
    known = ", ".join(method.label for method in tuned) or "none"
    raise UsageError(f"no tuned row of {name!r} here; tuned: {known}; `bench run --trials N` makes one")


def fold_studies(method: MethodResult, results: Results, store: Store) -> list[FoldStudy]:
    """The study of every finished cell of a tuned row; raises StoreError where a journal is gone."""
    folders = {record.id: folder for folder, record in store.records(results.cohort, results.split)}
    default = default_of(method, results)
    return [_fold_study(record, folders[record["id"]], method, default, results) for record in method.records]


def history_rows(studies: Sequence[FoldStudy]) -> list[dict[str, Any]]:
    """A row a cell: how many trials ended how, and inner and outer scores before and after."""
    return [
        {
            "seed": study.seed,
            "fold": study.fold,
            "trials": study.record["trials"],
            "finished": study.record["finished"],
            "pruned": study.record["pruned"],
            "failed": study.record["failed"],
            "best_trial": study.record["best_trial"],
            "inner_default": _rounded(study.record["inner_default"]),
            "inner_best": _rounded(study.record["inner_best"]),
            "outer_default": _rounded(study.outer_default),
            "outer_tuned": _rounded(study.outer_tuned),
            "gap": _rounded(study.gap),
            "seconds": study.record["seconds"],
        }
        for study in studies
    ]


def parameter_rows(studies: Sequence[FoldStudy]) -> list[dict[str, Any]]:
    """A row a cell with the best parameters; below them, what trial 0 had."""
    names = sorted({name for study in studies for name in study.record["params"]})
    rows = [
        {"seed": study.seed, "fold": study.fold, **{name: study.record["params"].get(name) for name in names}}
        for study in studies
    ]
    first = studies[0].trials[0].params
    return [*rows, {"seed": None, "fold": "default", **{name: first.get(name) for name in names}}]


def importance_rows(studies: Sequence[FoldStudy]) -> list[dict[str, Any]]:
    """A row a parameter, the most important first: mean, least and most of the cells, and each cell's value.

    Functional ANOVA (Hutter et al. 2014): the share of the variance of the inner score over the space that
    a parameter explains by itself, from a random forest of the completed trials. Cells with fewer than four
    of these, or whose scores do not differ, have none.
    """
    each = {study.name: _importances(study) for study in studies}
    each = {name: found for name, found in each.items() if found}
    names = sorted({parameter for found in each.values() for parameter in found})
    rows = [
        _importance_row(parameter, {name: round(found[parameter], 3) for name, found in each.items()})
        for parameter in names
    ]
    return sorted(rows, key=lambda row: -row["importance"])


def _importance_row(parameter: str, each: dict[str, float]) -> dict[str, Any]:
    values = list(each.values())
    mean = round(float(np.mean(values)), 3)
    return {
        "parameter": parameter,
        "importance": mean,
        "least": min(values),
        "most": max(values),
        "cells": each,
    }


def _fold_study(
    record: Any, folder: Path, method: MethodResult, default: MethodResult | None, results: Results
) -> FoldStudy:
    seed, fold = record["identity"]["seed"], record["identity"]["fold"]
    if not (folder / JOURNAL).is_file():
        raise StoreError(f"{folder} has lost its {JOURNAL}; remove the cell and run it again")
    outer = float("nan") if default is None else outer_score(default, results, seed, fold)
    return FoldStudy(
        seed,
        fold,
        record["tuning"],
        load_trials(folder / JOURNAL),
        outer_default=outer,
        outer_tuned=outer_score(method, results, seed, fold),
    )


def _importances(study: FoldStudy) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    if len(complete) < MIN_TRIALS or len({trial.value for trial in complete}) == 1:
        return {}
    again = optuna.create_study(direction="maximize")
    again.add_trials(complete)
    return get_param_importances(again, evaluator=FanovaImportanceEvaluator(seed=0))


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(value, 4)
