"""The door for methods: what a plugin author implements, and what a method is handed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.cost import Cost

# What a spec may ask of a cohort.
NEEDS = ("volumes", "features", "acquisition", "clinical")
Predictions = dict[str, np.ndarray]
Report = Callable[[int, int, float | None], None]


def _no_report(step: int, total: int, score: float | None) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Run:
    """What a method may know of the run it is part of.

    Parameters
    ----------
    seed
        The one source of randomness.
    device
        ``cpu`` or ``cuda``, as torch names devices.
    threads
        Number of CPU threads to compute with; a recorded setting, never derived from the machine.
    workdir
        This cell's own folder, for checkpoints; it exists.
    report
        ``report(step, total, score)``: progress after each of ``total`` steps, with a validation score
        (higher is better) or None.
    """

    seed: int
    device: str
    threads: int
    workdir: Path
    report: Report = _no_report


class Method(Protocol):
    """A dataclass whose fields are its hyperparameters, with ``fit`` and ``predict``.

    Optional, each found by its presence: ``save(folder)`` with the class method ``load(folder)`` (no
    pickle), ``explain(cohort)`` (one heat map a case on the crop grid), ``count_parameters()`` (trained
    parameters, for the boards), the class method ``settle(params) -> params`` (checks the hyperparameters
    before anything runs, raising UsageError, and puts the content of a file in place of its path, so that
    the content is what names a cell; what it returned it returns unchanged), and the class method
    ``search_space() -> dict[str, Float | Int | Categorical]`` (see :mod:`bench.search`): the hyperparameters
    that ``bench run --trials`` may change, each with a range that holds its default. Scores handed to
    ``run.report`` let it stop a poor trial early.
    """

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Learn from ``train``; ``val`` is for early stopping and thresholds. Labels may be NaN."""

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or value for every task, each of shape (case,), for cases without labels."""


@dataclass(frozen=True)
class MethodSpec:
    """How a plugin announces a method, apart from its class so that listing imports nothing heavy.

    Parameters
    ----------
    name
        What users type after ``--method``.
    target
        ``package.module:Class``.
    summary
        One line for ``bench methods``.
    params
        Hyperparameters that differ from the class's defaults: a variant is a spec with params.
    needs
        What a cohort must carry: any of ``volumes``, ``features``, ``acquisition``, ``clinical``.
    requires
        Importable modules without which the method is unavailable, each with the remedy.
    cost
        Time that a cell takes, for ``bench run --dry-run``; None where the author states none.
    """

    name: str
    target: str
    summary: str
    params: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ("volumes",)
    requires: Mapping[str, str] = field(default_factory=dict)
    cost: Cost | None = None
