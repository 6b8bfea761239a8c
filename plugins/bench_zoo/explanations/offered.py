"""What ``bench explain`` asks (entry point of the group ``bench.explanations``)."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort


def gradient_maps(method: Any, cohort: Cohort, tasks: Sequence[str]) -> dict[str, np.ndarray] | None:
    """Heat on the crop grid by task, shape (case, z, y, x), of a network here; None for other methods."""
    if not _is_network(method):
        return None
    from bench_zoo.explanations import gradients

    return gradients.gradient_maps(method, cohort, tasks)


def randomised(method: Any, seed: int) -> Any | None:
    """A copy of a network's method that has learned nothing; None for other methods."""
    if not _is_network(method):
        return None
    from bench_zoo.explanations import gradients

    return gradients.randomised(method, seed)


def embeddings(method: Any, cohort: Cohort) -> np.ndarray | None:
    """What a network here makes of each case before its heads, shape (case, feature); None for others."""
    if not _is_network(method):
        return None
    from bench_zoo.explanations import embedding

    return embedding.network_embeddings(method, cohort)


def contributions(method: Any, cohort: Cohort) -> pd.DataFrame | None:
    """What each feature adds to each prediction; None for methods that are no model of features."""
    from bench_zoo.explanations import tables

    return tables.contributions(method, cohort)


def _is_network(method: Any) -> bool:
    """Whether it is a network of this package; torch is not imported to ask."""
    module = sys.modules.get("bench_zoo.torch_parts.fitted")
    return module is not None and isinstance(method, module.NetworkMethod)
