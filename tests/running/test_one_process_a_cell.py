"""What a method keeps in its class or its module does not reach the next cell."""

from pathlib import Path

import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.running.experiment import read_experiment
from bench.running.run import run_experiment

LEAKING = '''
from dataclasses import dataclass

import numpy as np

from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@dataclass
class Leaking:
    """Predicts the label of every case that an earlier fit in the same process has seen."""

    seen = {}

    def fit(self, train, val, run):
        self.tasks = train.tasks
        for task in train.tasks:
            self.seen.update(zip([(task.name, case) for case in train.case_ids], train.labels(task.name)))
        return self

    def predict(self, cases):
        return {
            task.name: np.nan_to_num([self.seen.get((task.name, case), 0.25) for case in cases.case_ids])
            for task in self.tasks
        }


@hookimpl
def bench_methods():
    return [MethodSpec("leaking", f"{__name__}:Leaking", "keeps labels in a class attribute", needs=())]
'''


@pytest.mark.parametrize(("executor", "jobs"), [("workers", 1), ("workers", 2), ("here", 1)])
def test_a_class_attribute_carries_nothing_from_fold_to_fold(
    tiny: Cohort, tmp_path: Path, executor: str, jobs: int
) -> None:
    plugin = tmp_path / f"leaking_{executor}_{jobs}.py"
    plugin.write_text(LEAKING)
    asked = {
        "methods": ["leaking"],
        "cohort": "phantom-tiny",
        "split": "external_only_cv",
        "plugins": [str(plugin)],
        "store": str(tmp_path / "store"),
        "jobs": jobs,
        "executor": executor,
    }
    outcome = run_experiment(read_experiment(None, asked), quiet=True)
    assert outcome.complete
    (results,) = outcome.results
    (method,) = results.methods
    table: pd.DataFrame = method.predictions
    assert len(table) and set(table["prediction"]) == {0.25}
