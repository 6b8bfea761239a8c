"""Radiomics in a linear model, whatever the penalty."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.methods.method import Predictions, Run
from bench.methods.method import Progress as Report
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.radiomics.extraction import settings_of
from bench_zoo.radiomics.parameters import settle_parameters
from bench_zoo.radiomics.screen import Screen
from bench_zoo.radiomics.table import feature_table, nobody
from bench_zoo.tabular import linear
from bench_zoo.tabular.linear import Labelled, fit_linear
from bench_zoo.targets import Target, targets_of

FILE = "radiomics_linear.json"


@dataclass
class LinearRadiomics:
    """Features, their screen and one line a task; a method adds what penalties are tried.

    Parameters
    ----------
    regions, spacing_mm, bin_width, surround_mm, image_types, radiomics_file
        See :class:`bench_zoo.radiomics.extraction.Settings`.
    most_correlated
        See :meth:`bench_zoo.radiomics.screen.Screen.of`.
    """

    regions: tuple[str, ...] = ("lesion", "surround")
    spacing_mm: float = 1.5
    bin_width: float = 5.0
    surround_mm: tuple[float, float] = (1.0, 9.0)
    image_types: tuple[str, ...] = ("original",)
    radiomics_file: str = ""
    most_correlated: float = 0.95

    report: Report = field(default_factory=lambda: nobody, init=False, repr=False)
    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    screen: Screen = field(default_factory=lambda: Screen((), ()), init=False, repr=False)
    weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)), init=False, repr=False)

    def path(self, binary: bool) -> linear.Path:
        """The models to choose from: of ridge, LASSO or elastic net, as each method defines."""
        raise NotImplementedError

    @classmethod
    def settle(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """The content of a parameter file of pyradiomics in place of its path."""
        return settle_parameters(cls, params)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Screen the features and fit one line a task; ``val`` chooses the penalty."""
        self.report = run.report
        table = feature_table(train, settings_of(self), run.report)
        self.targets, self.screen = targets_of(train), Screen.of(table, self.most_correlated)
        learn, judge = (
            self.screen.apply(table),
            self.screen.apply(feature_table(val, settings_of(self), run.report)),
        )
        rows = [
            fit_linear(
                target,
                Labelled.of(target, learn, train),
                Labelled.of(target, judge, val),
                self.path(target.binary),
            )
            for target in self.targets
        ]
        self.weights = np.stack(rows)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        features = self.screen.apply(feature_table(cohort, settings_of(self), self.report))
        outputs = features @ self.weights[:, :-1].T + self.weights[:, -1]
        return {target.task: target.decode(outputs[:, at]) for at, target in enumerate(self.targets)}

    def count_parameters(self) -> int:
        """A weight a feature kept and an intercept, a task."""
        return int(self.weights.size)

    def save(self, folder: Path) -> None:
        """Write everything as JSON."""
        state = {
            "params": hyperparameters(self),
            "targets": [target.as_json() for target in self.targets],
            "screen": self.screen.as_json(),
            "weights": self.weights.tolist(),
        }
        (folder / FILE).write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote; reading cases takes pyradiomics still."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method = cls(**from_json(state["params"]))
        method.targets = tuple(Target.from_json(row) for row in state["targets"])
        method.screen, method.weights = Screen.from_json(state["screen"]), np.array(state["weights"])
        return method
