"""What makes predictions from elsewhere look as if they were of another scale or class than meant."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.inference import auc_interval, delong
from bench.metrics.metric import Array
from bench.task import Task

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
    return [
        f"{task.name}: {text}"
        for task, mine in _labelled(predictions, cohort)
        for text in (*_of_scale(mine, task, cohort), *_of_class(mine, task, cohort))
    ]


def scale_doubts(predictions: pd.DataFrame, cohort: Cohort) -> list[str]:
    """Those of :func:`doubts` that are about the scale: decisions for probabilities, or another unit."""
    found = _labelled(predictions, cohort)
    return [f"{task.name}: {text}" for task, mine in found for text in _of_scale(mine, task, cohort)]


def _labelled(predictions: pd.DataFrame, cohort: Cohort) -> Iterator[tuple[Task, pd.DataFrame]]:
    """The predictions of each task for the cases with a label, where there are any."""
    for task in cohort.tasks:
        mine = predictions[predictions["task"] == task.name]
        known = cohort.table.loc[mine["case_id"], task.name].notna().to_numpy()
        if known.any():
            yield task, mine[known]


def _of_scale(mine: pd.DataFrame, task: Task, cohort: Cohort) -> Sequence[str]:
    return _of_status(mine) if task.kind == "binary" else _of_value(mine, task, cohort)


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


def _of_status(mine: pd.DataFrame) -> Sequence[str]:
    """Decisions in place of probabilities."""
    if set(mine["prediction"].unique()) != {0.0, 1.0}:
        return []
    return [
        "every prediction is 0 or 1; an AUC of decisions is lower than that of the probabilities they "
        "came from: submit P(positive)"
    ]


def _of_class(mine: pd.DataFrame, task: Task, cohort: Cohort) -> Sequence[str]:
    """Probabilities of the other class."""
    if task.kind != "binary":
        return []
    one = mine[mine["seed"] == mine["seed"].min()]
    areas = delong(
        _truth(one, task, cohort),
        [one["prediction"].to_numpy(dtype=float)[None]],
        one["fold"].to_numpy(),
        cohort.table.loc[one["case_id"], "patient_id"].to_numpy(dtype=object),
    )
    interval = auc_interval(areas, 0)
    if not interval.high < 0.5:
        return []
    return [
        f"AUC {areas.auc[0]:.3f} [{interval.low:.3f}, {interval.high:.3f}] lies below 0.5; probabilities "
        "of the negative class look so: submit P(positive)"
    ]


def _truth(mine: pd.DataFrame, task: Task, cohort: Cohort) -> Array:
    truth: Array = cohort.table.loc[mine["case_id"], task.name].to_numpy(dtype=float)
    return truth
