"""The ensemble over training seeds: a method of its own beside those whose metric is averaged over seeds."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.predictions.results import MethodResult, Results
from bench.task import Task

# A probability of exactly 0 or 1 has no logit; this near to either it still outweighs the other seeds.
NEAREST = 1e-12


def with_ensembles(results: Results) -> Results:
    """The results with ``NAME (ensemble of k seeds)`` after each finished method that has several seeds."""
    methods: list[MethodResult] = []
    for method in results.methods:
        found = seed_ensemble(method, results.tasks)
        methods += [method] if found is None else [method, found]
    return replace(results, methods=tuple(methods))


def seed_ensemble(method: MethodResult, tasks: Sequence[Task]) -> MethodResult | None:
    """One prediction a case from those of all seeds, None for fewer than two seeds or an unfinished method.

    Probabilities are averaged as logits, which is the normalised geometric mean of the odds; values of a
    continuous task as they are. A case that some seed does not predict gets no prediction. It costs the
    fitting and the parameters of all its members, and has no threshold: none was chosen for it.

    Parameters
    ----------
    method
        With its predictions of every seed.
    tasks
        Which of them are binary.
    """
    seeds = sorted(method.predictions["seed"].unique()) if method.status == "ok" else []
    if len(seeds) < 2:
        return None
    binary = [task.name for task in tasks if task.kind == "binary"]
    table = method.predictions
    return replace(
        method,
        label=f"{method.label} (ensemble of {len(seeds)} seeds)",
        predictions=pd.concat(
            [
                _mean_over_seeds(table[table["task"].isin(binary)], len(seeds), logits=True),
                _mean_over_seeds(table[~table["task"].isin(binary)], len(seeds), logits=False),
            ],
            ignore_index=True,
        ),
        fit_seconds=None if method.fit_seconds is None else method.fit_seconds * len(seeds),
        parameters=None if method.parameters is None else method.parameters * len(seeds),
        thresholds=(),
        seeds=(),
        is_ensemble=True,
    )


def _mean_over_seeds(table: pd.DataFrame, seeds: int, logits: bool) -> pd.DataFrame:
    """A table with the columns of a method's predictions and the seed 0."""
    said = table["prediction"].to_numpy(dtype=float)
    if logits:
        inside = np.clip(said, NEAREST, 1 - NEAREST)
        said = np.log(inside) - np.log1p(-inside)
    grouped = (
        table.assign(prediction=said)
        .sort_values("seed", kind="stable")
        .groupby(["task", "fold", "case_id"], sort=True)["prediction"]
    )
    mean = grouped.mean()[grouped.count() == seeds]
    return (1 / (1 + np.exp(-mean)) if logits else mean).reset_index().assign(seed=0)
