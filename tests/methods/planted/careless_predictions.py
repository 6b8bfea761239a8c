"""Mistakes in what is predicted."""

from dataclasses import dataclass
from typing import Any, Self
from zlib import crc32

import numpy as np
import torch
from scipy.stats import rankdata

from bench import Cohort, Run
from tests.methods.planted.honest import Volume

Predictions = dict[str, Any]


@dataclass
class Column(Volume):
    """Predictions of shape (case, 1)."""

    def predict(self, cohort: Cohort) -> Predictions:
        return {task: values[:, None] for task, values in super().predict(cohort).items()}


@dataclass
class Logits(Volume):
    """Logits in place of probabilities."""

    def predict(self, cohort: Cohort) -> Predictions:
        return {task: np.log(values + 1e-3) * 5 for task, values in super().predict(cohort).items()}


@dataclass
class TaskForgotten(Volume):
    """Nothing for the last task."""

    def predict(self, cohort: Cohort) -> Predictions:
        return dict(list(super().predict(cohort).items())[:-1])


@dataclass
class NotANumber(Volume):
    """NaN where a case is far from the mean."""

    def predict(self, cohort: Cohort) -> Predictions:
        found = super().predict(cohort)
        return {task: np.where(values > np.median(values), np.nan, values) for task, values in found.items()}


@dataclass
class Words(Volume):
    """Classes as words."""

    def predict(self, cohort: Cohort) -> Predictions:
        return {
            task: np.where(values > 0.5, "positive", "negative")
            for task, values in super().predict(cohort).items()
        }


@dataclass
class NoSelf(Volume):
    """A fit that returns nothing."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        super().fit(train, val, run)
        return None  # type: ignore[return-value]


@dataclass
class Unseeded(Volume):
    """A generator without a seed."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        super().fit(train, val, run)
        jitter = np.random.default_rng().normal(0, 0.01, 3)
        self.weights = {task: weights + jitter for task, weights in self.weights.items()}
        return self


@dataclass
class FixedSeed(Volume):
    """A seed of its own."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        super().fit(train, val, run)
        jitter = np.random.default_rng(42).normal(0, 0.01, 3)
        self.weights = {task: weights + jitter for task, weights in self.weights.items()}
        return self


@dataclass
class FixedTorchSeed(Volume):
    """A torch seed of its own, read from a variable."""

    torch_seed: int = 1234

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        super().fit(train, val, run)
        torch.manual_seed(self.torch_seed)
        jitter = 0.01 * torch.randn(3).numpy()
        self.weights = {task: weights + jitter for task, weights in self.weights.items()}
        return self


@dataclass
class TestStatistics(Volume):
    """Features on the scale of the cases that are predicted."""

    def inputs(self, cohort: Cohort) -> np.ndarray:
        features = self.features(cohort)
        normal = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
        return np.concatenate([normal, np.ones((len(cohort), 1))], axis=1)


@dataclass
class Ranked(Volume):
    """Predictions by their rank among the test cases."""

    def predict(self, cohort: Cohort) -> Predictions:
        found = super().predict(cohort)
        return {task: rankdata(values) / len(values) for task, values in found.items()}


@dataclass
class BatchNormInTraining(Volume):
    """A network that was never set to eval()."""

    def predict(self, cohort: Cohort) -> Predictions:
        layer = torch.nn.BatchNorm1d(1, dtype=torch.float64)
        layer.running_mean, layer.momentum = torch.full((1,), 0.5, dtype=torch.float64), 0.0
        found = super().predict(cohort)
        layer.train(len(cohort) > 1)
        with torch.no_grad():
            return {task: self.squeezed(layer, values) for task, values in found.items()}

    def squeezed(self, layer: torch.nn.Module, values: np.ndarray) -> np.ndarray:
        return layer(torch.tensor(values[:, None])).sigmoid().numpy()[:, 0]


@dataclass
class SortedCases(Volume):
    """Predictions in the order of the case ids, whatever order the cases have."""

    def predict(self, cohort: Cohort) -> Predictions:
        return super().predict(cohort.take(sorted(cohort.case_ids)))


@dataclass
class Drifting(Volume):
    """A running mean that each prediction moves."""

    def predict(self, cohort: Cohort) -> Predictions:
        self.centre = 0.9 * self.centre + 0.1 * self.features(cohort).mean(axis=0)
        return super().predict(cohort)


@dataclass
class DropoutOn(Volume):
    """Dropout that is still on when cases are predicted."""

    def inputs(self, cohort: Cohort) -> np.ndarray:
        dropped = torch.nn.functional.dropout(torch.tensor(super().inputs(cohort)), 0.5, training=True)
        return dropped.numpy()


@dataclass
class Collapsed(Volume):
    """Features that are lost on the way: every case gets the same value."""

    def features(self, cohort: Cohort) -> np.ndarray:
        return np.zeros_like(super().features(cohort))


@dataclass
class NameAsFeature(Volume):
    """The number in a case's name as a feature."""

    def features(self, cohort: Cohort) -> np.ndarray:
        found = super().features(cohort)
        found[:, 1] = [crc32(case_id.encode()) % 97 for case_id in cohort.case_ids]
        return found
