"""An explained case as files: NIfTI on the image's grid, a sheet, a feature table, and how all was made."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.explain.case import ExplainedCase
from bench.explain.faithfulness import HOW, Faithfulness
from bench.explain.maps import SAID, HeatMap
from bench.explain.models import RowModels
from bench.explain.way import Way
from bench.files import write_whole
from bench.imaging.onto_image import grids_of_case, on_grid, write_nifti
from bench.imaging.planes import lesion_centre, slices_at, three_planes
from bench.page.case_pictures import shown_crop
from bench.page.heat_sheet import HeatSheet, write_heat_sheet
from bench.task import Task

FEATURES, FACTS = "features.csv", "explanations.json"
USE = "For research use only: a map says where a model looks, not where the disease shows."
SCALE = "Values are shares of the map's peak on the crop's grid, 0 to 1, 0 beyond the crop; no direction."


def heat_file(case_id: str, task: str, way: Way) -> str:
    """Name of the NIfTI of a case's map; a method's own map serves all tasks."""
    middle = "" if way is Way.own else f"_{task}"
    return f"{quote(case_id, safe='')}{middle}_heat.nii.gz"


def write_case(models: RowModels, cohort: Cohort, explained: ExplainedCase, out: Path) -> list[Path]:
    """Write the maps and the sheet of a case into a folder; returns the paths, none where there is no map."""
    if not explained.maps:
        return []
    source = cohort.crop_source()
    case_id = explained.case_id
    _, mask = source.paths(case_id)
    labels = source.lesion_labels.get(case_id, ())
    distinct = {heat_file(case_id, task, heat.way): heat for task, heat in explained.maps.items()}
    for name, heat in distinct.items():
        native, grid = grids_of_case(case_id, mask, heat.crop, labels)
        write_nifti(on_grid(heat.values, grid, native), native, out / name)
    sheet = out / f"{quote(case_id, safe='')}.png"
    write_heat_sheet(sheet_of(models, cohort, explained), sheet)
    return [*(out / name for name in distinct), sheet]


def sheet_of(models: RowModels, cohort: Cohort, explained: ExplainedCase) -> HeatSheet:
    """What the sheet of a case shows."""
    source = cohort.crop_source()
    case_id = explained.case_id
    _, mask_path = source.paths(case_id)
    labels = source.lesion_labels.get(case_id, ())
    image, mask, shown = shown_crop(cohort, case_id)
    centre = lesion_centre(mask > 0)
    heats: dict[str, Sequence[np.ndarray]] = {}
    for task, heat in explained.maps.items():
        _, grid = grids_of_case(case_id, mask_path, heat.crop, labels)
        name = _said(cohort.task(task), explained)
        if heat.way is Way.own:
            name = "; ".join(_said(cohort.task(each), explained) for each in explained.maps)
        heats[name] = slices_at(on_grid(heat.values, grid, shown), centre)
    return HeatSheet(
        f"{cohort.name}, case {case_id}: {models.label}, {models.split.name}",
        cohort.synthetic,
        three_planes(image, mask),
        heats,
        _notes(explained),
    )


def _notes(explained: ExplainedCase) -> list[str]:
    way = next(iter(explained.maps.values())).way
    count = len(explained.models)
    models = f"{count} model{'s' if count > 1 else ''}"
    learned = "; the case was learned from" if explained.learned else ""
    made = "the method's own map, one for all tasks" if way is Way.own else f"by {way}"
    return [
        f"{made}; mean over {models}{learned}",
        "research use only: where a model looks, not the disease",
    ]


def _said(task: Task, explained: ExplainedCase) -> str:
    digits = 2 if task.kind == "binary" else 1
    truth = explained.truths[task.name]
    known = "unknown" if math.isnan(truth) else f"{truth:g}"
    return (
        f"{task.title or task.name}: predicted {explained.predictions[task.name]:.{digits}f}, truth {known}"
    )


def write_features(explained: Sequence[ExplainedCase], path: Path) -> bool:
    """Write what each feature adds, a row a case, model, task and feature; False where there is no table."""
    tables = [one.features for one in explained if one.features is not None]
    if not tables:
        return False
    columns = ["case", "seed", "fold", "task", "feature", "value", "contribution"]
    table = pd.concat(tables, ignore_index=True)[columns]
    strongest = table["contribution"].abs()
    keys = ["case", "seed", "fold", "task"]
    order = table.assign(size=-strongest).sort_values([*keys, "size"], kind="stable").index
    write_whole(path, table.loc[order].to_csv(index=False, lineterminator="\n"))
    return True


def write_facts(models: RowModels, cohort: Cohort, explained: Sequence[ExplainedCase], path: Path) -> None:
    """Write how maps and tables were made, and how far they can be trusted, as JSON."""
    content = {
        "use": USE,
        "synthetic": cohort.synthetic,
        "cohort": cohort.name,
        "split": models.split.name,
        "method": models.label,
        "scale": SCALE,
        "faithfulness": HOW,
        "cases": [_facts(one) for one in explained],
    }
    write_whole(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _facts(explained: ExplainedCase) -> dict[str, Any]:
    return {
        "case": explained.case_id,
        "models": [{"seed": seed, "fold": fold} for seed, fold in explained.models],
        "learned_from": explained.learned,
        "tasks": {
            task: {
                "prediction": round(value, 6),
                "truth": _number(explained.truths[task]),
                **_map_facts(explained, task),
            }
            for task, value in explained.predictions.items()
        },
    }


def _map_facts(explained: ExplainedCase, task: str) -> dict[str, Any]:
    heat: HeatMap | None = explained.maps.get(task)
    if heat is None:
        return {}
    found: dict[str, Any] = {
        "file": heat_file(explained.case_id, task, heat.way),
        "way": str(heat.way),
        "made_by": SAID[heat.way],
        "crop_mm": heat.crop.size_mm,
        "voxel_mm": heat.crop.spacing_mm,
    }
    if task in explained.faithfulness:
        found["faithfulness"] = [_curves(one) for one in explained.faithfulness[task]]
        each = explained.sanity.get(task)
        found["correlation_at_random_weights"] = each and [_number(value) for value in each]
    return found


def _curves(found: Faithfulness | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        **{name: list(curve) for name, curve in asdict(found.map).items()},
        "deletion_area": _number(found.map.deletion_area),
        "insertion_area": _number(found.map.insertion_area),
        **{
            f"{other}_{name}_area": _number(area)
            for other, areas in (("random", found.random), ("uniform", found.uniform))
            for name, area in zip(("deletion", "insertion"), areas, strict=True)
        },
    }


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
