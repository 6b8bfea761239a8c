"""Methods with missing or failed cells, completed at chance instead of ranked apart."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from bench.errors import StoreError
from bench.predictions.results import MethodResult, Results, tested_folds


def at_chance(results: Results) -> Results:
    """Complete what methods do not predict with the baseline predictor's values.

    A prediction that a missing or failed cell should have made becomes the training prevalence (or median) of
    its fold. So the method is scored on the same cases as all others, and a fold without it has an AUC of
    0.5. :attr:`bench.scoring.scores.MethodResult.imputed` counts the cases. A method of which no cell was
    planned on this cohort and split (it declined, or is another's version) stays as it is.

    Raises
    ------
    StoreError
        No method records what the baseline predicts in a fold, or the predictions contradict each other,
        see :func:`bench.scoring.scores.sample_of`.
    """
    fold = tested_folds({row.label: row.predictions for row in results.methods}, results)
    said = {index: value for method in results.methods for index, value in method.constants.items()}
    methods = tuple(_completed(row, results, fold, said) for row in results.methods)
    return replace(results, methods=methods)


def _completed(
    method: MethodResult,
    results: Results,
    fold: "pd.Series[Any]",
    said: Mapping[int, Mapping[str, float]],
) -> MethodResult:
    """The method with a prediction for every planned seed, case and task."""
    seeds = method.seeds or tuple(sorted(set(method.predictions["seed"])))
    tasks = [task.name for task in results.tasks]
    if method.status == "ok" and len(method.predictions) == len(seeds) * len(fold) * len(tasks):
        return method
    wanted = pd.DataFrame(product(seeds, fold.index, tasks), columns=["seed", "case_id", "task"])
    wanted["fold"] = wanted["case_id"].map(fold)
    made = method.predictions.astype({"seed": int, "fold": int, "prediction": float})
    every = wanted.merge(made, "left", ["seed", "case_id", "task", "fold"])
    missing = every["prediction"].isna()
    if not missing.any():
        return method
    places = zip(every.loc[missing, "fold"], every.loc[missing, "task"], strict=True)
    every.loc[missing, "prediction"] = [_said(said, index, task, results) for index, task in places]
    lacking = every[missing].drop_duplicates(["case_id", "task"])
    known = {task: results.truth.index[results.truth[task].notna()] for task in tasks}
    imputed = {
        task: int(np.isin(lacking.loc[lacking["task"] == task, "case_id"], known[task]).sum())
        for task in tasks
    }
    return replace(method, predictions=every, imputed=imputed, fit_seconds=None)


def _said(said: Mapping[int, Mapping[str, float]], fold: int, task: str, results: Results) -> float:
    if task not in said.get(fold, {}):
        raise StoreError(
            f"no method tells what the baseline predictor says about {task} in fold {fold}, so nothing can "
            f"be imputed; record it with `bench run --cohort {results.cohort} --split {results.split} "
            "--method constant`"
        )
    return said[fold][task]
