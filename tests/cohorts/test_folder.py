"""The folder cohort: what is read, and which violations are refused with what words."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import CohortError

HEADER = """
name = "mini"
synthetic = true
[tasks.er]
kind = "binary"
[tasks.ki67]
kind = "continuous"
title = "Ki-67"
unit = "percentage points"
range = [0, 100]
[columns]
clinical = ["age"]
acquisition = ["vendor"]
"""
CASES = """case_id,patient_id,site,group,er,ki67,age,vendor
007,p1,a,internal,1,20,51,x
2,p1,a,internal,,30.5,51,x
3,p2,b,external,0,,60,y
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


def write(folder: Path, header: str = HEADER, cases: str = CASES) -> Path:
    (folder / "cohort.toml").write_text(header)
    (folder / "cases.csv").write_text(cases)
    return folder


def test_labels_are_floats_with_nan_where_unknown(folder: Path) -> None:
    cohort = load_folder(folder)
    np.testing.assert_array_equal(cohort.labels("er"), [1, np.nan, 0])
    np.testing.assert_array_equal(cohort.labels("ki67"), [20, 30.5, np.nan])


def test_case_ids_stay_text(folder: Path) -> None:
    assert load_folder(folder).case_ids == ("007", "2", "3")


def test_covariates_come_by_role(folder: Path) -> None:
    cohort = load_folder(folder)
    assert list(cohort.covariates("clinical")) == ["age"]
    assert list(cohort.covariates("acquisition")["vendor"]) == ["x", "x", "y"]


def test_a_blind_cohort_has_no_labels_to_give(folder: Path) -> None:
    blind = load_folder(folder).blind()
    assert blind.is_blind and "er" not in blind.table and "ki67" not in blind.table
    with pytest.raises(CohortError, match="a method never sees a test label"):
        blind.labels("er")


def test_a_blind_cohort_has_no_ignored_column_as_it_may_be_made_of_labels(tiny: Cohort) -> None:
    table = tiny.table.assign(subtype=tiny.labels("er"))
    made = replace(tiny, table=table, roles={**tiny.roles, "subtype": "ignore"})
    assert "subtype" not in made.blind().table and "age" in made.blind().table


def test_taking_cases_keeps_the_order_asked_for(folder: Path) -> None:
    assert load_folder(folder).take(["3", "007"]).case_ids == ("3", "007")


def test_a_cohort_without_volumes_says_so(folder: Path) -> None:
    cohort = load_folder(folder)
    assert not cohort.has_volumes
    with pytest.raises(CohortError, match="shows no image and mask of every case"):
        cohort.volume("2")


def test_the_fingerprint_follows_the_content_and_not_the_place(folder: Path, tmp_path: Path) -> None:
    first = load_folder(folder).fingerprint
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("elsewhere"))
    assert load_folder(copy).fingerprint == first
    write(copy, cases=CASES.replace("30.5", "31.5"))
    assert load_folder(copy).fingerprint != first


@pytest.mark.parametrize(
    ("header", "cases", "message"),
    [
        (HEADER, CASES.replace("age", "shoe_size"), "no column 'age', which cohort.toml declares"),
        (HEADER.replace('clinical = ["age"]', ""), CASES, "column 'age' has no role"),
        (HEADER, CASES.replace("007,p1,a,internal,1", "007,p1,a,internal,2"), "case '007' has er = 2"),
        (
            HEADER,
            CASES.replace("30.5", "130.5"),
            "case '2' has ki67 = 130.5, expected a number from 0 to 100",
        ),
        (HEADER, CASES.replace("30.5", "high"), "case '2' has ki67 = high"),
        (HEADER, CASES.replace("\n2,", "\n3,"), "case_id '3' occurs more than once"),
        (HEADER, CASES.replace("external", "outside"), "has group 'outside', expected internal or external"),
        (HEADER, CASES.replace("2,p1,a", "2,,a"), "line 3: patient_id is empty"),
        (
            HEADER.replace('"binary"', '"ordinal"'),
            CASES,
            "kind must be 'binary' or 'continuous', got 'ordinal'",
        ),
        (HEADER.replace("synthetic = true", ""), CASES, "expected a bool at 'synthetic', got None"),
        (HEADER.replace("[0, 100]", "[100, 0]"), CASES, "low < high"),
        (HEADER.replace("unit", "unti"), CASES, "did you mean unit"),
        ("name = ", CASES, "not valid TOML"),
    ],
)
def test_a_violation_is_named_with_its_place(tmp_path: Path, header: str, cases: str, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        load_folder(write(tmp_path, header, cases))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("../secret.nii.gz", "outside the cohort folder"),
        ("gone.nii.gz", "case 'c1': its image 'gone.nii.gz' is missing"),
    ],
)
def test_a_case_with_a_bad_path_is_named(tmp_path: Path, image: str, message: str) -> None:
    header = 'name = "x"\nsynthetic = true\n[tasks.er]\nkind = "binary"\n'
    cases = f"case_id,patient_id,site,group,image,mask,er\nc1,p1,a,internal,{image},m.nii.gz,1\n"
    with pytest.raises(CohortError, match=message):
        load_folder(write(tmp_path, header, cases))


def test_a_folder_without_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"it has no cohort\.toml"):
        load_folder(tmp_path)


def test_the_phantom_is_a_folder_cohort(tiny: Cohort) -> None:
    assert tiny.synthetic and tiny.has_volumes
    assert [task.name for task in tiny.tasks] == ["er", "pr", "her2", "ki67"]


def test_real_breast_mri_is_read(real_data: Path) -> None:
    cohort = load_folder(real_data / "breastdcedl")
    assert len(cohort) == 268 and not cohort.synthetic
    assert np.isnan(cohort.labels("er")[cohort.sites == "ispy2"]).all()
