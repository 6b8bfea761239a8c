"""How much of a map lies where the phantom's signal is, against a map even over lesion and surround."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.cohorts.phantom.places import TruePlaces
from bench.deploy.offers import randomised
from bench.errors import UsageError
from bench.explain.case import mean_map
from bench.explain.faithfulness import SEED
from bench.explain.maps import HeatMap, heat_maps
from bench.explain.models import RowModels
from bench.explain.way import Way
from bench.imaging.onto_image import grids_of_case, on_grid
from bench.inference import MIN_PATIENTS, NO_INTERVAL, Bootstrap, Interval, patients_of
from bench.inference.intervals import percentile_interval
from bench.methods.method import Method
from bench.task import Task


@dataclass(frozen=True)
class Pointing:
    """How a method's maps of one task point to the place of its signal.

    Parameters
    ----------
    label, task, place, way
        Row, task, where its signal is, and how the maps were made.
    share
        Of the heat in lesion and surround that lies in the place, mean over patients.
    even
        The same of a map that is even over lesion and surround: the place's part of their voxels.
    gain, interval
        Mean difference of the two, and its 95 % interval by patients.
    learned, learned_interval
        Gain less that of the same models at random weights, and its interval; NaN where nothing can randomise
        the method. Maps of bright tissue gain without having learned anything.
    within
        Share of the whole map's heat that lies in lesion and surround.
    cases, patients
        How many were looked at.
    """

    label: str
    task: Task
    place: str
    way: Way
    share: float
    even: float
    gain: float
    interval: Interval
    learned: float
    learned_interval: Interval
    within: float
    cases: int
    patients: int


def pointing(
    models: RowModels,
    cohort: Cohort,
    places: TruePlaces,
    case_ids: Sequence[str],
    way: Way = Way.auto,
    bootstrap: Bootstrap = Bootstrap(),
    report: Callable[[], None] = lambda: None,
) -> list[Pointing]:
    """Scores of a row's maps on these cases, one a task whose signal has a place.

    Raises
    ------
    UsageError
        No task's signal has a place in this scenario, or the method has no map.
    """
    tasks = [task for task in cohort.tasks if places.of_task(task.name)]
    if not tasks:
        raise UsageError(
            f"{places.scenario.name}: no task's signal has a place in the image; take phantom, phantom-core, "
            "-rim, -surround or -texture"
        )
    shares = np.full((len(tasks), 4, len(case_ids)), np.nan)
    ways = set()
    for at, case_id in enumerate(case_ids):
        fitted = list(models.of_case(case_id).values())
        found = _mean_maps(fitted, cohort, case_id, tasks, way)
        ways |= {heat.way for heat in found.values()}
        shares[:, :3, at] = _shares(cohort, places, case_id, tasks, found)
        others = [other for method in fitted if (other := randomised(method, SEED)) is not None]
        if others:
            unlearned = _mean_maps(others, cohort, case_id, tasks, max(ways))
            shares[:, 3, at] = _shares(cohort, places, case_id, tasks, unlearned)[:, 0]
        report()
    patients = cohort.take(case_ids).patient_ids
    return [
        _scored(models.label, task, places.of_task(task.name), max(ways), values, patients, bootstrap)
        for task, values in zip(tasks, shares, strict=True)
    ]


def _mean_maps(
    methods: Sequence[Method], cohort: Cohort, case_id: str, tasks: Sequence[Task], way: Way
) -> dict[str, HeatMap]:
    maps = [heat_maps(method, cohort, case_id, tasks, way) for method in methods]
    return {task.name: mean_map([one[task.name] for one in maps]) for task in tasks}


def _shares(
    cohort: Cohort, places: TruePlaces, case_id: str, tasks: Sequence[Task], maps: dict[str, HeatMap]
) -> np.ndarray:
    """Share in the place, that of an even map, and share of all heat in lesion and surround: (task, 3)."""
    source = cohort.crop_source()
    crop = maps[tasks[0].name].crop
    labels = source.lesion_labels.get(case_id, ())
    native, grid = grids_of_case(case_id, source.paths(case_id)[1], crop, labels)
    drawn = places.of_case(case_id)
    wanted = {"all", *(places.of_task(task.name) for task in tasks)}
    on_crop = {name: on_grid(drawn[name], native, grid) > 0.5 for name in wanted}
    everywhere = on_crop["all"]
    rows = []
    for task in tasks:
        heat, place = maps[task.name].values, on_crop[places.of_task(task.name)]
        total, near = float(heat.sum()), float(heat[everywhere].sum())
        even = place.sum() / everywhere.sum()
        rows.append([float(heat[place].sum()) / near if near else even, even, near / total if total else 0.0])
    return np.array(rows)


def _scored(
    label: str,
    task: Task,
    place: str,
    way: Way,
    shares: np.ndarray,
    patients: np.ndarray,
    bootstrap: Bootstrap,
) -> Pointing:
    """Means over patients of shares of shape (4, case)."""
    resampled = patients_of(patients)
    count = len(resampled.group)
    sums = np.zeros((4, count))
    np.add.at(sums.T, resampled.codes, shares.T)
    means = sums / np.bincount(resampled.codes)
    gains = np.stack([means[0] - means[1], means[0] - means[3]])
    intervals = [NO_INTERVAL, NO_INTERVAL]
    if count >= MIN_PATIENTS:
        drawn = bootstrap.drawn(resampled).astype(float)
        intervals = [percentile_interval(gain @ drawn / count) for gain in gains]
    share, even, within, _ = (float(value) for value in means.mean(axis=1))
    gain, learned = (float(value) for value in gains.mean(axis=1))
    return Pointing(
        *(label, task, place, way, share, even),
        *(gain, intervals[0], learned, intervals[1]),
        *(within, len(patients), count),
    )
