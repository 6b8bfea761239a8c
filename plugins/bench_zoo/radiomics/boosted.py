"""Radiomics with gradient-boosted trees."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import xgboost

from bench.cohorts.cohort import Cohort
from bench.methods.method import Predictions, Run
from bench.methods.method import Progress as Report
from bench.methods.search_space import Float, Int
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.radiomics.extraction import settings_of
from bench_zoo.radiomics.parameters import settle_parameters
from bench_zoo.radiomics.screen import Screen
from bench_zoo.radiomics.table import feature_table, nobody
from bench_zoo.targets import Target, targets_of

FILE = "radiomics_xgb.json"
# Rounds where no validation label says when to stop, as a share of the most.
BLIND_SHARE = 0.25


@dataclass
class RadiomicsXGB:
    """Handcrafted features in gradient-boosted trees (Chen and Guestrin 2016).

    Features and their screen as in :class:`bench_zoo.radiomics.ridge.RadiomicsLR`, with the same cache: the
    first of the two to run pays for the measuring. A booster a task: log loss, or absolute error of the
    encoded label; it stops when the validation cases' loss has not improved for ``patience`` rounds.

    Parameters
    ----------
    regions, spacing_mm, bin_width, surround_mm, image_types, radiomics_file
        See :class:`bench_zoo.radiomics.extraction.Settings`.
    most_correlated
        See :meth:`bench_zoo.radiomics.screen.Screen.of`.
    depth, learning_rate, rounds, patience
        Splits from root to leaf, shrinkage, most trees, and rounds without improvement.
    cases_share, features_share
        Share of the cases a tree sees, and of the features a level sees.
    least_weight, penalty
        Least sum of second derivatives in a leaf, and L2 penalty of the leaves.
    """

    regions: tuple[str, ...] = ("lesion", "surround")
    spacing_mm: float = 1.5
    bin_width: float = 5.0
    surround_mm: tuple[float, float] = (1.0, 9.0)
    image_types: tuple[str, ...] = ("original",)
    radiomics_file: str = ""
    most_correlated: float = 0.95
    depth: int = 3
    learning_rate: float = 0.05
    rounds: int = 600
    patience: int = 50
    cases_share: float = 0.8
    features_share: float = 0.3
    least_weight: float = 3.0
    penalty: float = 1.0

    report: Report = field(default_factory=lambda: nobody, init=False, repr=False)
    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    screen: Screen = field(default_factory=lambda: Screen((), ()), init=False, repr=False)
    boosters: dict[str, xgboost.Booster] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def search_space(cls) -> dict[str, Float | Int]:
        """The parameters that Grinsztajn et al. (NeurIPS 2022, arXiv 2207.08815) search, in narrower ranges.

        Narrower since their tables have ten thousand cases and these some hundred: trees of at most 6 splits
        from root to leaf, and no rate so low that ``rounds`` would end before the validation loss turns.
        ``features_share`` reaches lower, as radiomics features repeat each other. ``rounds`` follows from the
        validation cases. The features are measured once, whatever is searched.
        """
        return {
            "most_correlated": Float(0.6, 0.99),
            "depth": Int(1, 6),
            "learning_rate": Float(0.01, 0.3, log=True),
            "cases_share": Float(0.5, 1.0),
            "features_share": Float(0.1, 1.0),
            "least_weight": Float(1.0, 30.0, log=True),
            "penalty": Float(0.1, 30.0, log=True),
        }

    @classmethod
    def settle(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """The content of a parameter file of pyradiomics in place of its path."""
        return settle_parameters(cls, params)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Screen the features and grow the trees; ``val`` says when to stop."""
        self.report = run.report
        table = feature_table(train, settings_of(self), run.report)
        self.targets, self.screen = targets_of(train), Screen.of(table, self.most_correlated)
        learn, judge = (
            self.screen.apply(table),
            self.screen.apply(feature_table(val, settings_of(self), run.report)),
        )
        learnable = [target for target in self.targets if target.learnable]
        for done, target in enumerate(learnable, start=1):
            labels = [target.encode(cohort.labels(target.task)) for cohort in (train, val)]
            self.boosters[target.task] = self._grow(
                target, _labelled(learn, labels[0]), _labelled(judge, labels[1]), run
            )
            run.report(done, len(learnable), None)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        cases = xgboost.DMatrix(self.screen.apply(feature_table(cohort, settings_of(self), self.report)))
        return {
            target.task: target.decode(self._outputs(target, cases, len(cohort))) for target in self.targets
        }

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
        """Read what :meth:`save` wrote; reading cases takes pyradiomics still."""
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

    def _outputs(self, target: Target, cases: xgboost.DMatrix, count: int) -> np.ndarray:
        if not target.learnable:
            return np.zeros(count)
        return self.boosters[target.task].predict(cases, output_margin=True)


def _labelled(features: np.ndarray, labels: np.ndarray) -> xgboost.DMatrix:
    known = ~np.isnan(labels)
    return xgboost.DMatrix(features[known], label=labels[known])
