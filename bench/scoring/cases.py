"""Predictions case by case: how far each is from the truth, and how far methods disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from bench.metrics import METRICS, Array
from bench.predictions.results import MethodResult, Results
from bench.scoring.sample import sample_of, shared_folds, with_values
from bench.scoring.seeds import on_shared_seeds
from bench.task import Task


@dataclass(frozen=True, eq=False)
class MethodCases:
    """What one method predicts for the cases of a task, each of shape (case,).

    Parameters
    ----------
    prediction, spread
        Mean and standard deviation over training seeds; the latter is NaN with a single seed.
    threshold
        Mean over seeds of the threshold from which the prediction of a binary task is positive; NaN where
        there is none.
    """

    prediction: Array
    spread: Array
    threshold: Array


@dataclass(frozen=True, eq=False)
class TaskCases:
    """The scored cases of one task, in the order of their ids.

    Parameters
    ----------
    site, fold, truth
        Of each case, shape (case,).
    methods
        Those with a value, by label.
    """

    task: Task
    case_ids: tuple[str, ...]
    site: Sequence[str]
    fold: Sequence[int]
    truth: Array
    methods: Mapping[str, MethodCases]

    def error(self, method: str) -> Array:
        """Absolute difference of mean prediction and truth (1 or 0 of a binary task), shape (case,)."""
        difference: Array = np.abs(self.methods[method].prediction - self.truth)
        return difference

    @property
    def mean_error(self) -> Array:
        """Mean of :meth:`error` over the methods, shape (case,)."""
        mean: Array = np.mean([self.error(method) for method in self.methods], axis=0)
        return mean

    @property
    def disagreement(self) -> Array:
        """Standard deviation between the predictions of the methods, shape (case,)."""
        spread: Array = np.std([one.prediction for one in self.methods.values()], axis=0)
        return spread


def task_cases(results: Results) -> tuple[TaskCases, ...]:
    """The scored cases of every task for which some method has a value.

    Raises StoreError where predictions and truth contradict each other.
    """
    shared = on_shared_seeds(results)
    found = (_task_cases(shared, task) for task in shared.tasks)
    return tuple(cases for cases in found if cases.methods and cases.case_ids)


def relative(values: Array) -> Array:
    """Rank of each value among all, from near 0 to 1, ties in the middle, shape (case,)."""
    ranks: Array = rankdata(values) / len(values)
    return ranks


def _task_cases(results: Results, task: Task) -> TaskCases:
    metric = METRICS["auc" if task.kind == "binary" else "mae"]
    sample = with_values(metric, sample_of(results, task, metric))
    folds = shared_folds(results, [task])
    known = results.truth.loc[folds.index, task.name].notna()
    folds = folds[known]
    of_label = {method.label: method for method in results.methods}
    return TaskCases(
        task,
        tuple(map(str, folds.index)),
        results.truth.loc[folds.index, "site"].astype(str).tolist(),
        [int(fold) for fold in folds],
        sample.truth,
        {
            label: MethodCases(
                rows.mean(axis=0),
                rows.std(axis=0, ddof=1) if len(rows) > 1 else np.full(rows.shape[1], np.nan),
                _thresholds(of_label[label], task, results.rule, list(folds)),
            )
            for label, rows in sample.predictions.items()
        },
    )


def _thresholds(method: MethodResult, task: Task, rule: str, folds: Sequence[int]) -> Array:
    """Mean threshold over seeds of each case's fold, NaN where a seed has none."""
    of_fold: dict[int, list[float]] = {}
    for threshold in method.thresholds:
        if threshold.task == task.name and threshold.rule == rule:
            of_fold.setdefault(threshold.fold, []).append(threshold.value)
    return np.array([np.mean(of_fold.get(fold, [np.nan])) for fold in folds])
