"""What is audited: a cohort, a split of it, and what methods predicted where there are results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from bench.cohorts.checking.check import check_folder
from bench.cohorts.checking.label_copies import Column
from bench.cohorts.checking.violation import Violation
from bench.cohorts.cohort import Cohort
from bench.imaging.lesion_size import lesion_volumes
from bench.methods.method import MethodSpec
from bench.predictions.results import Results
from bench.scoring.scores import Score, score_results
from bench.scoring.seeds import on_shared_seeds
from bench.splits.split import Split
from bench.task import Task


@dataclass(frozen=True, eq=False)
class Subject:
    """A cohort with its split, and the stored results of methods on both.

    Parameters
    ----------
    cohort
        With labels.
    results
        None where the data alone are audited.
    deep
        Whether images are read and methods fitted again: minutes.
    specs
        The methods that can be fitted again, by name.
    plausible
        Lowest and highest value of a task's metric that experience allows, by task.
    stated
        Lowest and highest share of positive patients that the source states, by task.
    known_scores
        Scores of the results where they are known already: they take longer than all quick checks.
    """

    cohort: Cohort
    split: Split
    results: Results | None = None
    deep: bool = False
    specs: Mapping[str, MethodSpec] = field(default_factory=dict)
    plausible: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    stated: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    known_scores: tuple[Score, ...] | None = None

    @cached_property
    def violations(self) -> tuple[Violation, ...]:
        """What the check of the cohort's folder says; every image is read."""
        return check_folder(self.cohort.folder, quiet=True).violations

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """A score a task and method; none without results."""
        if self.known_scores is not None:
            return self.known_scores
        return () if self.results is None else score_results(on_shared_seeds(self.results))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Covariates and features: whatever a method may read beside the images, one value a case."""
        covariates = [
            Column("cases.csv", str(name), table[name])
            for table in (self.cohort.covariates("acquisition"), self.cohort.covariates("clinical"))
            for name in table
        ]
        if self.features is None or self.cohort.feature_file is None:
            return tuple(covariates)
        where = self.cohort.feature_file.name
        return (*covariates, *(Column(where, str(name), values) for name, values in self.features.items()))

    @cached_property
    def features(self) -> pd.DataFrame | None:
        """The feature table of the cohort, read once; None where it has none."""
        return None if self.cohort.feature_file is None else self.cohort.features()

    @cached_property
    def volumes(self) -> np.ndarray:
        """Volume of each lesion, mm³, shape (case,); every mask is read."""
        return lesion_volumes(self.cohort.crop_source(), self.cohort.case_ids)

    @cached_property
    def first_of_patient(self) -> np.ndarray:
        """Whether a case is the first of its patient, shape (case,): tests count patients, not cases."""
        first: np.ndarray = ~self.cohort.table["patient_id"].duplicated().to_numpy()
        return first

    @property
    def binary_tasks(self) -> Sequence[Task]:
        """Tasks with two classes."""
        return [task for task in self.cohort.tasks if task.kind == "binary"]
