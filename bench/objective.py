"""What tuning maximises: one number over the tasks, from the predictions of judged cases."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Task
from bench.metrics.area import auc


def mean_skill(
    tasks: Iterable[Task],
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    constants: Mapping[int, Mapping[str, float]],
) -> float:
    r"""Mean over the ranked tasks of the share of the way from the constant predictor to perfection.

    .. math:: s_\text{binary} = \frac{\mathrm{AUC} - 1/2}{1/2}, \qquad
              s_\text{continuous} = 1 - \frac{\sum_i |x_i - y_i|}{\sum_i |c_{f(i)} - y_i|}

    where :math:`c_f` is the median of the training cases of fold :math:`f`, and the AUC counts pairs of cases
    of the same fold. Both are 1 for perfect predictions and 0 for the constant predictor, so that no task
    outweighs another by its unit. A task that cannot be scored is left out: a binary one without both classes
    in any fold, a continuous one whose labels are unknown or all equal to the constant.

    Parameters
    ----------
    tasks
        Those that are not ranked are passed over.
    truth
        Indexed by case id, a column a task, NaN where unknown.
    predictions
        The long table: ``case_id``, ``task``, ``fold`` and ``prediction``.
    constants
        Fold to task to the constant prediction.

    Returns
    -------
    float
        At most 1, below 0 where worse than the constant; a binary task is at least -1, a continuous one has
        no lower bound. NaN where no task can be scored.
    """
    skills = [_skill(task, truth, predictions, constants) for task in tasks if task.ranked]
    scored = [skill for skill in skills if not np.isnan(skill)]
    return float(np.mean(scored)) if scored else float("nan")


def _skill(
    task: Task,
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    constants: Mapping[int, Mapping[str, float]],
) -> float:
    mine = predictions[predictions["task"] == task.name]
    labels = truth.loc[mine["case_id"], task.name].to_numpy(dtype=float)
    known = ~np.isnan(labels)
    mine, labels = mine[known], labels[known]
    said, fold = mine["prediction"].to_numpy(dtype=float), mine["fold"].to_numpy()
    if task.kind == "binary":
        return 2 * auc(labels, said, fold) - 1
    constant = np.array([constants[int(its)][task.name] for its in fold])
    least = float(np.abs(constant - labels).sum())
    return 1 - float(np.abs(said - labels).sum()) / least if least else float("nan")
