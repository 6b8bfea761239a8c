"""Features that a cohort carries as a table, in linear models: no image is read."""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.methods.method import Predictions, Run
from bench.methods.search_space import Float
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.radiomics.screen import Screen
from bench_zoo.tabular.elastic_net import sparse_path
from bench_zoo.tabular.linear import Labelled, fit_linear, ridge_path
from bench_zoo.tabular.linear import Path as Models
from bench_zoo.targets import Target, targets_of

FILE = "feature_table.json"

log = logging.getLogger(__name__)


@dataclass
class FeatureTable:
    """The cohort's own feature table in a linear model.

    What is kept of the features and on which scale is learnt from the training cases
    (:class:`bench_zoo.radiomics.screen.Screen`); columns of words are left out. The strength of the penalty
    is chosen on the validation cases, see :func:`bench_zoo.tabular.linear.fit_linear`. There is no
    randomness.

    Parameters
    ----------
    most_correlated
        See :meth:`bench_zoo.radiomics.screen.Screen.of`.
    strengths
        Penalties to choose from.
    l1_ratios
        Shares of the L1 penalty to choose from (:func:`bench_zoo.tabular.elastic_net.sparse_path`); none for
        a ridge penalty.
    """

    most_correlated: float = 0.95
    strengths: tuple[float, ...] = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
    l1_ratios: tuple[float, ...] = ()

    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    screen: Screen = field(default_factory=lambda: Screen((), ()), init=False, repr=False)
    weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)), init=False, repr=False)

    @classmethod
    def search_space(cls) -> dict[str, Float]:
        """The screen; the penalty is chosen inside ``fit``."""
        return {"most_correlated": Float(0.6, 0.99)}

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Screen the features and fit one line a task; ``val`` chooses the penalty."""
        table = numeric_features(train)
        self.targets, self.screen = targets_of(train), Screen.of(table, self.most_correlated)
        learn, judge = self.screen.apply(table), self.screen.apply(numeric_features(val))
        rows = [
            fit_linear(
                target,
                Labelled.of(target, learn, train),
                Labelled.of(target, judge, val),
                self.models(target.binary),
            )
            for target in self.targets
        ]
        self.weights = np.stack(rows)
        return self

    def models(self, binary: bool) -> Models:
        """The models to choose from."""
        if self.l1_ratios:
            return sparse_path(binary, self.strengths, self.l1_ratios)
        return ridge_path(binary, self.strengths)

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        features = self.screen.apply(numeric_features(cohort))
        outputs = features @ self.weights[:, :-1].T + self.weights[:, -1]
        return {target.task: target.decode(outputs[:, at]) for at, target in enumerate(self.targets)}

    def count_parameters(self) -> int:
        """A weight a feature kept and an intercept, a task."""
        return int(self.weights.size)

    def save(self, folder: Path) -> None:
        """Write everything as JSON."""
        state: dict[str, Any] = {
            "params": hyperparameters(self),
            "targets": [target.as_json() for target in self.targets],
            "screen": self.screen.as_json(),
            "weights": self.weights.tolist(),
        }
        (folder / FILE).write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method = cls(**from_json(state["params"]))
        method.targets = tuple(Target.from_json(row) for row in state["targets"])
        method.screen, method.weights = Screen.from_json(state["screen"]), np.array(state["weights"])
        return method


def numeric_features(cohort: Cohort) -> pd.DataFrame:
    """The features that are numbers, shape (case, feature), NaN where missing."""
    table = cohort.features()
    words = [str(name) for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    if words:
        log.warning("%d columns of the feature table hold words and are left out: %s", len(words), words[:5])
    return table.drop(columns=words).astype(float)
