"""Images are those of the cohort as it was loaded, whatever a method does to what it was handed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from tests.imaging.imaging_exams import Exam, make_cohort

CROP = Crop(size_mm=24, spacing_mm=2.0)


@pytest.fixture
def cohort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cohort:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    files = [Exam(radius=6 + 2 * index).write(tmp_path, name) for index, name in enumerate("abc")]
    return make_cohort(tmp_path, list("abc"), files)


def test_a_changed_file_table_poisons_no_crop_of_another_method(cohort: Cohort) -> None:
    train, test = cohort.take(["a", "b"]), cohort.take(["c"])
    honest = replace(cohort, files=cohort.files.copy(), fingerprint="f" * 64)
    train.files["mask"] = train.files["image"]
    assert np.array_equal(train.crops(CROP)[:], honest.take(["a", "b"]).crops(CROP)[:])
    assert np.array_equal(test.crops(CROP)[:], honest.take(["c"]).crops(CROP)[:])
    assert honest.crops(CROP)[:][:, 1].mean() < 0.9


def test_a_file_table_that_a_method_puts_in_its_place_is_not_read(cohort: Cohort) -> None:
    swapped = cohort.files.assign(mask=cohort.files["mask"].to_numpy()[::-1])
    before = cohort.volume("a").array("mask")
    assert np.array_equal(replace(cohort, files=swapped).volume("a").array("mask"), before)


def test_what_imaging_is_handed_can_be_changed_without_harm(cohort: Cohort) -> None:
    handed = cohort.crop_source().files
    handed["mask"] = "elsewhere"
    assert cohort.crop_source().paths("a")[1].is_file()


def test_cases_that_are_left_out_are_not_looked_for(cohort: Cohort) -> None:
    fewer = cohort.leave_out({"b": "broken"})
    assert [case.case_id for case in fewer.as_loaded] == ["a", "c"] == list(fewer.crop_source().files.index)
