"""A cohort without the cases that cannot be read: how many are left, and its fingerprint."""

from pathlib import Path

import pytest

from bench.cohorts.checking.check import check_folder, load_valid
from bench.cohorts.folder import load_folder
from bench.errors import CohortError
from tests.cohorts.checked_folders import CASES, ball, put, save, undeclared_column


def test_labels_are_counted_by_group_site_and_task(folder: Path) -> None:
    put(0, "er", None)(folder)
    counts = {
        (count.group, count.site, count.task): count for count in check_folder(folder, quiet=True).counts
    }
    inside = counts["internal", "a", "er"]
    assert (inside.cases, inside.labelled, inside.missing, inside.positives) == (6, 5, 1, 3)
    everything = counts["all", "all", "er"]
    assert (everything.patients, everything.labelled, everything.prevalence) == (16, 15, round(8 / 15, 3))
    assert counts["external", "all", "ki67"].median == 67.5


def test_a_sound_cohort_loses_no_case_and_keeps_its_fingerprint(folder: Path) -> None:
    whole = load_folder(folder)
    assert load_valid(folder, quiet=True).fingerprint == whole.fingerprint


def test_leaving_cases_out_changes_the_fingerprint_by_which_they_are(folder: Path) -> None:
    whole = load_folder(folder)
    one, other = whole.leave_out({"c1": "x"}), whole.leave_out({"c2": "x"})
    assert len({whole.fingerprint, one.fingerprint, other.fingerprint}) == 3
    assert "c1" not in one.files.index and one.leave_out({}).fingerprint == one.fingerprint


def test_a_cohort_of_broken_cases_alone_is_refused(folder: Path) -> None:
    for number in range(CASES):
        save(folder / f"c{number}_mask.nii.gz", ball() * 0)
    with pytest.raises(CohortError, match=r"every case of cohort 'mini' is invalid; the first: .* is empty"):
        load_valid(folder, quiet=True)


def test_a_violation_of_the_cohort_as_a_whole_cannot_be_left_out(folder: Path) -> None:
    undeclared_column(folder)
    with pytest.raises(CohortError, match="no role"):
        load_valid(folder, quiet=True)
