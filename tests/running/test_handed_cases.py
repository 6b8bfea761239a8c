"""A method is handed the cases of its cell, and nothing from which another case could be known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError
from bench.imaging.crop import Crop
from bench.running.desk import Desk
from bench.running.handed import HandedCohort, StoredCrops
from bench.splits.fold import Fold

CROP = Crop(size_mm=24, spacing_mm=3)


@pytest.fixture
def fold(tiny: Cohort) -> Fold:
    ids = tiny.case_ids
    return Fold(0, train=ids[:8], val=ids[8:12], test=ids[12:20])


@pytest.fixture
def desk(tiny: Cohort, fold: Fold, tmp_path: Path) -> Desk:
    opened = Desk(tiny, fold, shows_files=True, view=tmp_path / "view")
    opened.open()
    return opened


def shown(desk: Desk) -> set[str]:
    """Files that the method could read, relative to its folder."""
    folder = desk.view / "cases"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def asking(desk: Desk, cases: HandedCohort, tested: bool) -> HandedCohort:
    """The cases, with crops from the desk itself."""

    def crops(crop: Crop) -> StoredCrops:
        path, case_ids = desk.crops(crop, tested)
        return StoredCrops(case_ids, np.load(path, mmap_mode="r"))

    return replace(cases, ask_crops=crops)


def test_the_cases_to_learn_from_name_no_other(desk: Desk, fold: Fold) -> None:
    known = desk.learning()
    assert known.case_ids == (*fold.train, *fold.val)
    assert set(known.files.index) == set(known.case_ids) and not known.is_blind
    assert not set(known.lesion_labels) - set(known.case_ids) and not known.skipped_cases
    assert "D0" not in repr(known.folder) and desk.cohort.folder not in known.folder.parents


def test_a_test_image_is_shown_when_the_test_cases_are_and_not_before(desk: Desk, fold: Fold) -> None:
    tested = set(desk.cohort.files.loc[list(fold.test)].to_numpy().ravel())
    known = desk.learning()
    assert shown(desk) == set(known.files.to_numpy().ravel()) and not shown(desk) & tested
    assert desk.test().is_blind
    assert tested < shown(desk)


def test_crops_and_regions_are_those_of_the_cohort(desk: Desk, fold: Fold) -> None:
    for handed, ids, tested in ((desk.learning(), fold.val, False), (desk.test(), fold.test, True)):
        cases = asking(desk, handed, tested).take(ids[::-1])
        assert np.array_equal(cases.crops(CROP)[:], desk.cohort.take(ids[::-1]).crops(CROP)[:])
        assert np.array_equal(cases.regions(CROP)[:], desk.cohort.take(ids[::-1]).regions(CROP)[:])


def test_the_file_of_crops_holds_the_cases_of_one_part(desk: Desk, fold: Fold) -> None:
    path, case_ids = desk.crops(CROP, tested=False)
    assert len(np.load(path)) == len(case_ids) == 12 and not set(case_ids) & set(fold.test)


def test_volumes_are_those_of_the_cohort(desk: Desk, fold: Fold) -> None:
    case = fold.train[3]
    expected = desk.cohort.volume(case).array("image")
    assert np.array_equal(desk.learning().volume(case).array("image"), expected)


def test_a_method_that_reads_no_volume_is_shown_none(tiny: Cohort, fold: Fold, tmp_path: Path) -> None:
    plain = Desk(tiny, fold, shows_files=False, view=tmp_path / "view")
    plain.open()
    with pytest.raises(CohortError, match="no image and mask"):
        plain.learning().volume(fold.train[0])
    assert not shown(plain)


def test_features_are_the_rows_of_the_cases(tiny: Cohort, fold: Fold, tmp_path: Path) -> None:
    table = pd.DataFrame({"case_id": tiny.case_ids, "size": np.arange(len(tiny)) / 7})
    table.to_csv(tmp_path / "features.csv", index=False)
    featured = replace(tiny, feature_file=tmp_path / "features.csv")
    opened = Desk(featured, fold, shows_files=False, view=tmp_path / "view")
    opened.open()
    known = opened.learning()
    assert known.feature_file is not None and len(pd.read_csv(known.feature_file)) == len(known)
    assert known.feature_rows is not None and tuple(known.feature_rows.index) == known.case_ids
    pd.testing.assert_frame_equal(known.take(fold.val).features(), featured.take(fold.val).features())
    with pytest.raises(CohortError, match="no feature table"):
        replace(known, feature_rows=None).features()
