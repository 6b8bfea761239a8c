"""A cache that is made for a cohort with new cases takes the crops of the others from the cache before."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.imaging import cache
from bench.imaging.cache import crop_file
from bench.imaging.crop import Crop
from bench.imaging.earlier import cases_file
from tests.imaging.imaging_exams import Exam, make_cohort

CROP = Crop(size_mm=24, spacing_mm=2.0)
ALL = Crop(size_mm=24, spacing_mm=2.0, channels=("image", "mask", "distance"))


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cases that are cut, as they are."""
    seen: list[str] = []
    plain = cache.cut_case

    def counted(case_id: str, *given):
        seen.append(case_id)
        return plain(case_id, *given)

    monkeypatch.setattr(cache, "cut_case", counted)
    return seen


def hashed(folder: Path, name: str) -> str:
    """The fingerprint of a cohort that no other test has."""
    return hashlib.sha256(f"{folder}/{name}".encode()).hexdigest()


def grown(cohort: Cohort, name: str = "new", radius: float = 7.0) -> Cohort:
    """The cohort with a case more, in its middle, and so with another fingerprint."""
    image, mask = Exam(radius=radius, size=(40, 36, 24)).write(cohort.folder, name)
    files = [tuple(row) for row in cohort.files[["image", "mask"]].to_numpy()]
    names = [*cohort.case_ids[:2], name, *cohort.case_ids[2:]]
    files.insert(2, (image.name, mask.name))
    return replace(make_cohort(cohort.folder, names, files), fingerprint=hashed(cohort.folder, name))


def test_a_new_case_alone_is_cut_and_every_crop_is_that_of_a_full_build(
    cohort: Cohort, cut: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort.crops(CROP)
    assert sorted(cut) == sorted(cohort.case_ids)
    cut.clear()
    more = grown(cohort)
    crops = more.crops(ALL)[:]
    assert cut == ["new"]
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "another"))
    np.testing.assert_array_equal(more.crops(ALL)[:], crops)
    assert len(cut) == 1 + len(more)


def test_a_case_whose_file_has_changed_is_cut_again(cohort: Cohort, cut: list[str]) -> None:
    cohort.crops(CROP)
    cut.clear()
    Exam(radius=9.5, spacing=(1.0, 1.2, 2.0), size=(40, 36, 24)).write(cohort.folder, "case3")
    more = grown(cohort)
    crops = more.take(["case3"]).crops(ALL)[:]
    assert sorted(cut) == ["case3", "new"]
    alone = make_cohort(cohort.folder, ["case3"], [tuple(cohort.files.loc["case3"])])
    np.testing.assert_array_equal(
        replace(alone, fingerprint=hashed(cohort.folder, "alone")).crops(ALL)[:], crops
    )


def test_other_values_of_the_lesion_and_other_grids_are_cut_again(cohort: Cohort, cut: list[str]) -> None:
    cohort.crops(CROP)
    cut.clear()
    marked = replace(grown(cohort), lesion_labels={"case1": (1.0,)}, as_loaded=())
    marked.crops(CROP)
    assert sorted(cut) == ["case1", "new"]
    cut.clear()
    marked.crops(Crop(size_mm=24, spacing_mm=1.5))
    assert len(cut) == len(marked)


@pytest.mark.parametrize("damage", ["cut short", "no keys", "fewer keys"])
def test_a_damaged_earlier_cache_is_not_taken(cohort: Cohort, cut: list[str], damage: str) -> None:
    cohort.crops(CROP)
    cut.clear()
    path = crop_file(cohort.crop_source(), CROP)
    if damage == "cut short":
        os.truncate(path, path.stat().st_size - 1000)
    elif damage == "no keys":
        cases_file(path).unlink()
    else:
        cases_file(path).write_text("[]")
    more = grown(cohort)
    more.crops(CROP)
    assert len(cut) == len(more)
