"""Biomarkers from the site of the exam alone."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.methods.method import Predictions, Run
from bench.task import Task
from bench_zoo.hyperparameters import hyperparameters
from bench_zoo.targets import constant_prediction

FILE = "site_only.json"


@dataclass
class SiteOnly:
    """Prevalence or median of the training cases of the case's own site, drawn towards that of all.

    Of a site with n labelled training cases, the prediction is n / (n + ``prior_cases``) of the way from the
    prevalence (binary) or median (continuous) of all training cases to that of the site. A site without
    training cases gets that of all. An image method that is no better where sites are mixed may have learnt
    to tell the sites. There is no randomness.

    Parameters
    ----------
    prior_cases
        Labelled cases at which a site counts as much as all cases do.
    """

    prior_cases: float = 10.0

    everywhere: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    by_site: dict[str, dict[str, float]] = field(default_factory=dict, init=False, repr=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Remember one number a task and site; ``val`` and ``run`` have nothing to say."""
        for task in train.tasks:
            labels = train.labels(task.name)
            self.everywhere[task.name] = constant_prediction(task, labels)
            self.by_site[task.name] = {
                str(site): self._of_site(task, labels[train.sites == site]) for site in np.unique(train.sites)
            }
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """The number of each case's site, shape (case,)."""
        return {
            task: np.array(
                [values.get(str(site), self.everywhere[task]) for site in cohort.sites], dtype=float
            )
            for task, values in self.by_site.items()
        }

    def count_parameters(self) -> int:
        """One a task, and one a task and site."""
        return len(self.everywhere) + sum(map(len, self.by_site.values()))

    def save(self, folder: Path) -> None:
        """Write the numbers as JSON."""
        state = {"params": hyperparameters(self), "everywhere": self.everywhere, "by_site": self.by_site}
        (folder / FILE).write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method = cls(**state["params"])
        method.everywhere, method.by_site = state["everywhere"], state["by_site"]
        return method

    def _of_site(self, task: Task, labels: np.ndarray) -> float:
        cases = int((~np.isnan(labels)).sum())
        if not cases:
            return self.everywhere[task.name]
        share = cases / (cases + self.prior_cases)
        return share * constant_prediction(task, labels) + (1 - share) * self.everywhere[task.name]
