"""A split as files, for people who work elsewhere: folds, training labels, crops without test labels."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import SimpleITK as sitk

from bench.errors import UsageError
from bench.files import write_whole
from bench.imaging.crop import require_images
from bench.progress import progress_bar
from bench.splits.fold import PARTS
from bench.splits.split import Split
from bench.task import Task

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.imaging.crop import Crop

README = """# {cohort}, {split}

{banner}What a method may know of each fold of the split `{split}` (fingerprint {fingerprint}), and
nothing of its tested cases but their images and covariates. {estimand}

| file | content |
|---|---|
| `folds.csv` | case_id, fold, part: `train` learns, `val` stops it and sets thresholds, `test` is predicted |
| `tasks.csv` | task, kind (binary or continuous), unit and bounds |
| `cases.csv` | of every case: patient, site, group, covariates and the number of its files; no label |
| `labels/fold_K.csv` | labels of the train and val cases of fold K; an empty cell is unknown |
| {files} | {crops} |

A case that fold K tests may have its label in the file of another fold, where it is learned from: use
`labels/fold_K.csv` alone for fold K.

Return a table with the columns `case_id`, `fold`, `task` and `prediction` (the probability of 1, or the value
in the task's unit), a line for each tested case and task, and one of the same form for the val cases:

    bench submit predictions.csv --validation validation.csv --method NAME --cohort {cohort} --split {split}
"""


def export_split(cohort: "Cohort", split: Split, out: Path, crop: "Crop", quiet: bool = False) -> None:
    """Write a split for people who work elsewhere.

    Parameters
    ----------
    cohort
        With labels.
    split
        Of this cohort.
    out
        A folder that is new or empty.
    crop
        Which crops; none are written of a cohort without images.

    Raises
    ------
    UsageError
        The folder holds something.
    CohortError
        A channel of the crop shows an image that the cases do not have.
    """
    if cohort.has_volumes:
        require_images(crop, cohort.images, cohort.name)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty; name a new folder")
    (out / "labels").mkdir(parents=True)
    cohort = cohort.take(
        sorted({name for fold in split.folds for part in PARTS for name in getattr(fold, part)})
    )
    cases = _cases(cohort)
    _write(cases, out / "cases.csv")
    _write(_folds(split), out / "folds.csv")
    _write(pd.DataFrame([_task(task) for task in cohort.tasks]), out / "tasks.csv")
    tasks = [task.name for task in cohort.tasks]
    for fold in split.folds:
        labels = cohort.take(sorted(fold.train + fold.val)).table[tasks].rename_axis("case_id").reset_index()
        _write(labels, out / "labels" / f"fold_{fold.index}.csv")
    if cohort.has_volumes:
        _write_crops(cohort, cases, out / "crops", crop, quiet)
    write_whole(out / "README.md", _readme(cohort, split, crop))


def _write(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")


def _cases(cohort: "Cohort") -> pd.DataFrame:
    """What everybody may know of every case."""
    blind = cohort.blind().table.rename_axis("case_id").reset_index()
    return blind.assign(number=np.arange(1, len(blind) + 1))


def _folds(split: Split) -> pd.DataFrame:
    rows = [
        (case_id, fold.index, part)
        for fold in split.folds
        for part in PARTS
        for case_id in getattr(fold, part)
    ]
    return pd.DataFrame(rows, columns=["case_id", "fold", "part"])


def _task(task: Task) -> dict[str, object]:
    """What a learner needs of a task."""
    low, high = task.bounds
    return {"task": task.name, "kind": task.kind, "unit": task.unit, "low": low, "high": high}


def _write_crops(cohort: "Cohort", cases: pd.DataFrame, folder: Path, crop: "Crop", quiet: bool) -> None:
    """Image and mask of each crop as NIfTI, named by the number of the case."""
    folder.mkdir()
    crops = cohort.crops(crop)
    with progress_bar("writing crops", quiet) as advance:
        for at, number in enumerate(cases["number"]):
            for channel, name in enumerate(crop.channels):
                volume = sitk.GetImageFromArray(np.asarray(crops[at][channel], dtype=np.float32))
                volume.SetSpacing([crop.spacing_mm] * 3)
                sitk.WriteImage(volume, str(folder / f"{number:06}_{name}.nii.gz"), useCompression=True)
            advance(at + 1, len(cases))


def _readme(cohort: "Cohort", split: Split, crop: "Crop") -> str:
    crops = (
        f"the crop round the lesion, {crop.size_mm:g} mm at {crop.spacing_mm:g} mm a voxel; {_meanings(crop)}"
        if cohort.has_volumes
        else "none: this cohort has no images"
    )
    return README.format(
        cohort=cohort.name,
        split=split.name,
        banner="**SYNTHETIC cohort: no number is about real patients.** " if cohort.synthetic else "",
        fingerprint=split.fingerprint[:12],
        estimand=split.estimand,
        files=", ".join(f"`crops/NUMBER_{channel}.nii.gz`" for channel in crop.channels),
        crops=crops,
    )


def _meanings(crop: "Crop") -> str:
    """What the channels of the crops are."""
    words = {
        "image": "image: 0 is the crop's median, 1 its 99th percentile",
        "mask": "mask: 1 inside the lesion",
        "distance": "distance: mm from its boundary, negative inside",
    }
    known = [
        words.get(channel, f"{channel}: in the unit of the case's first image") for channel in crop.channels
    ]
    return "; ".join(known)
