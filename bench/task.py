"""A task: one biomarker, what kind of value it has and the metric that ranks it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Task:
    """One biomarker to predict.

    Parameters
    ----------
    name
        Column of the label in ``cases.csv``.
    kind
        ``binary`` (label 0 or 1) or ``continuous``.
    title
        What tables print; the name in capitals where none is declared.
    positive
        Binary: what a label of 1 means.
    unit
        Continuous: unit of label and prediction.
    range
        Continuous: lowest and highest possible value.
    ranked
        Whether the task counts in rankings.
    metric
        Name of the ranking metric; ``auc`` (binary) or ``mae`` (continuous) where none is given.

    Examples
    --------
    >>> import bench
    >>> er = bench.Task("er", "binary", "ER", positive="at least 1 % of nuclei stained")
    >>> er.bounds, er.ranked
    ((0.0, 1.0), True)
    >>> bench.Task("ki67", "continuous", "Ki-67", unit="percentage points", range=(0, 100)).bounds
    (0, 100)
    """

    name: str
    kind: Literal["binary", "continuous"]
    title: str = ""
    positive: str = ""
    unit: str = ""
    range: tuple[float, float] = (-np.inf, np.inf)
    ranked: bool = True
    metric: str = ""

    def __post_init__(self) -> None:
        if not self.metric:
            object.__setattr__(self, "metric", "auc" if self.kind == "binary" else "mae")

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest admissible prediction: (0, 1) for a binary task, else the declared range."""
        return (0.0, 1.0) if self.kind == "binary" else self.range
