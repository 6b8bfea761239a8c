"""What makes predictions from elsewhere look as if they were of another scale or class than meant."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort, Task
from bench.errors import UsageError
from bench.inference import auc_interval, delong
from bench.metrics.metric import Array

# Of values outside their bounds: more is no slip of a few cases but another scale.
SHARE_OUTSIDE = 0.1
# Between the median prediction and the median truth: no real model is off by so much.
RATIO = 20.0


def refuse_other_scale(predictions: pd.DataFrame, cohort: Cohort, source: str) -> None:
    """Raise UsageError where probabilities are given as logits or per cent, with the way to convert them.

    Parameters
    ----------
    predictions
        Columns ``task`` and ``prediction``.
    source
        What they were read from.
    """
    for task in cohort.tasks:
        values = predictions.loc[predictions["task"] == task.name, "prediction"].to_numpy(dtype=float)
        outside = (values < 0) | (values > 1)
        if task.kind != "binary" or not len(values) or outside.mean() < SHARE_OUTSIDE:
            continue
        span = f"{source} predicts {task.name} from {values.min():g} to {values.max():g}"
        if values.min() < 0:
            looks = "logits look so: give P(positive) = 1 / (1 + exp(-logit))"
        elif values.max() <= 100:
            looks = "per cent look so: divide by 100"
        else:
            continue
        raise UsageError(f"{span}, expected P(positive), from 0 to 1; {looks}")


def doubts(predictions: pd.DataFrame, cohort: Cohort) -> list[str]:
    """A sentence for each task whose predictions look wrong, with the evidence and the remedy.

    Parameters
    ----------
    predictions
        The long table: ``case_id``, ``task``, ``fold``, ``seed`` and ``prediction``.
    """
    found: list[str] = []
    for task in cohort.tasks:
        mine = predictions[predictions["task"] == task.name]
        known = cohort.table.loc[mine["case_id"], task.name].notna().to_numpy()
        if known.any():
            doubt = _of_status if task.kind == "binary" else _of_value
            found += [f"{task.name}: {text}" for text in doubt(mine[known], task, cohort)]
    return found


def _of_value(mine: pd.DataFrame, task: Task, cohort: Cohort) -> Sequence[str]:
    """Another unit: a fraction where percentage points are meant, or the reverse."""
    values, truth = mine["prediction"].to_numpy(dtype=float), _truth(mine, task, cohort)
    middle, expected = float(np.median(np.abs(values))), float(np.median(np.abs(truth)))
    if expected == 0 or expected / RATIO <= middle <= expected * RATIO:
        return []
    factor = 10.0 ** np.round(np.log10(expected / middle)) if middle else 0.0
    remedy = f"multiply by {factor:g}" if factor else "correct them"
    span = f"from {truth.min():.3g} to {truth.max():.3g} {task.unit}".rstrip()
    return [
        f"predicted from {values.min():.3g} to {values.max():.3g}, but the known values of these cases lie "
        f"{span}; {remedy} if they are in another unit"
    ]


def _of_status(mine: pd.DataFrame, task: Task, cohort: Cohort) -> Sequence[str]:
    """Decisions in place of probabilities, or probabilities of the other class."""
    found: list[str] = []
    if set(mine["prediction"].unique()) == {0.0, 1.0}:
        found.append(
            "every prediction is 0 or 1; an AUC of decisions is lower than that of the probabilities they "
            "came from: submit P(positive)"
        )
    one = mine[mine["seed"] == mine["seed"].min()]
    areas = delong(
        _truth(one, task, cohort),
        [one["prediction"].to_numpy(dtype=float)[None]],
        one["fold"].to_numpy(),
        cohort.table.loc[one["case_id"], "patient_id"].to_numpy(dtype=object),
    )
    interval = auc_interval(areas, 0)
    if interval.high < 0.5:
        found.append(
            f"AUC {areas.auc[0]:.3f} [{interval.low:.3f}, {interval.high:.3f}] lies below 0.5; probabilities "
            "of the negative class look so: submit P(positive)"
        )
    return found


def _truth(mine: pd.DataFrame, task: Task, cohort: Cohort) -> Array:
    truth: Array = cohort.table.loc[mine["case_id"], task.name].to_numpy(dtype=float)
    return truth
