"""Predictions of the tested patients, one case each, for checks that count patients."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.audit.check import NotApplicable
from bench.metrics import Array
from bench.predictions.results import Results
from bench.scoring.sample import sample_of
from bench.scoring.seeds import on_shared_seeds
from bench.task import Task

NO_RESULTS = NotApplicable("no results are audited; --store names a run store")


@dataclass(frozen=True, eq=False)
class Tested:
    """The first tested case of each patient with a label of a task; arrays are of shape (patient,).

    Parameters
    ----------
    predictions
        Of each method with a value, mean over training seeds.
    site_names
        What the codes of ``site`` stand for.
    """

    task: Task
    truth: Array
    fold: NDArray[np.intp]
    site: NDArray[np.intp]
    site_names: tuple[str, ...]
    predictions: Mapping[str, Array]


def tested_patients(results: Results) -> list[Tested]:
    """Those of every task; raises StoreError where predictions and truth contradict each other."""
    shared = on_shared_seeds(results)
    return [_tested(shared, task) for task in shared.tasks]


def _tested(results: Results, task: Task) -> Tested:
    sample = sample_of(results, task)
    first = np.unique(sample.patients.codes, return_index=True)[1]
    return Tested(
        task,
        sample.truth[first],
        sample.fold[first],
        sample.site[first],
        sample.site_names,
        {label: rows.mean(axis=0)[first] for label, rows in sample.predictions.items()},
    )
