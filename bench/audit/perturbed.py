"""Images and masks that are changed a little: predictions should not."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy import ndimage

from bench.audit.check import Check, Evidence, Found, Measured, NotApplicable
from bench.audit.refit import Refit, own_cache, parts_of, refits
from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.imaging.distance import signed_distance
from bench.imaging.volume import Volume
from bench.inference import auc_interval, delong
from bench.inference.agreement import absolute_agreement
from bench.methods.method import Method
from bench.metrics import Array
from bench.task import Task

# Patients of the first fold whose images are changed, and the fewest that say something.
MOST, FEWEST = 40, 12
# Agreement below which predictions hang on the change: the lower bound of "good" by Koo & Li 2016.
GOOD = 0.75
Change = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""Image, mask (bool), spacing in mm and chance, all along (z, y, x), to another image and mask."""


def grown(by_mm: float) -> Change:
    """The lesion with its boundary moved outwards, or inwards as far as something of it is left."""

    def change(
        image: np.ndarray, mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        distance = signed_distance(np.pad(mask, 1), spacing)[1:-1, 1:-1, 1:-1]
        moved = distance <= by_mm
        return image, moved if moved.any() else distance <= distance.min()

    return change


def shifted(by_mm: float) -> Change:
    """The mask shifted within the slices, in a direction of chance."""

    def change(
        image: np.ndarray, mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        angle = 2 * np.pi * rng.random()
        steps = (0.0, by_mm * np.sin(angle) / spacing[1], by_mm * np.cos(angle) / spacing[2])
        moved = ndimage.shift(mask.astype(np.float32), steps, order=1) > 0.5
        return image, moved if moved.any() else mask

    return change


def noisy(share: float) -> Change:
    """Noise with a standard deviation of a share of the range between the 1st and the 99th percentile."""

    def change(
        image: np.ndarray, mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.percentile(image, [1, 99])
        return image + share * (high - low) * rng.standard_normal(image.shape), mask

    return change


def _scaled(
    image: np.ndarray, mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    return 1.5 * image + 0.1 * np.ptp(image), mask


def _mirrored(
    image: np.ndarray, mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    return image[..., ::-1], mask[..., ::-1]


MASKS: Mapping[str, Change] = {
    "eroded 1 mm": grown(-1.0),
    "dilated 1 mm": grown(1.0),
    "dilated 2 mm": grown(2.0),
    "shifted 1 mm": shifted(1.0),
    "shifted 2 mm": shifted(2.0),
}
INTENSITIES: Mapping[str, Change] = {"noise 2 %": noisy(0.02), "noise 5 %": noisy(0.05), "scaled": _scaled}
FLIPS: Mapping[str, Change] = {"mirrored left to right": _mirrored}


def changed(cohort: Cohort, change: Change, folder: Path) -> Cohort:
    """The cases with changed images and masks, written into a folder."""
    source = cohort.crop_source()
    for place, case_id in enumerate(cohort.case_ids):
        volume = cohort.volume(case_id)
        _write(volume, change, folder, place)
    names = {"image": "{}_image.nii", "mask": "{}_mask.nii"}
    files = pd.DataFrame(
        {role: [name.format(place) for place in range(len(cohort))] for role, name in names.items()},
        index=pd.Index(list(cohort.case_ids)),
    )
    mark = hashlib.sha256(f"{source.fingerprint} {folder}".encode()).hexdigest()
    return replace(
        cohort, files=files, folder=folder, fingerprint=mark, as_loaded=(), lesion_labels={}, sources=()
    )


def _write(volume: Volume, change: Change, folder: Path, place: int) -> None:
    rng = np.random.default_rng([place, 30])
    mask = volume.array("mask") > 0
    spacing = np.array(volume.spacing_mm)
    image, moved = change(volume.array("image"), mask, spacing, rng)
    for name, voxels in (("image", image.astype(np.float32)), ("mask", moved.astype(np.uint8))):
        written = sitk.GetImageFromArray(np.ascontiguousarray(voxels))
        written.CopyInformation(volume.image)
        sitk.WriteImage(written, str(folder / f"{place}_{name}.nii"))


def _examined(changes: Mapping[str, Change]) -> Callable[[Subject], Found]:
    """The examination of whether predictions keep with these changes."""

    def examine(subject: Subject) -> Found:
        if not subject.cohort.has_volumes:
            return NotApplicable("the cohort has no images")
        rows = refits(subject)
        if isinstance(rows, NotApplicable):
            return rows
        readers = [row for row in rows if "volumes" in row.spec.needs]
        if not readers:
            return NotApplicable("no audited method reads images")
        evidence: list[Evidence] = []
        numbers: list[str] = []
        for row in readers:
            for text, hangs in _agreements(subject, row, changes):
                numbers.append(text)
                if hangs:
                    evidence.append(Evidence(text))
        if not numbers:
            return NotApplicable(f"fewer than {FEWEST} tested patients, or predictions that are all alike")
        return Measured(evidence, tuple(numbers))

    return examine


def _agreements(subject: Subject, row: Refit, changes: Mapping[str, Change]) -> Iterator[tuple[str, bool]]:
    """Agreement of predictions before and after each change, and whether it is clearly not good."""
    train, val, test = parts_of(subject.cohort, subject.split.folds[0])
    patients = pd.Series(test.patient_ids, index=list(test.case_ids)).drop_duplicates()
    test = test.take(patients.index[:MOST])
    if len(test) < FEWEST:
        return
    method = row.fitted(train, val)
    before = method.predict(test.blind())
    for name, change in changes.items():
        after = _after(method, test, change)
        for task in test.tasks:
            if np.ptp(before[task.name]) > 1e-9:
                yield _said(
                    f"{row.label} on {task.name}, {name}", test, task, before[task.name], after[task.name]
                )


def _after(method: Method, test: Cohort, change: Change) -> Mapping[str, Array]:
    with own_cache() as folder:
        return method.predict(changed(test, change, folder).blind())


def _said(name: str, test: Cohort, task: Task, before: Array, after: Array) -> tuple[str, bool]:
    found = absolute_agreement(np.asarray(before, dtype=float), np.asarray(after, dtype=float))
    low, high = found.interval
    text = f"{name}: ICC {found.value:.2f} [{low:.2f}, {high:.2f}] in {len(test)} patients"
    labels = test.labels(task.name)
    known = ~np.isnan(labels)
    if task.kind == "binary" and len(set(labels[known])) > 1:
        areas = delong(labels[known], [before[known][None], after[known][None]], np.zeros(known.sum(), int))
        values = [f"{areas.auc[row]:.2f} {_bracket(auc_interval(areas, row))}" for row in range(2)]
        text = f"{text}, AUC {values[0]} before and {values[1]} after"
    return text, bool(high < GOOD)


def _bracket(interval: tuple[float, float]) -> str:
    return f"[{interval[0]:.2f}, {interval[1]:.2f}]"


CHECKS = (
    Check(
        "BA030",
        "Predictions hang on the mask",
        f"Masks eroded, dilated or shifted by 1 to 2 mm: predictions agree by an ICC clearly below {GOOD}.",
        "Two readers draw masks that differ by more; what hangs on one of them does not repeat.",
        "Use features that are stable under such changes, or train with perturbed masks.",
        "warn",
        _examined(MASKS),
        cost="deep",
    ),
    Check(
        "BA031",
        "Predictions hang on noise or the grey scale",
        f"Noise of 2 to 5 %, or another grey scale: predictions agree by an ICC clearly below {GOOD}.",
        "MRI has no unit and every scanner another noise; such predictions hold on one scanner.",
        "Normalise images inside the method; train with noise and changes of intensity.",
        "warn",
        _examined(INTENSITIES),
        cost="deep",
    ),
    Check(
        "BA032",
        "Predictions hang on the side",
        f"With images mirrored left to right, predictions agree by an ICC clearly below {GOOD}.",
        "Left and right breasts have the same biology; the method has learned the coil or the protocol.",
        "Mirror at random in training, and average predictions over both sides.",
        "warn",
        _examined(FLIPS),
        cost="deep",
    ),
)
