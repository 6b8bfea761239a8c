"""Radiomics with a linear model."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.method import Predictions, Run
from bench.search import Categorical, Float
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.linear import fit_linear
from bench_zoo.radiomics.extraction import settings_of
from bench_zoo.radiomics.screen import Screen
from bench_zoo.radiomics.table import feature_table
from bench_zoo.targets import Target, targets_of

FILE = "radiomics_lr.json"


@dataclass
class RadiomicsLR:
    """Handcrafted features in a linear model with a ridge penalty.

    Features: :mod:`bench_zoo.radiomics.extraction`, measured once a cohort and setting and kept in the
    cache, so the first fold's time to fit holds their cost and the later ones' does not. What is kept of
    them and on which scale is learnt from the training cases (:class:`bench_zoo.radiomics.screen.Screen`);
    beyond that the penalty does the selecting. Losses and the choice of the penalty:
    :func:`bench_zoo.linear.fit_linear`. There is no randomness and ``val`` is not used.

    Parameters
    ----------
    regions, spacing_mm, bin_width, surround_mm, image_types
        See :class:`bench_zoo.radiomics.extraction.Settings`.
    most_correlated
        See :meth:`bench_zoo.radiomics.screen.Screen.of`.
    penalties
        Ridge penalties to choose from.
    """

    regions: tuple[str, ...] = ("lesion", "surround")
    spacing_mm: float = 1.5
    bin_width: float = 5.0
    surround_mm: tuple[float, float] = (1.0, 9.0)
    image_types: tuple[str, ...] = ("original",)
    most_correlated: float = 0.95
    penalties: tuple[float, ...] = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)

    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    screen: Screen = field(default_factory=lambda: Screen((), ()), init=False, repr=False)
    weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)), init=False, repr=False)

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """Screen and bins; the penalty is chosen inside ``fit``, by cross-validation.

        ``most_correlated``: from a screen that keeps a feature of each family to one that keeps nearly all.
        ``bin_width``: half and double the default, which leaves most lesions with the 30 to 130 bins that
        pyradiomics' documentation advises; three choices and no range, as each measures all cases anew.
        """
        return {"most_correlated": Float(0.6, 0.99), "bin_width": Categorical((2.5, 5.0, 10.0))}

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Screen the features and fit one line a task."""
        table = feature_table(train, settings_of(self))
        self.targets, self.screen = targets_of(train), Screen.of(table, self.most_correlated)
        features = self.screen.apply(table)
        rows = [
            fit_linear(its, features, its.encode(train.labels(its.task)), train.patient_ids, self.penalties)
            for its in self.targets
        ]
        self.weights = np.stack(rows)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        features = self.screen.apply(feature_table(cohort, settings_of(self)))
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
