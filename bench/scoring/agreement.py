"""How predictions of a continuous task agree with the truth, case by case."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.metrics import METRICS, Array, bias, lower_limit, upper_limit
from bench.predictions.results import Results
from bench.scoring.sample import Sample, sample_of, with_values
from bench.scoring.seeds import on_shared_seeds
from bench.task import Task


@dataclass(frozen=True, eq=False)
class Agreement:
    """One method on one continuous task.

    Parameters
    ----------
    predictions
        In the task's unit, shape (seed, case).
    bias, lower, upper
        Mean difference (prediction minus truth) and the 95 % limits of agreement of Bland & Altman (1986), in
        the task's unit, each the mean over seeds.
    """

    predictions: Array
    bias: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class TaskAgreement:
    """Every method with a value on one continuous task; ``truth`` has shape (case,)."""

    task: Task
    truth: Array
    methods: Mapping[str, Agreement]


def agreement_of(results: Results) -> tuple[TaskAgreement, ...]:
    """Agreement of all methods on the continuous tasks, on the cases that the board scores.

    Raises StoreError where predictions and truth contradict each other.
    """
    shared = on_shared_seeds(results)
    error = METRICS["mae"]
    samples = [
        with_values(error, sample_of(shared, task, error))
        for task in shared.tasks
        if task.kind == "continuous"
    ]
    return tuple(
        TaskAgreement(
            sample.task,
            sample.truth,
            {label: _agreement(sample, rows) for label, rows in sample.predictions.items()},
        )
        for sample in samples
        if sample.predictions
    )


def _agreement(sample: Sample, rows: Array) -> Agreement:
    centre, lower, upper = (
        float(np.mean([metric(sample.truth, row) for row in rows]))
        for metric in (bias, lower_limit, upper_limit)
    )
    return Agreement(rows, centre, lower, upper)
