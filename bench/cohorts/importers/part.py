"""One study written: its volumes under their final names, then a part file that says what it gave."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from bench.cohorts.columns import IMAGE, MASK
from bench.cohorts.importers.importer import Box, Card, Case, Excluded, Importer, Study, StudyError
from bench.cohorts.importers.pseudonyms import Pseudonyms
from bench.errors import BenchError, CohortError, ImageError
from bench.files import replacing, write_whole
from bench.imaging.lesion import find_lesion
from bench.imaging.volume import as_image, open_file

IMAGES, PARTS = "images", ".import"
GRID_TOLERANCE_MM = 0.1
# Larger texts are no covariate and no name.
MAX_TEXT = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Part = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What every worker has to know."""

    importer: Importer
    card: Card
    names: Pseudonyms
    out: Path

    def part_file(self, study: Study) -> Path:
        """Where the part of a study lies while the import goes on."""
        return self.out / PARTS / f"{self.names.file_name(study.key)}.json"


def write_part(job: Job, study: Study) -> list[str]:
    """Write the cases of a study; what was wrong with it, in words for the terminal alone."""
    part: Part = {"cases": [], "excluded": []}
    problems: list[str] = []

    def leave_out(key: str, patient: str, error: Exception) -> None:
        problems.append(f"{key[:80]!r} is left out: {error or type(error).__name__}")
        part["excluded"].append(excluded_row(Excluded(key, patient, _reason(error)), job.names))

    try:
        for found in job.importer.cases(study):
            if isinstance(found, Excluded):
                part["excluded"].append(excluded_row(found, job.names))
                continue
            try:
                part["cases"].append(_written_case(job, found))
            except CohortError as error:
                leave_out(found.key, found.patient, error)
    except (CohortError, OSError, MemoryError) as error:
        leave_out(study.key, study.patient, error)
    write_whole(job.part_file(study), json.dumps(part))
    return problems


def excluded_row(excluded: Excluded, names: Pseudonyms) -> dict[str, str]:
    """What the report holds of a study left out; ids that a table of ids lacks are hashed."""
    return {
        "case_id": _or_hash(names, excluded.key),
        "patient_id": _or_hash(names, excluded.patient) if excluded.patient else "",
        "reason": excluded.reason,
        "unjoined": excluded.unjoined,
    }


def _or_hash(names: Pseudonyms, name: str) -> str:
    try:
        return names.patient(name)
    except CohortError:
        return f"X{names.digest(name)}"


def _reason(error: Exception) -> str:
    """The kind of an error, in words that name no file and no patient."""
    if isinstance(error, StudyError):
        return error.reason
    if isinstance(error, ImageError):
        return error.kind
    if isinstance(error, MemoryError):
        return "too large for the memory"
    return "unreadable file" if isinstance(error, OSError) else "invalid entry"


def _written_case(job: Job, case: Case) -> Part:
    case_id = job.names.case(case.key, case.patient)
    row = {
        "case_id": case_id,
        "patient_id": job.names.patient(case.patient),
        **row_cells(job.card, case),
    }
    part: Part = {"row": row, "evidence": dict(case.evidence)}
    if case.features:
        part["features"] = feature_cells(job.card, case)
    if case.exam_date is not None:
        part["day"] = job.names.shifted(case.exam_date, case.patient)
    if case.image is not None:
        row |= write_volumes(job.out, case_id, case, job.card.images)
    return part


def row_cells(card: Card, case: Case) -> dict[str, str]:
    """What ``cases.csv`` says of a case beside its ids and files; CohortError for what is not declared."""
    return {
        "site": text_cell(case.site, "site"),
        "group": case.group,
        **_declared(case.labels, [task.name for task in card.tasks], "task"),
        **_declared(case.covariates, list(card.roles), "column"),
    }


def feature_cells(card: Card, case: Case) -> dict[str, str]:
    """The features of a case as texts; CohortError for one that the card does not declare."""
    return _declared(case.features, list(card.features), "feature")


def _declared(values: Mapping[str, Any], known: list[str], kind: str) -> dict[str, str]:
    odd = set(values) - set(known)
    if odd:
        raise CohortError(f"the importer gives the {kind} {min(odd)!r}, which its card does not declare")
    return {name: text_cell(value, name) for name, value in values.items()}


