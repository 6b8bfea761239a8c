"""Lesions of which a table has the box or a point, on the volume of a DICOM series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.image import Image
from bench.cohorts.importers.dicom.labels import normalised
from bench.cohorts.importers.dicom.masks import Lesion, Lesions
from bench.cohorts.importers.sheet import read_sheet
from bench.cohorts.proposal import synonyms
from bench.cohorts.proposal.surrogate_mask import (
    SPHERE_MM,
    Ellipsoid,
    ellipsoid_in_box_mm,
    sphere_round,
    voxels_in,
)
from bench.errors import UsageError, parameter
from bench.imaging.grid import Grid

OFF_IMAGE = "a box or point off the image"
NUMBER = "instance number"


class BoxUnit(StrEnum):
    """In what boxes and points are given.

    ``mm`` in the patient (LPS); ``voxel`` from 0: column, row, and slice along the normal of the slices;
    ``image`` from 1: column, row, and the number of the image in its phase, as viewers count; ``auto`` as the
    names of the columns say: ``x_min_mm`` mm, ``x_min`` voxel, ``Start Slice`` image.
    """

    AUTO = "auto"
    MM = "mm"
    VOXEL = "voxel"
    IMAGE = "image"


@dataclass(frozen=True)
class Mark:
    """A box from ``first`` to ``last``, both inside, or a point (``first`` alone); order x, y, z."""

    shape: Literal["box", "point"]
    unit: BoxUnit
    first: tuple[float, ...]
    last: tuple[float, ...]


def read_marks(path: Path, patient: str = "", unit: BoxUnit = BoxUnit.AUTO) -> dict[str, tuple[Mark, ...]]:
    """The boxes, or else the points, of a table by normalised patient id; lines without any are passed over.

    Parameters
    ----------
    patient
        Column of the ids; recognised by its name where it is empty or the table has none of that name.

    Raises
    ------
    UsageError
        There is no such file, no column of ids, no box and no point in it, a cell that is no number, or a
        point in an unknown unit.
    """
    table = read_sheet(path)
    ids = patient if patient in table else _id_column(path, table)
    shape, first, last, said = _columns(path, table)
    unit = said or _asked(path, first) if unit is BoxUnit.AUTO else unit
    marks: dict[str, tuple[Mark, ...]] = {}
    for line, row in table.iterrows():
        if not row[ids] or not any(row[name] for name in (*first, *last)):
            continue
        ends = [tuple(_number(path, line, name, row[name]) for name in names) for names in (first, last)]
        key = normalised(row[ids])
        marks[key] = (*marks.get(key, ()), Mark(shape, unit, ends[0], ends[1]))
    return marks


def _id_column(path: Path, table: pd.DataFrame) -> str:
    names = list(map(str, table))
    for use in ("patient_id", "case_id"):
        words = {use: synonyms.IDENTITY_WORDS[use]}
        found = next((name for name in names if synonyms.word_for(name, words)), None)
        if found is not None:
            return found
    near = ", ".join(names[:30])
    raise UsageError(
        f"{path}: no column is called as one of patient ids; name it, {parameter('patient')}; it has {near}"
    )


def _columns(
    path: Path, table: pd.DataFrame
) -> tuple[Literal["box", "point"], list[str], list[str], BoxUnit | None]:
    """Whether boxes or points, the columns of the first and last corner, and the unit if they say one."""
    names = list(map(str, table))
    box = synonyms.box_columns(names)
    if box:
        in_mm = synonyms.box_unit(names) == "mm"
        return "box", box["first"], box["last"], BoxUnit.MM if in_mm else _counted(box["first"])
    point, unit = synonyms.point_columns(names)
    if not point:
        near = ", ".join(names[:30])
        raise UsageError(
            f"{path} has neither a box (such as x_min ... z_max, or Start Row ... End Slice) nor a point "
            f"(such as x_mm, y_mm, z_mm); it has {near}"
        )
    known = {"mm": BoxUnit.MM, "voxel": BoxUnit.VOXEL}.get(unit)
    return "point", point, point, known or (BoxUnit.IMAGE if _counted(point) is BoxUnit.IMAGE else None)


def _asked(path: Path, names: Sequence[str]) -> BoxUnit:
    raise UsageError(
        f"{path}: are {', '.join(names)} in mm or voxels? Give {parameter('box_unit', 'mm')} (LPS, as in "
        f"DICOM), {parameter('box_unit', 'voxel')} or {parameter('box_unit', 'image')}"
    )


def _counted(names: Sequence[str]) -> BoxUnit:
    return BoxUnit.IMAGE if "slice" in synonyms.plain(names[2]) else BoxUnit.VOXEL


def _number(path: Path, line: object, name: str, cell: str) -> float:
    value = synonyms.number(cell)
    if not np.isfinite(value):
        raise UsageError(f"{path}, line {line}: {name} is {cell[:60]!r}, expected a number; correct it")
    return value


def marked_lesions(
    marks: Sequence[Mark],
    images: Sequence[Image],
    grid: Grid,
    which: Lesions,
    numbers: Mapping[str, int] | None = None,
) -> list[Lesion]:
    """The lesions that boxes and points mark on a phase, the largest first.

    A box is filled, a point is the centre of a sphere of ``SPHERE_MM``.

    Parameters
    ----------
    images
        The images of the phase from the first slice to the last.
    grid
        The grid of the phase.
    numbers
        The number of each image by its UID, where the source publishes them; else images are counted from 1
        in the order of their instance numbers, which many scanners write against the order of positions.

    Raises
    ------
    Refused
        A box or point is off the image, ends before it begins, or is numbered otherwise than the slices lie.
    """
    slices = _slices(images, numbers) if any(mark.unit is BoxUnit.IMAGE for mark in marks) else {}
    inside = [_inside(mark, grid, slices) for mark in marks]
    found = [
        Lesion(voxels, int(voxels.sum()), _evidence(mark, int(voxels.sum())))
        for mark, voxels in zip(marks, inside, strict=True)
    ]
    found.sort(key=lambda lesion: -lesion.voxels)
    return found if which is Lesions.EACH else found[:1]


def _evidence(mark: Mark, voxels: int) -> str:
    kind = "box" if mark.shape == "box" else f"sphere of {SPHERE_MM:g} mm round a point"
    counted = {
        BoxUnit.MM: "in mm",
        BoxUnit.VOXEL: "in voxels from 0",
        BoxUnit.IMAGE: "in rows, columns and image numbers from 1",
    }
    return f"{kind} {counted[mark.unit]}, {voxels} voxels"


def _slices(images: Sequence[Image], numbers: Mapping[str, int] | None) -> dict[int, int]:
    """Slice (from 0, along the normal) of each image number."""
    if numbers is not None:
        return {
            numbers[uid]: at
            for at, image in enumerate(images)
            if (uid := image.uid.rpartition(":")[0]) in numbers
        }
    order = sorted(range(len(images)), key=lambda at: (images[at].moments.get(NUMBER, 0), images[at].frame))
    return dict(enumerate(order, 1))


def _inside(mark: Mark, grid: Grid, slices: Mapping[int, int]) -> np.ndarray:
    if mark.shape == "point":
        return _sphere(mark, grid, slices)
    first, last = np.array(mark.first), np.array(mark.last)
    if mark.unit is BoxUnit.MM:
        shape = ellipsoid_in_box_mm(first, last, grid)
        low, high = np.ceil(shape.centre - shape.half), np.floor(shape.centre + shape.half)
        _require_on(shape.centre, grid)
        nearest = np.rint(shape.centre)
        low, high = np.minimum(low, nearest), np.maximum(high, nearest)
        return _filled(np.clip(low, 0, grid.size - 1), np.clip(high, 0, grid.size - 1), grid)
    _require_box(first, last)
    if mark.unit is BoxUnit.IMAGE:
        first, last = _from_numbers(first, last, slices)
    for corner in (first, last):
        _require_on(corner, grid)
    return _filled(first, last, grid)


def _sphere(mark: Mark, grid: Grid, slices: Mapping[int, int]) -> np.ndarray:
    point = np.array(mark.first)
    if mark.unit is BoxUnit.IMAGE:
        point, _ = _from_numbers(point, point, slices)
    shape: Ellipsoid = sphere_round(point, "mm" if mark.unit is BoxUnit.MM else "voxel", grid)
    _require_on(shape.centre, grid)
    return voxels_in(shape, grid)


def _require_box(first: np.ndarray, last: np.ndarray) -> None:
    if np.any(np.mod([first, last], 1)):
        raise Refused("a box that is not in whole voxels; is it in mm?")
    if (first > last).any():
        raise Refused("a box that ends before it begins")


def _from_numbers(
    first: np.ndarray, last: np.ndarray, slices: Mapping[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Corners in voxels from 0; image numbers may run with the normal of the slices or against it."""
    wanted = range(int(first[2]), int(last[2]) + 1)
    found = [slices[number] for number in wanted if number in slices]
    if len(found) < len(wanted):
        raise Refused(f"{OFF_IMAGE}: the phase has no image of its number", OFF_IMAGE)
    low, high = min(found), max(found)
    if high - low + 1 != len(found):
        raise Refused("a box whose images do not lie side by side: their numbers are not those of slices")
    return np.array([first[0] - 1, first[1] - 1, low]), np.array([last[0] - 1, last[1] - 1, high])


def _require_on(point: np.ndarray, grid: Grid) -> None:
    if (point < -0.5).any() or (point > grid.size - 0.5).any():
        raise Refused(f"{OFF_IMAGE} of {'x'.join(map(str, grid.size))} voxels", OFF_IMAGE)


def _filled(first: np.ndarray, last: np.ndarray, grid: Grid) -> np.ndarray:
    inside = np.zeros(grid.size[::-1], bool)
    ends = zip(first[::-1].astype(int), last[::-1].astype(int), strict=True)
    inside[tuple(slice(a, b + 1) for a, b in ends)] = True
    return inside
