"""What tuning maximises: one number over the tasks, from the predictions of inner-validation cases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.metrics.area import auc
from bench.metrics.metric import Array
from bench.task import Task


@dataclass(frozen=True, eq=False)
class TaskCases:
    """The cases that predictions of one task are set against.

    Parameters
    ----------
    task
        Binary or continuous.
    labels
        NaN where unknown, shape (case,).
    fold
        Of each case, shape (case,).
    constant
        The baseline's prediction, shape (case,).
    """

    task: Task
    labels: Array
    fold: NDArray[np.generic]
    constant: Array

    def skill(self, prediction: Array) -> float:
        """See :func:`mean_skill`; ``prediction`` has shape (case,)."""
        known = ~np.isnan(self.labels)
        labels, said = self.labels[known], prediction[known]
        if self.task.kind == "binary":
            return 2 * auc(labels, said, self.fold[known]) - 1
        least = float(np.abs(self.constant[known] - labels).sum())
        return 1 - float(np.abs(said - labels).sum()) / least if least else float("nan")


def mean_of_skills(skills: Iterable[float]) -> float:
    """Mean over the tasks that can be scored; NaN where there is none."""
    scored = [skill for skill in skills if not np.isnan(skill)]
    return float(np.mean(scored)) if scored else float("nan")


def mean_skill(
    tasks: Iterable[Task],
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    constants: Mapping[int, Mapping[str, float]],
) -> float:
    r"""Mean over the ranked tasks of the share of the way from the baseline to perfection.

    .. math:: s_\text{binary} = \frac{\mathrm{AUC} - 1/2}{1/2}, \qquad
              s_\text{continuous} = 1 - \frac{\sum_i |x_i - y_i|}{\sum_i |c_{f(i)} - y_i|}

    where :math:`c_f` is the median of the training cases of fold :math:`f`, and the AUC counts pairs of cases
    of the same fold. Both are 1 for perfect predictions and 0 for the baseline, so that no task
    outweighs another by its unit. A task that cannot be scored is left out: a binary one without both classes
    in any fold, a continuous one whose labels are unknown or all equal to the baseline's value.

    Parameters
    ----------
    tasks
        Those that are not ranked are passed over.
    truth
        Indexed by case id, a column a task, NaN where unknown.
    predictions
        The long table: ``case_id``, ``task``, ``fold`` and ``prediction``.
    constants
        Fold to task to the baseline's prediction.

    Returns
    -------
    float
        At most 1, below 0 where worse than the baseline; a binary task is at least -1, a continuous one has
        no lower bound. NaN where no task can be scored.
    """
    return mean_of_skills(_skill(task, truth, predictions, constants) for task in tasks if task.ranked)


def _skill(
    task: Task,
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    constants: Mapping[int, Mapping[str, float]],
) -> float:
    mine = predictions[predictions["task"] == task.name]
    labels = truth.loc[mine["case_id"], task.name].to_numpy(dtype=float)
    fold = mine["fold"].to_numpy()
    constant = np.array([constants[int(one)].get(task.name, np.nan) for one in fold])
    return TaskCases(task, labels, fold, constant).skill(mine["prediction"].to_numpy(dtype=float))
