"""How much of a map lies where the phantom's signal is, against a map even over lesion and surround."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.cohorts.phantom.places import TruePlaces
from bench.errors import UsageError
from bench.explain.case import mean_map
from bench.explain.maps import HeatMap, heat_maps
from bench.explain.models import RowModels
from bench.explain.way import Way
from bench.imaging.onto_image import grids_of_case, on_grid
from bench.inference import MIN_PATIENTS, NO_INTERVAL, Bootstrap, Interval, patients_of
from bench.inference.intervals import percentile_interval
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
    shares = np.empty((len(tasks), 3, len(case_ids)))
    ways = set()
    for at, case_id in enumerate(case_ids):
        maps = [heat_maps(method, cohort, case_id, tasks, way) for method in models.of_case(case_id).values()]
        found = {task.name: mean_map([one[task.name] for one in maps]) for task in tasks}
        ways |= {heat.way for heat in found.values()}
        shares[:, :, at] = _shares(cohort, places, case_id, tasks, found)
        report()
    patients = cohort.take(case_ids).patient_ids
    return [
        _scored(models.label, task, places.of_task(task.name), max(ways), values, patients, bootstrap)
        for task, values in zip(tasks, shares, strict=True)
    ]


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
        rows.append(
            [float(heat[place].sum()) / near if near else even, even, near / total if total else np.nan]
        )
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
    """Means over patients of shares of shape (3, case)."""
    resampled = patients_of(patients)
    count = len(resampled.group)
    sums = np.zeros((3, count))
    np.add.at(sums.T, resampled.codes, np.nan_to_num(shares).T)
    means = sums / np.bincount(resampled.codes)
    gains = means[0] - means[1]
    interval = NO_INTERVAL
    if count >= MIN_PATIENTS:
        interval = percentile_interval(gains @ bootstrap.drawn(resampled).astype(float) / count)
    share, even, within = (float(value) for value in means.mean(axis=1))
    return Pointing(
        label, task, place, way, share, even, share - even, interval, within, len(patients), count
    )
