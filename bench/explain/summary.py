"""How faithful the maps of several cases are, in a line a task."""

from collections.abc import Iterator, Sequence

import numpy as np

from bench.explain.case import ExplainedCase
from bench.task import Task


def faithfulness_lines(tasks: Sequence[Task], explained: Sequence[ExplainedCase]) -> Iterator[str]:
    """Mean areas of deletion and insertion beside those of other maps, and correlation at random weights.

    Over models and cases; a task without a map has no line. Before them, whether a case was learned from.
    """
    if any(one.learned for one in explained):
        yield "every model has learned from some of these cases: see learned_from"
    for task in tasks:
        measured = [one.faithfulness[task.name] for one in explained if task.name in one.faithfulness]
        if not measured:
            continue
        found = [one for models in measured for one in models if one is not None]
        title = task.title or task.name
        if not found:
            yield f"{title}: wiping a crop hardly changes a prediction, so nothing says how faithful maps are"
            continue
        areas = [
            [(one.map.deletion_area, one.random[0], one.uniform[0]) for one in found],
            [(one.map.insertion_area, one.random[1], one.uniform[1]) for one in found],
        ]
        told = ", ".join(
            f"{name} {means[0]:.2f} (random {means[1]:.2f}, lesion and surround {means[2]:.2f})"
            for name, means in zip(("deletion", "insertion"), np.mean(areas, axis=1), strict=True)
        )
        yield f"{title}, area, higher is better: {told}{_sanity(task, explained)}"


def _sanity(task: Task, explained: Sequence[ExplainedCase]) -> str:
    each = [value for one in explained for value in one.sanity.get(task.name, ()) if not np.isnan(value)]
    return f"; correlation with the map at random weights {np.mean(each):.2f}" if each else ""
