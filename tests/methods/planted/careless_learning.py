"""Mistakes in how a method learns: tasks, labels, covariates, hyperparameters."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench import Cohort, Float, Int, Run, Task
from tests.methods.planted.honest import Volume

COEFFICIENTS: dict[int, dict[str, np.ndarray]] = {}


@dataclass
class NeedsEveryLabel(Volume):
    """A solver that NaN breaks."""

    def solve(self, task: Task, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        if np.isnan(labels).any():
            raise ValueError("Input y contains NaN.")
        return super().solve(task, inputs, labels)


@dataclass
class NeedsTwoClasses(Volume):
    """A classifier that refuses one class."""

    def solve(self, task: Task, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        known = np.isfinite(labels)
        if task.kind == "binary" and known.any():
            LogisticRegression().fit(inputs[known], labels[known])
        return super().solve(task, inputs, labels)


@dataclass
class KnowsErByName(Volume):
    """A task that is asked for by name."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        self.prevalence = np.nanmean(train.labels("er"))
        return super().fit(train, val, run)


@dataclass
class WeightsByName(Volume):
    """A penalty that follows the name of the task, without an error for others."""

    penalties: ClassVar[dict[str, float]] = {"her2": 50.0}

    def solve(self, task: Task, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        weights = super().solve(task, inputs, labels)
        return weights / self.penalties.get(task.name, 1.0) if task.kind == "binary" else weights


@dataclass
class FourTasks(Volume):
    """Four outputs, whatever the tasks are."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        self.order = [train.tasks[index].name for index in range(4)]
        return super().fit(train, val, run)


@dataclass
class LastIsContinuous(Volume):
    """The last task is taken for the continuous one."""

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        found = super().predict(cohort)
        last = cohort.tasks[-1].name
        return found | {last: found[last] * 1.5 + 1 if cohort.tasks[-1].kind == "binary" else found[last]}


@dataclass
class UndeclaredAge(Volume):
    """Age as a feature, and needs=("volumes",)."""

    def features(self, cohort: Cohort) -> np.ndarray:
        age = cohort.covariates("clinical")["age"].fillna(50).to_numpy(dtype=float)
        return np.stack([super().features(cohort)[:, 0], age], axis=1)


@dataclass
class UndeclaredImages(Volume):
    """Images, and needs=("clinical",)."""


@dataclass
class Covariates(Volume):
    """An honest linear model of age and vendor, for the two that spoil it."""

    def features(self, cohort: Cohort) -> np.ndarray:
        return np.stack([self.age(cohort), self.vendor(cohort)], axis=1)

    def age(self, cohort: Cohort) -> np.ndarray:
        return cohort.covariates("clinical")["age"].fillna(50).to_numpy(dtype=float)

    def vendor(self, cohort: Cohort) -> np.ndarray:
        vendors = cohort.covariates("acquisition")["vendor"].fillna("")
        return np.array([len(str(vendor)) for vendor in vendors], dtype=float)


@dataclass
class NeedsEveryAge(Covariates):
    """Ages that are missing become predictions that are missing."""

    def age(self, cohort: Cohort) -> np.ndarray:
        return cohort.covariates("clinical")["age"].to_numpy(dtype=float)


@dataclass
class KnownVendors(Covariates):
    """A vendor that was not in the training cases is a KeyError."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        seen = sorted(train.covariates("acquisition")["vendor"].fillna("none").unique())
        self.codes = {vendor: float(index) for index, vendor in enumerate([*seen, "none"])}
        return super().fit(train, val, run)

    def vendor(self, cohort: Cohort) -> np.ndarray:
        return np.array([self.codes[v] for v in cohort.covariates("acquisition")["vendor"].fillna("none")])


@dataclass
class ClassState(Volume):
    """Models kept on the class: the first fit of a process serves all later ones."""

    models: ClassVar[dict[str, Any]] = {}

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        super().fit(train, val, run)
        for task, weights in self.weights.items():
            self.models.setdefault(task, (self.centre, self.scale, weights))
        return self

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        for task in cohort.tasks:
            self.centre, self.scale, self.weights[task.name] = self.models[task.name]
        return super().predict(cohort)


@dataclass
class ModuleCache(Volume):
    """Coefficients cached by the number of training cases."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        super().fit(train, val, run)
        self.weights = COEFFICIENTS.setdefault(len(train), self.weights)
        return self


@dataclass
class ShrinkingRidge(Volume):
    """A hyperparameter that the fit changes."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        self.ridge /= 2
        return super().fit(train, val, run)


@dataclass
class RoundedInConstructor(Volume):
    """A constructor that changes what it is given."""

    def __post_init__(self) -> None:
        self.size_mm = self.size_mm + 8


@dataclass
class NarrowSpace(Volume):
    """A search space that leaves out the default."""

    @classmethod
    def search_space(cls) -> dict[str, Float]:
        return {"ridge": Float(2.0, 10.0)}


@dataclass
class SpaceOfAnother(Volume):
    """A search space with a name that is no hyperparameter."""

    @classmethod
    def search_space(cls) -> dict[str, Int]:  # type: ignore[override]
        return {"depth": Int(2, 10)}
