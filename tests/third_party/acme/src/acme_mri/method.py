"""The method itself."""

from dataclasses import dataclass

import numpy as np


@dataclass
class AcmeMean:
    """Predicts the training mean of every task."""

    shrink: float = 0.0

    def fit(self, train, val, run):
        self.means = {task.name: self._mean(task, train.labels(task.name)) for task in train.tasks}
        return self

    def predict(self, cohort):
        return {name: np.full(len(cohort), mean) for name, mean in self.means.items()}

    def _mean(self, task, labels):
        low, high = task.bounds
        mean = np.nanmean(labels) if np.isfinite(labels).any() else (low + high) / 2
        return float((1 - self.shrink) * mean + self.shrink * (low + high) / 2)
