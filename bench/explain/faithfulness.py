"""How far a heat map says what the model uses: deletion and insertion, and what is left at random weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from bench.cohorts.cohort import Cohort
from bench.deploy.offers import randomised
from bench.explain.altered import AlteredCohort
from bench.explain.maps import HeatMap, heat_maps, on_scale, predicted
from bench.methods.method import Method
from bench.task import Task

# Voxels are wiped in parts whose sizes grow with the square, as the first ones matter most.
STEPS = 12
# Maps that a heat map is compared with: so many draws, and how far their blobs reach, in voxels.
DRAWS, BLOB = 3, 2.0
# Change of the prediction by wiping everything (log odds, or the task's own unit) below which there is
# nothing to explain.
LEAST_CHANGE = {"binary": 0.05, "continuous": 0.25}
SEED = 0
HOW = (
    "Deletion (Petsiuk et al. 2018): voxels of the crop are wiped (they take the case's median intensity), "
    "those of the highest heat first; insertion: from the wiped crop, those of the highest heat come back "
    "first. The curve is how much of the prediction's way from the whole crop to the wiped one (deletion) or "
    "back (insertion) is made when the share of voxels is (k / 12) squared, k from 0 to 12. Area: mean over "
    "k by the trapezoid rule; the higher the better, for both. Random: smooth noise, 3 draws. Uniform: "
    "all of lesion and surround alike, in random order. Null: wiping all changes the prediction by less than "
    "0.05 in log odds, or 0.25 units."
)


@dataclass(frozen=True)
class Curves:
    """Deletion and insertion curve of one map, each with :data:`STEPS` + 1 values from 0 to 1, and areas."""

    deletion: tuple[float, ...]
    insertion: tuple[float, ...]

    @property
    def deletion_area(self) -> float:
        """Mean of the deletion curve."""
        return _area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Mean of the insertion curve."""
        return _area(self.insertion)


@dataclass(frozen=True)
class Faithfulness:
    """Curves of a map, and mean areas of deletion and insertion of the maps that it is compared with."""

    map: Curves
    random: tuple[float, float]
    uniform: tuple[float, float]


def faithfulness(
    method: Method, cohort: Cohort, case_id: str, task: Task, heat: HeatMap, region: np.ndarray
) -> Faithfulness | None:
    """Curves of a map and of what it is compared with; None where there is nothing to explain.

    Parameters
    ----------
    region
        Lesion and surround, bool, on the map's grid.
    """
    generator = np.random.default_rng(SEED)
    noise = [gaussian_filter(generator.random(region.shape), BLOB) for _ in range(DRAWS)]
    uniform = [region + 0.5 * generator.random(region.shape) for _ in range(DRAWS)]
    maps = [heat.values, *noise, *uniform]
    shares = (np.arange(STEPS + 1) / STEPS) ** 2
    ranks = [_places(values, generator) for values in maps]
    wiped = np.stack([rank < share for rank in ranks for share in shares])
    stated = on_scale(task, predicted(method, cohort, case_id, np.concatenate([wiped, ~wiped]), heat.crop))
    deleted, inserted = stated.reshape(2, len(maps), len(shares))
    whole, nothing = deleted[0, 0], deleted[0, -1]
    if not abs(nothing - whole) >= LEAST_CHANGE[task.kind]:
        return None
    curves = [
        Curves(_rounded((one - whole) / (nothing - whole)), _rounded((other - nothing) / (whole - nothing)))
        for one, other in zip(deleted, inserted, strict=True)
    ]
    return Faithfulness(curves[0], _mean_areas(curves[1 : 1 + DRAWS]), _mean_areas(curves[1 + DRAWS :]))


def _places(values: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Share of the voxels of more heat than each, in [0, 1); equal ones in random order."""
    order = np.lexsort((generator.random(values.size), -values.ravel()))
    found = np.empty(values.size)
    found[order] = np.arange(values.size) / values.size
    return found.reshape(values.shape)


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


def _area(curve: Sequence[float]) -> float:
    return float((sum(curve) - (curve[0] + curve[-1]) / 2) / STEPS)


def _mean_areas(curves: Sequence[Curves]) -> tuple[float, float]:
    return (
        float(np.mean([one.deletion_area for one in curves])),
        float(np.mean([one.insertion_area for one in curves])),
    )


def sanity(
    method: Method, cohort: Cohort, case_id: str, tasks: Sequence[Task], maps: dict[str, HeatMap]
) -> dict[str, float]:
    """Rank correlation of each map with that of the model at random weights (Adebayo et al. 2018).

    Near 1, the map shows the image and not what the model has learned. Over the voxels of lesion and
    surround; NaN where one of the maps is the same everywhere. Empty where nothing can randomise the method.
    """
    other = randomised(method, SEED)
    if other is None:
        return {}
    way = next(iter(maps.values())).way
    again = heat_maps(other, cohort, case_id, tasks, way)
    region = near_lesion(cohort, case_id, maps)
    return {name: _correlation(maps[name].values[region], again[name].values[region]) for name in maps}


def near_lesion(cohort: Cohort, case_id: str, maps: dict[str, HeatMap]) -> np.ndarray:
    """Lesion and surround of a case on the grid of its maps, bool, shape (z, y, x)."""
    crop = next(iter(maps.values())).crop
    regions = AlteredCohort.of(cohort, [case_id]).regions(crop)[0]
    return np.asarray(regions.any(axis=0))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other).statistic)