def text_cell(value: Any, column: str) -> str:
    """A value as the text of a cell: numbers exactly, and words so that no spreadsheet runs them."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | int | float | np.number):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    text = str(value)
    if len(text) > MAX_TEXT:
        raise StudyError(
            f"column {column!r} holds a text of {len(text)} characters, expected {MAX_TEXT} at most",
            f"text of more than {MAX_TEXT} characters",
        )
    if "\0" in text:
        raise StudyError(f"column {column!r} holds a NUL character; remove it", "NUL character in a text")
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# Volumes.


def write_volumes(out: Path, case_id: str, case: Case, images: Sequence[str] = ()) -> dict[str, str]:
    """Write the images and the mask of a case; their paths in the folder by column.

    ``images`` are the names of :attr:`Card.images`.
    """
    image = _volume(case_id, IMAGE, case.image)
    mask = _box_mask(case.mask, image) if isinstance(case.mask, Box) else _volume(case_id, MASK, case.mask)
    _require_same_grid(image, mask)
    find_lesion(sitk.GetArrayViewFromImage(mask))
    first, *others = images or (IMAGE,)
    volumes = {first: _stored(image)}
    for name in others:
        other = _volume(case_id, name, case.others.get(name))
        _require_same_grid(image, other, f"{first} and {name}")
        volumes[name] = _stored(other)
    volumes[MASK] = sitk.Cast(mask != 0, sitk.sitkUInt8)
    named = {name: f"{IMAGES}/{case_id}_{name}.nii.gz" for name in volumes}
    for name, volume in volumes.items():
        write_volume(volume, out / named[name])
    return named


def _volume(case_id: str, role: str, source: "sitk.Image | Path | Box | None") -> sitk.Image:
    if source is None:
        raise ImageError(f"case {case_id!r} has no {role}", f"no {role}")
    if isinstance(source, Path):
        file = open_file(case_id, role, source)
        return as_image(file.whole(), file.grid)
    if not isinstance(source, sitk.Image) or source.GetDimension() != 3:
        raise ImageError(f"case {case_id!r}: its {role} is no 3D volume", "not a 3D volume")
    return source


def _box_mask(box: Box, image: sitk.Image) -> sitk.Image:
    size = image.GetSize()
    inside = all(0 <= a <= b < n for a, b, n in zip(box.first, box.last, size, strict=True))
    if not inside:
        raise ImageError(f"the box {box.first} to {box.last} leaves the image of {size}", "box off the image")
    voxels = np.zeros(size[::-1], np.uint8)
    block = tuple(slice(a, b + 1) for a, b in zip(box.first[::-1], box.last[::-1], strict=True))
    voxels[block] = 1
    mask = sitk.GetImageFromArray(voxels)
    mask.CopyInformation(image)
    return mask


def _require_same_grid(image: sitk.Image, mask: sitk.Image, named: str = "image and mask") -> None:
    corner = [n - 1 for n in image.GetSize()]
    places = [((0, 0, 0)), corner, (corner[0], 0, 0), (0, corner[1], 0)]
    apart = [
        np.subtract(image.TransformIndexToPhysicalPoint(at), mask.TransformIndexToPhysicalPoint(at))
        for at in places
    ]
    far = np.linalg.norm(apart, axis=1).max() > GRID_TOLERANCE_MM
    if image.GetSize() != mask.GetSize() or far:
        raise ImageError(f"{named} lie on different grids", "different grids")


def _stored(image: sitk.Image) -> sitk.Image:
    """Voxels as int16 where that loses nothing, else as float32."""
    voxels = sitk.GetArrayViewFromImage(image)
    if not np.isfinite(voxels).all():
        raise ImageError("the image has voxels that are NaN or infinite", "non-finite voxels")
    limits = np.iinfo(np.int16)
    whole = voxels.dtype.kind in "iub" or (voxels == np.round(voxels)).all()
    fits = whole and voxels.min() >= limits.min and voxels.max() <= limits.max
    stored: sitk.Image = sitk.Cast(image, sitk.sitkInt16 if fits else sitk.sitkFloat32)
    return stored


def write_volume(image: sitk.Image, path: Path) -> None:
    """Write a NIfTI file whole; nothing of the image's own header but its geometry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bare = sitk.GetImageFromArray(sitk.GetArrayViewFromImage(image))
    bare.CopyInformation(image)
    # The ending of the name says in which format.
    with replacing(path, path.with_name(f".{os.getpid()}-{path.name}")) as temporary:
        try:
            sitk.WriteImage(bare, str(temporary), useCompression=True)
        except RuntimeError as error:
            cause = str(error).splitlines()[-1]
            raise BenchError(f"cannot write {path}: is the disk full? ({cause})") from None
