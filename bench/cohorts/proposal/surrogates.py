"""Surrogate masks where a case has a box or a point only."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.proposal import synonyms
from bench.cohorts.proposal.surrogate_mask import (
    Ellipsoid,
    ellipsoid_in_box,
    ellipsoid_in_box_mm,
    grid_of,
    require_inside,
    sphere_round,
)
from bench.errors import CohortError, UsageError, parameter
from bench.imaging.grid import Grid

NAMED = 5


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A mask to be written where nobody drew one."""

    case_id: str
    source: str
    shape: Ellipsoid
    grid: Grid
    path: str


def surrogates_of(
    table: pd.DataFrame, cases: pd.DataFrame, folder: Path, point_unit: str, notes: list[str]
) -> list[Surrogate]:
    """A surrogate mask of every case that has none, from its box, else its point; ``cases`` gets the path."""
    marks = _marks(table, point_unit)
    marked = (cases["mask"] == "") & (marks["source"] != "")
    without = int((marked & (cases["image"] == "")).sum())
    if without:
        notes.append(f"{without} cases with a box or point have no image, and so get no mask")
    surrogates, failed = _made(marks[marked & (cases["image"] != "")], cases, folder)
    notes += failed[:NAMED]
    if len(failed) > NAMED:
        notes.append(f"{len(failed) - NAMED} more cases get no mask for such reasons")
    if any(mask.source == "box" for mask in surrogates):
        notes.append(_box_note(table))
    lacking = int((cases["mask"] == "").sum())
    if lacking:
        notes.append(
            f"{lacking} of {len(cases)} cases have no mask, box or point; a run needs one of each case"
        )
    return surrogates


def _made(marks: pd.DataFrame, cases: pd.DataFrame, folder: Path) -> tuple[list[Surrogate], list[str]]:
    """The surrogate masks of the marked lines, each under a path of its own, and why others get none."""
    made: dict[str, Surrogate] = {}
    failed: list[str] = []
    for line in marks.index:
        case_id, image = cases.loc[line, ["case_id", "image"]]
        try:
            mask = _surrogate(case_id, folder / image, marks.loc[line])
        except CohortError as error:
            failed.append(f"case {case_id!r} gets no mask: {error}")
            continue
        if mask.path in made:
            mask = replace(mask, path=mask.path.replace("_stand_in", f"_{len(made)}_stand_in"))
        cases.loc[line, "mask"] = mask.path
        made[mask.path] = mask
    return list(made.values()), failed


def _box_note(table: pd.DataFrame) -> str:
    first, last = synonyms.box_columns(map(str, table)).values()
    if synonyms.box_unit(map(str, table)) == "mm":
        return f"boxes ({first[0]}, ...) are read as corners in mm (LPS)"
    return (
        f"boxes are read as first and last voxel counted from 0: x from {first[0]} to {last[0]}, y from "
        f"{first[1]} to "
        f"{last[1]}, z from {first[2]} to {last[2]}, in the order in which the image file has its "
        "slices; look at some"
    )


def _marks(table: pd.DataFrame, point_unit: str) -> pd.DataFrame:
    """``source`` (``box``, ``point`` or empty), ``unit``, ``first`` and ``last`` (x, y, z) of each line.

    Of a point both are the point. Raises UsageError where there is a point whose unit nobody said.
    """
    box = synonyms.box_columns(map(str, table))
    box_unit = synonyms.box_unit(map(str, table))
    point, unit = synonyms.point_columns(map(str, table))
    marks = pd.DataFrame("", index=table.index, columns=["source", "unit", "first", "last"], dtype=object)
    for source, first, last in (("point", point, point), ("box", box.get("first"), box.get("last"))):
        if not first or not last:
            continue
        ends = np.array([[_numbers(table, name) for name in names] for names in (first, last)])
        known = np.isfinite(ends).all(axis=(0, 1))
        if source == "point" and known.any() and not (unit or point_unit):
            named = ", ".join(point)
            raise UsageError(
                f"are {named} in mm (LPS, as in DICOM) or voxel indices? Give "
                f"{parameter('point', 'mm')} or {parameter('point', 'voxel')}"
            )
        for line, end in zip(table.index[known], ends[:, :, known].transpose(2, 0, 1), strict=True):
            marks.at[line, "source"] = source
            marks.at[line, "unit"] = box_unit if source == "box" else unit or point_unit
            marks.at[line, "first"], marks.at[line, "last"] = end
    return marks


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].map(synonyms.number).to_numpy(float)


def _surrogate(case_id: str, image: Path, mark: "pd.Series[Any]") -> Surrogate:
    grid = grid_of(case_id, image)
    if mark["source"] == "box" and mark["unit"] == "mm":
        shape = ellipsoid_in_box_mm(mark["first"], mark["last"], grid)
    elif mark["source"] == "box":
        _require_voxels(mark["first"], mark["last"])
        shape = ellipsoid_in_box(mark["first"], mark["last"])
    else:
        shape = sphere_round(mark["first"], mark["unit"], grid)
    require_inside(shape, grid)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", case_id)
    return Surrogate(case_id, mark["source"], shape, grid, f"masks/{name}_stand_in.nii.gz")


def _require_voxels(first: np.ndarray, last: np.ndarray) -> None:
    """Raise CohortError for a box that is none, or in millimetres."""
    if not np.any([first, last]):
        raise CohortError("its box is all zeros, as if nothing had been filled in; correct or empty it")
    if np.any(np.mod([first, last], 1)):
        raise CohortError(
            "its box is not in whole voxels; if it is in mm (LPS), name the columns x_min_mm, ...; else "
            "convert it to voxel indices counted from 0"
        )
