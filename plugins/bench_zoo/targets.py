"""From labels to what a model is fitted to, and from its outputs back to predictions."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.task import Task

# Labels at the very end of a bounded range have an infinite logit.
SMALLEST_FRACTION = 0.005


def constant_prediction(task: Task, labels: np.ndarray) -> float:
    """The best prediction that sees no case.

    Prevalence (binary: minimises the log loss) or median (continuous: minimises the mean absolute error) of
    the known labels; without any, 0.5 or the middle of the task's range (0 where that is unbounded).

    Parameters
    ----------
    task
        What is predicted.
    labels
        Training labels, shape (case,), NaN where unknown.
    """
    known = labels[~np.isnan(labels)]
    if known.size:
        return float(known.mean() if task.kind == "binary" else np.median(known))
    low, high = task.bounds
    guess = (low + high) / 2 if np.isfinite(low) and np.isfinite(high) else 0.0
    return float(np.clip(guess, low, high))


def is_learnable(task: Task, labels: np.ndarray) -> bool:
    """Whether the known labels differ at all: both classes, or two values."""
    return bool(np.unique(labels[~np.isnan(labels)]).size > 1)


@dataclass(frozen=True)
class Target:
    """One task on the scale a model works on; both ways.

    Binary labels stay 0 and 1, and the model's output is a logit. A continuous label becomes the logit of
    its place in the range (itself where the range is not bounded on both sides), minus the training median,
    over the training interquartile range / 1.349. The map is monotone, so the median stays the median: a
    model fitted by absolute error there predicts the median that the benchmark's MAE asks for.

    Parameters
    ----------
    task
        Name of the task.
    binary
        Kind of the task.
    low, high
        Bounds of a prediction.
    centre, scale
        Continuous: training median and spread on the unbounded scale.
    constant
        Training prevalence or median.
    learnable
        False where the training labels do not differ; every prediction is then ``constant``.
    """

    task: str
    binary: bool
    low: float
    high: float
    centre: float
    scale: float
    constant: float
    learnable: bool

    @classmethod
    def of(cls, task: Task, labels: np.ndarray) -> Self:
        """The target that training labels, shape (case,), define."""
        low, high = task.bounds
        unbounded = _unbounded(labels[~np.isnan(labels)], low, high)
        learnable = is_learnable(task, labels)
        centre, scale = 0.0, 1.0
        if task.kind == "continuous" and learnable:
            quartiles = np.quantile(unbounded, [0.25, 0.5, 0.75])
            centre = float(quartiles[1])
            # More than half of the labels may be equal: then the plain standard deviation.
            scale = float((quartiles[2] - quartiles[0]) / 1.349) or float(unbounded.std())
        constant = constant_prediction(task, labels)
        return cls(task.name, task.kind == "binary", low, high, centre, scale, constant, learnable)

    @property
    def prior(self) -> float:
        """Model output that stands for the constant prediction: the bias a head starts from."""
        if not (self.binary and self.learnable):
            return 0.0
        return float(np.log(self.constant / (1 - self.constant)))

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Labels on the model's scale, shape (case,); all NaN where nothing can be learnt."""
        if not self.learnable:
            return np.full(labels.shape, np.nan)
        if self.binary:
            return labels
        return (_unbounded(labels, self.low, self.high) - self.centre) / self.scale

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Predictions of a model's outputs, shape (case,), within the task's bounds."""
        if not self.learnable:
            return np.full(outputs.shape, self.constant)
        if self.binary:
            return _sigmoid(outputs.astype(float))
        values = outputs.astype(float) * self.scale + self.centre
        if _bounded(self.low, self.high):
            return self.low + (self.high - self.low) * _sigmoid(values)
        return np.clip(values, self.low, self.high)

    def as_json(self) -> dict[str, Any]:
        """Plain values; infinite bounds become null, since JSON has no infinity."""
        row = asdict(self)
        return {name: None if value in (np.inf, -np.inf) else value for name, value in row.items()}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """The target that :meth:`as_json` wrote."""
        low = -np.inf if row["low"] is None else row["low"]
        high = np.inf if row["high"] is None else row["high"]
        return cls(**{**row, "low": low, "high": high})


def targets_of(cohort: Cohort) -> tuple[Target, ...]:
    """A target for every task of a cohort, from its labels."""
    return tuple(Target.of(task, cohort.labels(task.name)) for task in cohort.tasks)


def encode(targets: Iterable[Target], cohort: Cohort) -> np.ndarray:
    """Labels on the model's scale, float32, shape (case, task), NaN where unknown."""
    columns = [target.encode(cohort.labels(target.task)) for target in targets]
    return np.stack(columns, axis=1).astype(np.float32)


def _bounded(low: float, high: float) -> bool:
    return bool(np.isfinite(low) and np.isfinite(high))


def _unbounded(labels: np.ndarray, low: float, high: float) -> np.ndarray:
    if not _bounded(low, high):
        return labels
    fraction = np.clip((labels - low) / (high - low), SMALLEST_FRACTION, 1 - SMALLEST_FRACTION)
    return np.log(fraction / (1 - fraction))


def _sigmoid(values: np.ndarray) -> np.ndarray:
    # The form with tanh does not overflow.
    return 0.5 * (1 + np.tanh(values / 2))
