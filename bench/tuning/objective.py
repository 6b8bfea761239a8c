"""What a trial is evaluated on, and the one number that comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.metrics.skill import TaskCases, mean_of_skills
from bench.predictions.table import constant_values
from bench.task import Task


@dataclass(frozen=True)
class Inner:
    """Cases that a trial learns from, that stop it early, and that it is evaluated on."""

    train: Cohort
    val: Cohort
    evaluated: Cohort


class Objective:
    """Mean skill over the ranked tasks (:func:`bench.metrics.skill.mean_skill`) on the cases of all parts."""

    def __init__(self, parts: Sequence[Inner]) -> None:
        constants = [constant_values(part.train) for part in parts]
        ranked = [task for task in parts[0].train.tasks if task.ranked]
        self.cases = [_cases(task, parts, constants) for task in ranked]

    @property
    def baseline(self) -> float:
        """That of the baseline's predictions; NaN where no task can be scored."""
        return mean_of_skills(entry.skill(entry.constant) for entry in self.cases)

    def value(self, predictions: Sequence[Mapping[str, np.ndarray]]) -> float:
        """That of a trial, from a mapping of task to predictions of shape (case,) for each part."""
        return mean_of_skills(
            entry.skill(np.concatenate([part[entry.task.name] for part in predictions]))
            for entry in self.cases
        )


def _cases(task: Task, parts: Sequence[Inner], constants: Sequence[Mapping[str, float]]) -> TaskCases:
    """Those of all parts, one after the other; a part with nothing to learn from scores no case."""
    sizes = [len(part.evaluated) for part in parts]
    labels = np.concatenate([part.evaluated.labels(task.name) for part in parts])
    constant = np.repeat([learnt.get(task.name, np.nan) for learnt in constants], sizes)
    fold = np.repeat(np.arange(len(parts)), sizes)
    return TaskCases(task, np.where(np.isnan(constant), np.nan, labels), fold, constant)
