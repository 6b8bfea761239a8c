"""The baseline predictor."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.methods.method import Predictions, Run
from bench_zoo.targets import constant_prediction

FILE = "constant.json"


@dataclass
class Constant:
    """Training prevalence of a binary task, training median of a continuous one, for every case.

    Those are the constants of least log loss and of least mean absolute error. A task without any training
    label gets 0.5 or the middle of its range.
    """

    values: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Remember one number a task; ``val`` and ``run`` have nothing to say."""
        self.values = {task.name: constant_prediction(task, train.labels(task.name)) for task in train.tasks}
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """The same number for every case."""
        return {task: np.full(len(cohort), value) for task, value in self.values.items()}

    def count_parameters(self) -> int:
        """One a task."""
        return len(self.values)

    def save(self, folder: Path) -> None:
        """Write the numbers as JSON."""
        (folder / FILE).write_text(json.dumps(self.values), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        method = cls()
        method.values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return method
