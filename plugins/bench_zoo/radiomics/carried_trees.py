"""Features that a cohort carries as a table, in gradient-boosted trees: no image is read."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import xgboost

from bench.cohorts.cohort import Cohort
from bench.methods.method import Predictions, Run
from bench.methods.search_space import Float, Int
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.radiomics.carried import numeric_features
from bench_zoo.radiomics.screen import Screen
from bench_zoo.targets import Target, targets_of

FILE = "feature_trees.json"
# Rounds where no validation label says when to stop, as a share of the most.
BLIND_SHARE = 0.25


@dataclass
class FeatureTrees:
    """The cohort's own feature table in gradient-boosted trees (Chen and Guestrin 2016).

    What :class:`bench_zoo.radiomics.boosted.RadiomicsXGB` makes of measured features: the same screen,
    losses, stopping, defaults and search space. Columns of words are left out.

    Parameters
    ----------
    most_correlated
        See :meth:`bench_zoo.radiomics.screen.Screen.of`.
    depth, learning_rate, rounds, patience
        Splits from root to leaf, shrinkage, most trees, and rounds without improvement.
    cases_share, features_share
        Share of the cases a tree sees, and of the features a level sees.
    least_weight, penalty
        Least sum of second derivatives in a leaf, and L2 penalty of the leaves.
    """

    most_correlated: float = 0.95
    depth: int = 3
    learning_rate: float = 0.05
    rounds: int = 600
    patience: int = 50
    cases_share: float = 0.8
    features_share: float = 0.3
    least_weight: float = 3.0
    penalty: float = 1.0

    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    screen: Screen = field(default_factory=lambda: Screen((), ()), init=False, repr=False)
    boosters: dict[str, xgboost.Booster] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def search_space(cls) -> dict[str, Float | Int]:
        """That of :meth:`bench_zoo.radiomics.boosted.RadiomicsXGB.search_space`."""
        return {
            "most_correlated": Float(0.6, 0.99),
            "depth": Int(1, 6),
            "learning_rate": Float(0.01, 0.3, log=True),
            "cases_share": Float(0.5, 1.0),
            "features_share": Float(0.1, 1.0),
            "least_weight": Float(1.0, 30.0, log=True),
            "penalty": Float(0.1, 30.0, log=True),
        }

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Screen the features and grow the trees; ``val`` says when to stop."""
        table = numeric_features(train)
        self.targets, self.screen = targets_of(train), Screen.of(table, self.most_correlated)
        learn, judge = self.screen.apply(table), self.screen.apply(numeric_features(val))
        learnable = [target for target in self.targets if target.learnable]
        for done, target in enumerate(learnable, start=1):
            labels = [target.encode(cohort.labels(target.task)) for cohort in (train, val)]
            known = (_labelled(learn, labels[0]), _labelled(judge, labels[1]))
            self.boosters[target.task] = self._grow(target, *known, run)
            run.report(done, len(learnable), None)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        cases = xgboost.DMatrix(self.screen.apply(numeric_features(cohort)))
        outputs = {
            target.task: self.boosters[target.task].predict(cases, output_margin=True)
            if target.learnable
            else np.zeros(len(cohort))
            for target in self.targets
        }
        return {target.task: target.decode(outputs[target.task]) for target in self.targets}

    def save(self, folder: Path) -> None:
        """Write JSON and, a task, XGBoost's own JSON."""
        state = {
            "params": hyperparameters(self),
            "targets": [target.as_json() for target in self.targets],
            "screen": self.screen.as_json(),
        }
        (folder / FILE).write_text(json.dumps(state), encoding="utf-8")
        for at, target in enumerate(self.targets):
            if target.task in self.boosters:
                self.boosters[target.task].save_model(folder / f"booster-{at}.json")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method = cls(**from_json(state["params"]))
        method.targets = tuple(Target.from_json(row) for row in state["targets"])
        method.screen = Screen.from_json(state["screen"])
        for at, target in enumerate(method.targets):
            if target.learnable:
                method.boosters[target.task] = xgboost.Booster(model_file=folder / f"booster-{at}.json")
        return method

    def _grow(
        self, target: Target, learn: xgboost.DMatrix, judge: xgboost.DMatrix, run: Run
    ) -> xgboost.Booster:
        blind = not judge.num_row()
        booster = xgboost.train(
            self._settings(target, run),
            learn,
            round(self.rounds * BLIND_SHARE) if blind else self.rounds,
            evals=[] if blind else [(judge, "val")],
            early_stopping_rounds=None if blind else self.patience,
            verbose_eval=False,
        )
        return booster if blind else booster[: booster.best_iteration + 1]

    def _settings(self, target: Target, run: Run) -> dict[str, Any]:
        return {
            "objective": "binary:logistic" if target.binary else "reg:absoluteerror",
            "eval_metric": "logloss" if target.binary else "mae",
            "tree_method": "hist",
            "max_depth": self.depth,
            "learning_rate": self.learning_rate,
            "subsample": self.cases_share,
            "colsample_bylevel": self.features_share,
            "min_child_weight": self.least_weight,
            "lambda": self.penalty,
            "seed": run.seed,
            "nthread": run.threads,
        }


def _labelled(features: np.ndarray, labels: np.ndarray) -> xgboost.DMatrix:
    known = ~np.isnan(labels)
    return xgboost.DMatrix(features[known], label=labels[known])
