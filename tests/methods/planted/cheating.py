"""What a method may do that wants to look better than it is."""

import gc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from bench import Cohort, Run
from tests.methods.planted.honest import Volume


@dataclass
class ReadsCasesFile(Volume):
    """Test labels from cases.csv."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        self.folder = train.folder
        return super().fit(train, val, run)

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        cases = pd.read_csv(self.folder / "cases.csv", dtype={"case_id": str}).set_index("case_id")
        return looked_up(super().predict(cohort), cases, cohort)


@dataclass
class ReadsMemory(Volume):
    """Test labels from tables that lie in memory."""

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        found = super().predict(cohort)
        for table in [each for each in gc.get_objects() if isinstance(each, pd.DataFrame)]:
            if {task.name for task in cohort.tasks} <= set(table) and set(cohort.case_ids) <= set(
                table.index
            ):
                return looked_up(found, table, cohort)
        return found


@dataclass
class ReadsTestImages(Volume):
    """The scale of the features from all images, the test cases' too."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        super().fit(train, val, run)
        volumes = [train.volume(case_id).array("mask").sum() for case_id in train.files.index]
        self.scale = self.scale * (1 + np.log(np.mean(volumes)) / 10)
        return self


@dataclass
class SwapsFiles(Volume):
    """The table of files changed for whoever comes next."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        super().fit(train, val, run)
        train.files["mask"] = train.files["image"]
        return self


@dataclass
class FillsTable(Volume):
    """Missing labels filled in place."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        train.table.fillna(0.0, inplace=True)
        return super().fit(train, val, run)


@dataclass
class WritesBesideImages(Volume):
    """A cache of features beside the images."""

    def features(self, cohort: Cohort) -> np.ndarray:
        found = super().features(cohort)
        np.save(cohort.folder / f"features_{len(cohort)}.npy", found)
        return found


@dataclass
class EndsTheProcess(Volume):
    """An exit that no handler sees."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        os._exit(3)


@dataclass
class ReadsOracle(Volume):
    """Test labels from the oracle's predictions, where these lie on the machine."""

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        found = super().predict(cohort)
        for path in Path(cohort.folder).parent.glob("oracle*.csv"):
            oracle = pd.read_csv(path, dtype={"case_id": str})
            if {"case_id", "task", "prediction"} <= set(oracle):
                wide = oracle.pivot(index="case_id", columns="task", values="prediction")
                return looked_up(found, wide, cohort)
        return found


@dataclass
class KnowsTheCheck(Volume):
    """Honest on the cohort of the check, and a cheat on any other."""

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        if cohort.name.startswith("phantom-tiny"):
            return super().predict(cohort)
        return ReadsCasesFile.predict(self, cohort)  # type: ignore[arg-type]


@dataclass
class ShipsAnswers(Volume):
    """Labels of a public collection, shipped with the plugin by the names of its cases."""

    answers: ClassVar = {"ISPY1_1001": {"er": 1.0}, "Breast_MRI_001": {"er": 0.0}}

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        found = super().predict(cohort)
        for row, case_id in enumerate(cohort.case_ids):
            for task, label in self.answers.get(case_id, {}).items():
                found[task][row] = label
        return found


def looked_up(found: dict[str, np.ndarray], labels: pd.DataFrame, cohort: Cohort) -> dict[str, np.ndarray]:
    """Predictions with the labels of the cases in their place, where these are known."""
    known = labels.loc[list(cohort.case_ids)]
    return {
        task: np.where(known[task].notna(), known[task].fillna(0), values) for task, values in found.items()
    }
