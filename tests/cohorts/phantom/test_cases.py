"""The cases of the phantom: counts, labels, sites, and that no case depends on another."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.folder import load_folder
from bench.cohorts.phantom import SCENARIOS, make_phantom
from bench.cohorts.phantom.draw import draw_lesions, drivers
from bench.cohorts.phantom.images import render_case
from bench.cohorts.phantom.scanner import SITES
from bench.cohorts.phantom.scenarios import ATTRIBUTES


def test_the_default_counts_are_886_internal_and_74_external_cases() -> None:
    for name, scenario in SCENARIOS.items():
        if name not in ("phantom-tiny", "phantom-null"):
            lesions = draw_lesions(scenario, 0)
            groups = [SITES[lesion.site].group for lesion in lesions]
            assert (groups.count("internal"), groups.count("external")) == (886, 74)


def standard_normals(name: str, seed: int = 0, **counts: int) -> np.ndarray:
    """What is nuisance in the parameters of a scenario's lesions, shape (case, attribute)."""
    lesions = draw_lesions(SCENARIOS[name], seed, counts)
    return np.array(
        [lesion.parameters - drivers(lesion.truth) @ SCENARIOS[name].matrix for lesion in lesions]
    )


@pytest.mark.parametrize("other", [name for name in SCENARIOS if name not in ("phantom", "phantom-null")])
def test_scenarios_share_neither_nuisance_nor_labels(other: str) -> None:
    one, two = standard_normals("phantom", A=200), standard_normals(other, A=200)
    between = np.abs(np.corrcoef(one.T, two.T)[:18, 18:])
    assert between.max() < 4.5 / np.sqrt(200)
    labels = [
        [draw_lesion.truth[3] for draw_lesion in draw_lesions(SCENARIOS[name], 0, {"A": 200})]
        for name in ("phantom", other)
    ]
    assert abs(np.corrcoef(labels)[0, 1]) < 4 / np.sqrt(200)


def test_images_of_two_scenarios_differ_where_their_attributes_are_equal() -> None:
    images = []
    for name in ("phantom-rim", "phantom-core"):
        (lesion,) = draw_lesions(SCENARIOS[name], 0, {"D": 1})
        images.append(render_case(replace(lesion, parameters=np.zeros(len(ATTRIBUTES))), 0)[0])
    assert not np.array_equal(*images)


def test_the_null_phantom_holds_four_draws_that_share_nothing() -> None:
    lesions = draw_lesions(SCENARIOS["phantom-null"], 0)
    draws = pd.Series([lesion.draw for lesion in lesions])
    assert draws.value_counts().to_dict() == dict.fromkeys((1, 2, 3, 4), 241)
    assert len({lesion.case_id for lesion in lesions}) == len(lesions)
    assert pd.Series([lesion.patient_id for lesion in lesions]).groupby(draws).nunique().eq(237).all()
    by_draw = np.array([lesion.parameters for lesion in lesions if lesion.site == "A"]).reshape(4, 100, -1)
    for one, two in pairwise(by_draw):
        assert np.abs(np.corrcoef(one.T, two.T)[:18, 18:]).max() < 4.5 / 10


def test_the_draw_of_a_null_case_is_told_in_a_column_that_no_method_is_given(tmp_path: Path) -> None:
    make_phantom("phantom-null", tmp_path / "c", tmp_path / "o.csv", counts={"A": 2})
    cohort = load_folder(tmp_path / "c")
    assert cohort.table["draw"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert list(cohort.covariates("clinical")) == ["age"]
    assert "draw" not in cohort.covariates("acquisition")


KERNELS = ("Haswell", "Zen", "SkylakeX")


@pytest.mark.slow
def test_the_table_and_the_splits_are_the_same_on_every_processor() -> None:
    program = (
        "import hashlib; from bench.cohorts.phantom.draw import draw_lesions;"
        "from bench.cohorts.phantom import SCENARIOS;"
        "from tests.splits.random_cohorts import random_cohort;"
        "from bench.splits.config import load_split_config; from bench.splits.make import make_split;"
        "drawn = [draw_lesions(its, seed) for its in SCENARIOS.values() for seed in (0, 1)];"
        "cases = [its for lesions in drawn for its in lesions];"
        "values = [v for its in cases for v in (*its.labels, its.age, *its.parameters)];"
        "print(hashlib.sha256(repr(list(map(float, values))).encode()).hexdigest());"
        "names = ('internal', 'internal_cv', 'external_cv');"
        "configs = [load_split_config(name) for name in names];"
        "print([make_split(random_cohort(k), its).fingerprint for k in (0, 2) for its in configs])"
    )
    root = Path(__file__).parents[3]
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={**os.environ, "OPENBLAS_CORETYPE": kernel},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for kernel in KERNELS
    }
    assert len(printed) == 1


def test_a_case_is_the_same_whatever_other_cases_there_are() -> None:
    alone = draw_lesions(SCENARIOS["phantom"], 0, {"D": 2})
    among = draw_lesions(SCENARIOS["phantom"], 0, {"A": 30, "D": 5})[30:32]
    for one, other in zip(alone, among, strict=True):
        assert one.case_id == other.case_id
        assert (one.parameters == other.parameters).all()


def test_about_twenty_internal_patients_have_two_lesions_that_resemble_each_other() -> None:
    lesions = draw_lesions(SCENARIOS["phantom"], 0)
    patients = pd.Series([lesion.patient_id for lesion in lesions]).value_counts()
    assert (patients == 2).sum() == 20
    assert patients.max() == 2
    pairs = np.array([lesion.truth[3] for lesion in draw_lesions(SCENARIOS["phantom"], 0, {"A": 2000})])
    first, second = pairs[: 2 * (2000 // 42)].reshape(-1, 2).T
    assert np.corrcoef(first, second)[0, 1] > 0.4


def test_labels_are_missing_at_random_and_every_external_case_has_er() -> None:
    lesions = draw_lesions(SCENARIOS["phantom"], 0, {"A": 3000, "D": 500})
    known = np.array([lesion.known for lesion in lesions])
    assert 1 - known[:3000].mean(axis=0) == pytest.approx([0.01, 0.02, 0.03, 0.06], abs=0.012)
    assert known[3000:, 0].all()


def test_age_tells_nothing() -> None:
    lesions = draw_lesions(SCENARIOS["phantom"], 0, {"A": 3000})
    age = [lesion.age for lesion in lesions]
    truth = np.array([lesion.truth for lesion in lesions])
    assert np.abs(np.corrcoef(age, truth.T)[0, 1:]).max() < 0.07


def test_the_external_cases_of_the_tiny_phantom_fill_five_folds_of_both_classes() -> None:
    external = np.array(
        [lesion.labels for lesion in draw_lesions(SCENARIOS["phantom-tiny"], 0) if lesion.site == "D"]
    )
    for k in range(3):
        assert np.sum(external[:, k] == 1) >= 5
        assert np.sum(external[:, k] == 0) >= 5
