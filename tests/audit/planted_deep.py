"""Faults that need images, tables of features or methods that are fitted again: what is planted."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from bench.audit.perturbed import changed as with_images
from bench.audit.perturbed import noisy
from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.methods.method import MethodSpec
from bench.splits.fold import Fold
from bench.splits.split import Split
from bench.task import Task
from tests.audit import feature_tables
from tests.audit.audited import changed, cut, honest, results_of
from tests.splits.random_cohorts import random_cohort


def subject_of(
    cohort: Cohort, split: Split, learner: str, needs: tuple[str, ...] = ("clinical",), **params: object
) -> Subject:
    """Honest results under the name of a learner that can be fitted again."""
    spec = MethodSpec("learner", f"tests.audit.learners:{learner}", "Made", needs=needs)
    results = results_of(cohort, split, learner=honest)
    record = {"identity": {"method": "learner", "params": params, "seed": 0, "fold": 0}}
    method = replace(results.methods[0], records=(record,))
    results = replace(results, methods=(method,))
    return Subject(cohort, split, results, deep=True, specs={"learner": spec})


def marked(seed: int = 0) -> Cohort:
    """A marker that says a little of ER, and one that says nothing."""
    cohort = random_cohort(seed)
    rng = np.random.default_rng(seed)
    marker = np.nan_to_num(cohort.labels("er"), nan=0.5) + 1.5 * rng.standard_normal(len(cohort))
    roles = {"marker": "clinical", "other": "clinical"}
    return replace(changed(cohort, marker=marker, other=rng.standard_normal(len(cohort))), roles=roles)


def doubled() -> Cohort:
    """Two cases a patient, which share a marker that is of no other patient."""
    cohort = random_cohort(0)
    pairs = np.arange(len(cohort)) // 2
    site = cohort.table["site"].to_numpy()[pairs * 2]
    group = np.where(site == "D", "external", "internal")
    people = [f"p{pair}" for pair in pairs]
    marker, other = pairs.astype(float), np.zeros(len(cohort))
    table = changed(cohort, patient_id=people, site=site, group=group, marker=marker, other=other)
    return replace(table, roles={"marker": "clinical", "other": "clinical"})


def leaking(cohort: Cohort) -> Split:
    """A split by case, as if either case were a patient of its own."""
    alone = changed(cohort, patient_id=list(cohort.case_ids))
    return cut(alone, "internal")


def per_scanner(flipped: bool) -> Subject:
    """A marker whose sign is another at site B, for a method that learns the sign a scanner."""
    cohort = random_cohort(0, internal=500)
    rng = np.random.default_rng(0)
    sign = np.where((cohort.sites == "B") & flipped, -1, 1)
    labels = np.nan_to_num(cohort.labels("er"), nan=0.5) - 0.5
    marker = sign * (2 * labels + rng.standard_normal(len(cohort)))
    cohort = changed(cohort, marker=marker, scanner=cohort.sites)
    cohort = replace(cohort, roles={"marker": "clinical", "scanner": "acquisition"})
    split = cut(cohort, "internal_cv")
    subject = subject_of(cohort, split, "PerScanner")
    assert subject.results is not None
    method = subject.results.methods[0]
    er = method.predictions["task"] == "er"
    said = method.predictions["prediction"].where(~er, (sign * marker)[_rows(cohort, method.predictions)])
    method = replace(method, predictions=method.predictions.assign(prediction=said))
    return replace(subject, results=replace(subject.results, methods=(method,)))


def _rows(cohort: Cohort, predictions: pd.DataFrame) -> np.ndarray:
    return pd.Index(cohort.case_ids).get_indexer(predictions["case_id"])


def copied(tiny: Cohort, folder: Path) -> Cohort:
    """The small phantom, with image and mask of its first case as those of another patient."""
    folder = Path(shutil.copytree(tiny.folder, folder / "copied"))
    other = next(place for place, patient in enumerate(tiny.patient_ids) if patient != tiny.patient_ids[0])
    for column in ("image", "mask"):
        first, second = tiny.files[column].iloc[[0, other]]
        (folder / second).write_bytes((folder / first).read_bytes())
    header = (folder / "cohort.toml").read_text()
    # Known by its files, not by its generator, whose crops are in the cache.
    (folder / "cohort.toml").write_text(re.sub(r"^\[phantom\]\n(?:.+\n)*", "", header, flags=re.MULTILINE))
    return load_folder(folder)


def mirrored_copy(tiny: Cohort, folder: Path) -> Cohort:
    """Two cases of the small phantom, and the first once more, mirrored and noisy, as a third patient."""
    images = folder / "changed"
    images.mkdir()
    one, other = tiny.take(tiny.case_ids[:1]), tiny.take(tiny.case_ids[1:2])
    copy = with_images(
        one, lambda image, mask, *rest: noisy(0.03)(image[..., ::-1], mask[..., ::-1], *rest), images
    )
    moved = copy.files.set_axis(["copy"]).map(lambda name: str(images / name))
    files = pd.concat([tiny.files.loc[list(other.case_ids)], moved, tiny.files.loc[list(one.case_ids)]])
    table = pd.concat([other.table, one.table.set_axis(["copy"]).assign(patient_id="another"), one.table])
    return replace(tiny, table=table, files=files, as_loaded=(), fingerprint="f" * 64)


def measuring_the_lesion(tiny: Cohort) -> Subject:
    """ER is large or small, and a method ranks the volumes."""
    ids = tiny.case_ids
    split = replace(cut(tiny), folds=(Fold(0, ids[:8], (), ids[8:]),))
    volumes = pd.Series(Subject(tiny, split).volumes, index=list(tiny.case_ids))
    noise = np.random.default_rng(0).standard_normal(len(tiny)) / 4
    cohort = changed(tiny, er=((volumes.rank(pct=True) + noise) > 0.5).astype(float))

    def ruler(cases: pd.DataFrame, task: Task, rng: np.random.Generator) -> np.ndarray:
        if task.name != "er":
            return honest(cases, task, rng)
        return volumes[list(cases.index)].rank(pct=True).clip(0.01, 0.99).to_numpy()

    return Subject(cohort, split, results_of(cohort, split, ruler=ruler), deep=True)


def lock_and_key() -> Subject:
    """Two covariates that hold ER together and not alone."""
    cohort = random_cohort(0)
    key = np.random.default_rng(0).integers(0, 2, len(cohort))
    lock = np.abs(np.nan_to_num(cohort.labels("er")) - key)
    roles = {"key": "clinical", "lock": "clinical"}
    return Subject(replace(changed(cohort, key=key, lock=lock), roles=roles), cut(cohort), deep=True)


def ranged(low: float, high: float) -> Subject:
    """Honest results with this plausible range of ER."""
    cohort = random_cohort(0, internal=886)
    split = cut(cohort)
    return Subject(cohort, split, results_of(cohort, split, method=honest), plausible={"er": (low, high)})


def stated(low: float, high: float) -> Subject:
    """A cohort with this range as the stated prevalence of ER."""
    cohort = random_cohort(0)
    return Subject(cohort, cut(cohort), stated={"er": (low, high)})


def _of_features(make: Callable[[], pd.DataFrame]) -> Callable[[Cohort, Path], Subject]:
    def plant(tiny: Cohort, folder: Path) -> Subject:
        cohort = feature_tables.cohort_of(make(), folder)
        return Subject(cohort, cut(cohort), deep=True)

    return plant


def _measuring(what: str) -> Callable[[Cohort, Path], Subject]:
    return lambda tiny, folder: subject_of(
        tiny, cut(tiny, "external_frozen"), "Ruler", ("volumes",), what=what
    )


def _unlearned(tiny: Cohort, folder: Path) -> Subject:
    cohort = marked()
    return subject_of(cohort, cut(cohort, "internal"), "Deaf")


def _remembered(tiny: Cohort, folder: Path) -> Subject:
    cohort = doubled()
    return subject_of(cohort, leaking(cohort), "Memory")


def _copied(make: Callable[[Cohort, Path], Cohort]) -> Callable[[Cohort, Path], Subject]:
    def plant(tiny: Cohort, folder: Path) -> Subject:
        cohort = make(tiny, folder)
        return Subject(cohort, cut(tiny), deep=True)

    return plant


DEEP_FAULTS: dict[str, Callable[[Cohort, Path], Subject]] = {
    "BA005": _copied(copied),
    "BA018": lambda tiny, folder: measuring_the_lesion(tiny),
    "BA023": _copied(mirrored_copy),
    "BA024": _of_features(feature_tables.with_copies),
    "BA025": _of_features(feature_tables.selected),
    "BA026": _of_features(feature_tables.harmonised),
    "BA027": _remembered,
    "BA028": _unlearned,
    "BA029": lambda tiny, folder: per_scanner(flipped=True),
    "BA030": _measuring("volume"),
    "BA031": _measuring("noise"),
    "BA032": _measuring("side"),
    "BA033": _of_features(feature_tables.showing_site),
    "BA034": lambda tiny, folder: lock_and_key(),
    "BA035": lambda tiny, folder: ranged(0.5, 0.6),
    "BA036": lambda tiny, folder: stated(0.2, 0.3),
}
"""Given the small phantom and an empty folder."""


def interpolated_at_one_site(cohort: Cohort, folder: Path, prevalence: tuple[float, float]) -> Cohort:
    """Every other case at a site whose slices were acquired at half the resolution and interpolated.

    ``prevalence`` is that of ER at the one site and at the other.
    """
    far = np.arange(len(cohort)) % 2
    rng = np.random.default_rng(0)
    er = (rng.random(len(cohort)) < np.array(prevalence)[far]).astype(float)

    def change(
        image: np.ndarray, mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        halved = ndimage.zoom(image, (1, 0.5, 0.5), order=1)
        sizes = np.array(image.shape) / halved.shape
        return ndimage.zoom(halved, sizes, order=1), mask

    written = with_images(cohort, change, folder)
    files = cohort.files[["image", "mask"]].map(lambda name: str(cohort.folder / name))
    files[far == 1] = written.files[far == 1]
    return changed(replace(written, files=files, as_loaded=()), site=np.where(far == 1, "far", "near"), er=er)
