"""Checks that read images: the same one twice, and what the size of the lesion explains."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.splits.fold import Fold
from bench.task import Task
from tests.audit.audited import alarms, changed, cut, honest, results_of, verdicts


@pytest.fixture
def copied(tiny: Cohort, tmp_path: Path) -> Cohort:
    """The small phantom, with image and mask of its first case as those of another patient."""
    folder = Path(shutil.copytree(tiny.folder, tmp_path / "copied"))
    other = next(place for place, patient in enumerate(tiny.patient_ids) if patient != tiny.patient_ids[0])
    for column in ("image", "mask"):
        first, second = tiny.files[column].iloc[[0, other]]
        (folder / second).write_bytes((folder / first).read_bytes())
    header = (folder / "cohort.toml").read_text()
    # Known by its files, not by its generator, whose crops are in the cache.
    (folder / "cohort.toml").write_text(re.sub(r"^\[phantom\]\n(?:.+\n)*", "", header, flags=re.MULTILINE))
    return load_folder(folder)


def test_an_image_under_two_patients_is_found(copied: Cohort) -> None:
    found = verdicts(copied, cut(copied), deep=True)
    assert list(alarms(found)) == ["BA005", "BA023"]
    (evidence,) = found["BA005"].evidence
    assert repr(copied.case_ids[0]) in evidence.text
    assert copied.take(evidence.case_ids).patient_ids[0] != copied.patient_ids[0]


def test_without_deep_no_image_is_read(tiny: Cohort) -> None:
    assert verdicts(tiny, cut(tiny))["BA005"].reason == "it reads images or fits methods again; --deep does"


def test_volumes_are_those_of_the_masks(tiny: Cohort) -> None:
    some = tiny.take(tiny.case_ids[:3])
    volume = some.volume(some.case_ids[0])
    expected = (volume.array("mask") > 0).sum() * np.prod(volume.spacing_mm)
    assert Subject(some, cut(tiny)).volumes[0] == pytest.approx(expected)


def test_a_method_that_measures_the_lesion_is_found(tiny: Cohort) -> None:
    ids = tiny.case_ids
    split = replace(cut(tiny), folds=(Fold(0, ids[:8], (), ids[8:]),))
    volumes = pd.Series(Subject(tiny, split).volumes, index=list(tiny.case_ids))
    noise = np.random.default_rng(0).standard_normal(len(tiny)) / 4
    cohort = changed(tiny, er=((volumes.rank(pct=True) + noise) > 0.5).astype(float))

    def ruler(cases: pd.DataFrame, task: Task, rng: np.random.Generator) -> np.ndarray:
        if task.name != "er":
            return honest(cases, task, rng)
        return volumes[list(cases.index)].rank(pct=True).clip(0.01, 0.99).to_numpy()

    results = results_of(cohort, split, ruler=ruler)
    assert "BA018" in alarms(verdicts(cohort, split, results, deep=True))
