"""A table of features in an estimator of scikit-learn, wherever the features come from."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError, unknown_name
from bench.methods.method import Predictions, Run
from bench.methods.method import Progress as Report
from bench.methods.search_space import Float
from bench_zoo.classical.families import FAMILIES
from bench_zoo.classical.fitting import Choice, FittedTask, arrays_of, fit_task, load_tasks
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.radiomics.screen import Screen
from bench_zoo.radiomics.table import nobody
from bench_zoo.tabular.linear import Labelled
from bench_zoo.targets import Target, targets_of

SETTINGS_FILE, ARRAYS_FILE = "table_model.json", "table_model.npz"


@dataclass
class TableModel:
    """Features, their screen, and an estimator a task; a method adds where the features come from.

    Source: Pasquini et al. (arXiv 2102.06526, Front Oncol 11:601425) compared nine classifiers on radiomics
    of glioma. Taken over: the comparison, selection of features and a grid search inside the training cases.
    Left open by its abstract, and chosen here: seven of the nine classifiers and their grids
    (:mod:`bench_zoo.classical.families`). Changed: minimum redundancy and maximum relevance
    (:func:`bench_zoo.classical.selection.select_features`) in place of Boruta, five parts of the patients in
    place of ten, losses in place of accuracy; a regressor for continuous tasks. What is kept of the features
    and on which scale: :class:`bench_zoo.radiomics.screen.Screen`. Choice and calibration:
    :func:`bench_zoo.classical.fitting.fit_task`; validation cases are not used.

    A saved model holds the selected features and the labels of its training cases, and is fitted again when
    it is loaded. So it is as confidential as they are, and exact for the same version of scikit-learn.

    Parameters
    ----------
    family
        One of :data:`bench_zoo.classical.families.FAMILIES`.
    counts
        Numbers of selected features to choose from.
    trees
        Trees of a forest or of boosting.
    most_correlated
        See :meth:`bench_zoo.radiomics.screen.Screen.of`.
    """

    family: str = "ridge"
    counts: tuple[int, ...] = (8, 24)
    trees: int = 150
    most_correlated: float = 0.95

    report: Report = field(default_factory=lambda: nobody, init=False, repr=False)
    seed: int = field(default=0, init=False, repr=False)
    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    screen: Screen = field(default_factory=lambda: Screen((), ()), init=False, repr=False)
    tasks: tuple[FittedTask, ...] = field(default=(), init=False, repr=False)

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Raw features, shape (case, feature), NaN where missing; each class of methods measures its own."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it measures: define measure")

    @classmethod
    def search_space(cls) -> dict[str, Float]:
        """The screen; the estimator is chosen inside ``fit``."""
        return {"most_correlated": Float(0.6, 0.99)}

    def choice(self) -> Choice:
        """What is tried; raises UsageError for a family that does not exist, or no number of features."""
        if self.family not in FAMILIES:
            raise unknown_name("family", self.family, FAMILIES)
        if not self.counts or min(self.counts) < 1:
            raise UsageError(f"counts: expected numbers of features, each at least 1, got {self.counts}")
        return Choice(FAMILIES[self.family], self.counts, self.trees, self.seed)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Screen the features, then select, choose and fit for each task."""
        self.report, self.seed = run.report, run.seed
        choice = self.choice()
        table = self.measure(train)
        self.targets, self.screen = targets_of(train), Screen.of(table, self.most_correlated)
        scores = self.screen.apply(table)
        fitted = []
        for target in self.targets:
            fitted.append(fit_task(target, Labelled.of(target, scores, train), choice))
            run.report(len(fitted), len(self.targets), None)
        self.tasks = tuple(fitted)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        scores = self.screen.apply(self.measure(cohort))
        pairs = zip(self.targets, self.tasks, strict=True)
        return {target.task: target.decode(task.outputs(scores)) for target, task in pairs}

    def save(self, folder: Path) -> None:
        """Write settings as JSON, and arrays in NumPy's format."""
        state = {
            "params": hyperparameters(self),
            "seed": self.seed,
            "targets": [target.as_json() for target in self.targets],
            "screen": self.screen.as_json(),
        }
        (folder / SETTINGS_FILE).write_text(json.dumps(state), encoding="utf-8")
        np.savez(folder / ARRAYS_FILE, **arrays_of(self.tasks))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote, and fit the estimators again."""
        state = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        method = cls(**from_json(state["params"]))
        method.seed = state["seed"]
        method.targets = tuple(Target.from_json(row) for row in state["targets"])
        method.screen = Screen.from_json(state["screen"])
        with np.load(folder / ARRAYS_FILE, allow_pickle=False) as arrays:
            method.tasks = load_tasks(arrays, method.targets, method.choice())
        return method
