"""Heat maps of one fitted model for one case: its own, by gradients, or by occlusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from bench.cohorts.cohort import Cohort
from bench.deploy.offers import gradient_maps
from bench.errors import PluginError, UsageError, parameter
from bench.explain.altered import AlteredCohort, crops_read
from bench.explain.way import Way
from bench.imaging.crop import Crop
from bench.methods.method import Method, Predictions
from bench.task import Task

# The occluding cube, and how far it moves.
BLOCK_MM, STRIDE_MM = 8.0, 6.0
# Altered copies of a case that are predicted at once.
BATCH = 128
# A probability nearer to 0 or 1 than this is no more certain.
SUREST = 1e-6


SAID = {
    Way.own: "the method's own explain(), one map for all tasks",
    Way.gradients: (
        "integrated gradients (Sundararajan et al. 2017) of the task's output, from the crop whose "
        "intensities are all the case's median to the crop, absolute"
    ),
    Way.occlusion: (
        "occlusion (Zeiler and Fergus 2014): change of the prediction, of a binary task of its log odds, "
        f"where a cube of {BLOCK_MM:g} mm, moved by {STRIDE_MM:g} mm, holds the case's median intensity; "
        "mean over the cubes that cover a voxel"
    ),
}


@dataclass(frozen=True, eq=False)
class HeatMap:
    """How much each voxel of a case matters to a prediction; not in which direction.

    Parameters
    ----------
    values
        At least 0, float32, shape (z, y, x).
    crop
        On whose grid.
    way
        How it was made, never ``auto``.
    """

    values: np.ndarray
    crop: Crop
    way: Way


def heat_maps(
    method: Method, cohort: Cohort, case_id: str, tasks: Sequence[Task], way: Way = Way.auto
) -> dict[str, HeatMap]:
    """The map of each task for one case, by name of the task.

    Parameters
    ----------
    way
        ``auto``: the first that the method offers of its own map, gradients and occlusion.

    Raises
    ------
    UsageError
        The method does not offer that way, or reads no crop.
    PluginError
        Its own map is on no grid that it reads.
    """
    one = AlteredCohort.of(cohort, [case_id])
    if way in (Way.auto, Way.own):
        if callable(getattr(method, "explain", None)):
            return dict.fromkeys((task.name for task in tasks), own_map(method, one))
        if way is Way.own:
            raise UsageError(f"{type(method).__name__} has no explain(); see {parameter('by', 'auto')}")
    if way in (Way.auto, Way.gradients):
        found = gradient_maps(method, one, [task.name for task in tasks])
        if found is not None:
            crop = one.seen[0]
            return {name: _checked(values, crop, Way.gradients, method) for name, values in found.items()}
        if way is Way.gradients:
            raise UsageError(f"no gradients are known of {type(method).__name__}; try by=occlusion")
    return occlusion_maps(method, cohort, case_id, tasks)


def own_map(method: Method, one: AlteredCohort) -> HeatMap:
    """What the method's ``explain`` says of one case."""
    values = np.asarray(method.explain(one))  # type: ignore[attr-defined]
    crops = [crop for crop in one.seen if (1, *crop.shape) == values.shape]
    if not crops:
        read = ", ".join(str(crop.shape) for crop in one.seen) or "no crop"
        raise PluginError(
            f"{type(method).__name__}.explain returned {values.shape} for one case, expected (1, z, y, x) on "
            f"the grid of a crop that it reads ({read})"
        )
    return _checked(values, crops[0], Way.own, method)


def _checked(values: np.ndarray, crop: Crop, way: Way, method: Method) -> HeatMap:
    if not np.isfinite(values).all():
        raise PluginError(f"the map of {type(method).__name__} by {way} has values that are not finite")
    return HeatMap(np.abs(values[0]).astype(np.float32), crop, way)


def occlusion_maps(method: Method, cohort: Cohort, case_id: str, tasks: Sequence[Task]) -> dict[str, HeatMap]:
    """Maps from predictions alone, for any method that reads crops; see :data:`SAID`."""
    crop = require_crop(method, cohort, case_id)
    blocks = _blocks(crop)
    before = method.predict(AlteredCohort.of(cohort, [case_id]))
    after = predicted(method, cohort, case_id, blocks, crop)
    covered = np.maximum(blocks.sum(axis=0), 1)
    found = {}
    for task in tasks:
        change = np.abs(on_scale(task, after) - on_scale(task, before))
        heat = np.tensordot(change, blocks.astype(np.float32), axes=1) / covered
        found[task.name] = HeatMap(heat.astype(np.float32), crop, Way.occlusion)
    return found


def require_crop(method: Method, cohort: Cohort, case_id: str) -> Crop:
    """The finest crop with an image that the method reads; raises UsageError where it reads none."""
    read = crops_read(method, cohort, case_id) if cohort.has_volumes else ()
    if not read:
        raise UsageError(
            f"{type(method).__name__} reads no crop here, so there is no map of what it looks at; a model of "
            "features has a feature table instead"
        )
    return min(read, key=lambda crop: (crop.spacing_mm, -crop.size_mm))


def predicted(
    method: Method, cohort: Cohort, case_id: str, wiped: np.ndarray, grid: Crop
) -> Mapping[str, np.ndarray]:
    """Predictions for a case wiped in several ways; ``wiped`` is bool, shape (way, z, y, x)."""
    parts = []
    for start in range(0, len(wiped), BATCH):
        part = wiped[start : start + BATCH]
        parts.append(method.predict(AlteredCohort.of(cohort, [case_id] * len(part), wiped=part, grid=grid)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def on_scale(task: Task, said: Predictions | Mapping[str, np.ndarray]) -> np.ndarray:
    """Predictions of a task where differences mean the same everywhere: log odds, or the value itself."""
    values = np.asarray(said[task.name], float)
    return np.asarray(logit(values.clip(SUREST, 1 - SUREST))) if task.kind == "binary" else values


def _blocks(crop: Crop) -> np.ndarray:
    """Every place of the occluding cube, bool, shape (place, z, y, x)."""
    count = crop.shape[0]
    edge = max(round(BLOCK_MM / crop.spacing_mm), 1)
    step = max(round(STRIDE_MM / crop.spacing_mm), 1)
    starts = np.arange(-(edge // 2), count, step)
    places = np.arange(count)
    along = (places >= starts[:, None]) & (places < starts[:, None] + edge)  # (start, voxel)
    along = along[along.any(axis=1)]
    z, y, x = along[:, None, None, :, None, None], along[:, None, None, :, None], along[:, None, None]
    cubes = z & y & x
    return cubes.reshape(-1, count, count, count)
