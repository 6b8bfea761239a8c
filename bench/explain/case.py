"""A case explained by the models that were tested on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.deploy.offers import contributions
from bench.explain.faithfulness import Faithfulness, faithfulness, near_lesion, sanity
from bench.explain.maps import HeatMap, heat_maps
from bench.explain.models import Key, RowModels
from bench.explain.way import Way
from bench.methods.method import Method
from bench.task import Task


@dataclass(frozen=True, eq=False)
class ExplainedCase:
    """What is known of why models predict what they do for a case.

    Parameters
    ----------
    models
        Seed and fold of each model that counts.
    learned
        Whether these have learned from the case.
    predictions, truths
        Mean prediction of the models, and label (NaN where unknown), by task.
    maps
        Mean of the models' maps by task, each with a peak of 1; empty for models of features.
    features
        What each feature adds, of each model; None for methods that are no model of features.
    faithfulness
        By task, of each model; None in place of what cannot be told. Empty where it was not asked for.
    sanity
        By task, of each model: rank correlation with the map at random weights.
    """

    case_id: str
    models: tuple[Key, ...]
    learned: bool
    predictions: Mapping[str, float]
    truths: Mapping[str, float]
    maps: Mapping[str, HeatMap] = field(default_factory=dict)
    features: pd.DataFrame | None = None
    faithfulness: Mapping[str, tuple[Faithfulness | None, ...]] = field(default_factory=dict)
    sanity: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def explain_case(
    models: RowModels,
    cohort: Cohort,
    case_id: str,
    tasks: Sequence[Task],
    way: Way = Way.auto,
    checks: bool = True,
) -> ExplainedCase:
    """Explain a case by the models of a row that were tested on it.

    Parameters
    ----------
    way
        How maps are made. With ``auto`` a model of features has its table and no map.
    checks
        Whether faithfulness and sanity are measured: about two hundred predictions a model and task.

    Raises
    ------
    CohortError
        There is no such case, or its files cannot be used.
    UsageError
        The method has neither a feature table nor, this way, a map.
    """
    one = cohort.take([case_id])
    fitted = models.of_case(case_id)
    features = _features(fitted, one, tasks)
    maps = [] if features is not None and way is Way.auto else _maps(fitted, cohort, case_id, tasks, way)
    said = [method.predict(one.blind()) for method in fitted.values()]
    return ExplainedCase(
        case_id,
        tuple(fitted),
        models.has_learned(case_id),
        {task.name: float(np.mean([values[task.name][0] for values in said])) for task in tasks},
        {task.name: _truth(one, task) for task in tasks},
        {task.name: mean_map([found[task.name] for found in maps]) for task in tasks} if maps else {},
        features,
        _faithful(fitted, cohort, case_id, tasks, maps) if checks and maps else {},
        _sane(fitted, cohort, case_id, tasks, maps) if checks and maps else {},
    )


def _truth(one: Cohort, task: Task) -> float:
    return float(one.labels(task.name)[0]) if task.name in one.table else float("nan")


def mean_map(maps: Sequence[HeatMap]) -> HeatMap:
    """The mean of maps on one grid, each over its sum, with a peak of 1; 0 everywhere where all are."""
    mean = np.mean([one.values / max(float(one.values.sum()), 1e-30) for one in maps], axis=0)
    peak = max(float(mean.max()), 1e-30)
    return HeatMap((mean / peak).astype(np.float32), maps[0].crop, maps[0].way)


def _features(fitted: Mapping[Key, Method], one: Cohort, tasks: Sequence[Task]) -> pd.DataFrame | None:
    tables = []
    for (seed, fold), method in fitted.items():
        table = contributions(method, one.blind())
        if table is None:
            return None
        asked = table[table["task"].isin([task.name for task in tasks])]
        tables.append(asked.assign(seed=seed, fold=fold))
    return pd.concat(tables, ignore_index=True)


def _maps(
    fitted: Mapping[Key, Method], cohort: Cohort, case_id: str, tasks: Sequence[Task], way: Way
) -> list[dict[str, HeatMap]]:
    return [heat_maps(method, cohort, case_id, tasks, way) for method in fitted.values()]


def _faithful(
    fitted: Mapping[Key, Method],
    cohort: Cohort,
    case_id: str,
    tasks: Sequence[Task],
    maps: Sequence[dict[str, HeatMap]],
) -> dict[str, tuple[Faithfulness | None, ...]]:
    region = near_lesion(cohort, case_id, maps[0])
    pairs = list(zip(fitted.values(), maps, strict=True))
    return {
        task.name: tuple(
            faithfulness(method, cohort, case_id, task, found[task.name], region) for method, found in pairs
        )
        for task in tasks
    }


def _sane(
    fitted: Mapping[Key, Method],
    cohort: Cohort,
    case_id: str,
    tasks: Sequence[Task],
    maps: Sequence[dict[str, HeatMap]],
) -> dict[str, tuple[float, ...]]:
    each = [
        sanity(method, cohort, case_id, tasks, found)
        for method, found in zip(fitted.values(), maps, strict=True)
    ]
    return {task.name: tuple(one[task.name] for one in each) for task in tasks if all(each)}
