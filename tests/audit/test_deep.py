"""Slow checks: each finds what is planted, and is silent on honest methods."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.audit.audit import check_named
from bench.audit.check import Verdict, verdict_of
from bench.audit.copies import ALIKE
from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from tests.audit.audited import changed, cut, honest, results_of
from tests.audit.feature_tables import cohort_of, measured
from tests.audit.planted_deep import (
    DEEP_FAULTS,
    doubled,
    interpolated_at_one_site,
    leaking,
    marked,
    mirrored_copy,
    per_scanner,
    ranged,
    stated,
    subject_of,
)
from tests.splits.random_cohorts import random_cohort

pytestmark = pytest.mark.slow


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten permutations are enough for a leak as large as these."""
    monkeypatch.setattr("bench.audit.learning.MOST", 10)


def verdict(code: str, subject: Subject) -> Verdict:
    return verdict_of(check_named(code), subject)


@pytest.mark.usefixtures("short")
def test_a_leak_lets_permuted_labels_be_predicted() -> None:
    cohort = doubled()
    found = verdict("BA027", subject_of(cohort, leaking(cohort), "Memory"))
    assert found.outcome == "fail"
    assert "fits with permuted labels" in found.evidence[0].text


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("seed", range(5))
def test_honest_methods_fall_to_chance(seed: int) -> None:
    cohort = marked(seed)
    found = verdict("BA027", subject_of(cohort, cut(cohort, "internal"), "BestColumn"))
    assert (found.outcome, len(found.numbers)) == ("pass", len(cohort.tasks))
    assert "with the labels as they are (p = " in found.numbers[0]


def test_a_planted_answer_that_is_found_raises_no_alarm() -> None:
    cohort = marked()
    assert verdict("BA028", subject_of(cohort, cut(cohort, "internal"), "BestColumn")).outcome == "pass"


def test_a_site_that_must_be_learned_from_is_found() -> None:
    found = verdict("BA029", per_scanner(flipped=True))
    assert found.outcome == "warn"
    of_er = [one.text for one in found.evidence if " on er " in one.text]
    assert any("'B'" in text for text in of_er)
    assert not [one for one in verdict("BA029", per_scanner(flipped=False)).evidence if " on er " in one.text]


@pytest.mark.parametrize("code", ["BA028", "BA030", "BA031", "BA032", "BA033", "BA034", "BA035", "BA036"])
def test_a_planted_fault_is_found(tiny: Cohort, tmp_path: Path, code: str) -> None:
    assert verdict(code, DEEP_FAULTS[code](tiny, tmp_path)).outcome == "warn"


@pytest.mark.parametrize("code", ["BA030", "BA031", "BA032"])
def test_a_diameter_is_stable(tiny: Cohort, code: str) -> None:
    found = verdict(code, subject_of(tiny, cut(tiny, "external_frozen"), "Ruler", ("volumes",)))
    assert (found.outcome, bool(found.numbers)) == ("pass", True)


def test_a_changed_copy_of_an_image_is_found(tiny: Cohort, tmp_path: Path) -> None:
    both = mirrored_copy(tiny, tmp_path)
    found = verdict("BA023", Subject(both, cut(tiny), deep=True))
    assert [one.case_ids for one in found.evidence] == [("copy", tiny.case_ids[0])]
    assert float(found.evidence[0].text.rsplit(" ", 1)[1]) >= ALIKE


@pytest.mark.parametrize("seed", range(5))
def test_what_images_tell_is_silent_on_labels_alike_at_sites(seed: int, tmp_path: Path) -> None:
    cohort = cohort_of(measured(seed), tmp_path)
    assert verdict("BA033", Subject(cohort, cut(cohort), deep=True)).outcome == "pass"


def test_interpolation_at_one_site_is_seen_where_labels_differ(tiny: Cohort, tmp_path: Path) -> None:
    differing = interpolated_at_one_site(tiny, tmp_path, (0.8, 0.2))
    found = verdict("BA033", Subject(differing, cut(differing), deep=True))
    assert found.outcome == "warn"
    assert any("image files tell site with an AUC of 1.000" in one.text for one in found.evidence)
    alike = changed(differing, er=tiny.labels("er"))
    found = verdict("BA033", Subject(alike, cut(alike), deep=True))
    assert found.outcome == "pass"
    assert "image files tell site with an AUC of 1.000" in found.numbers


def test_the_centre_is_seen_in_files_of_real_patients(real_data: Path) -> None:
    cohort = load_folder(real_data / "breastdcedl")
    found = verdict("BA033", Subject(cohort, cut(cohort), deep=True))
    (told,) = [text for text in found.numbers if text.startswith("image files tell site")]
    assert found.outcome == "warn" and float(told.rsplit(" ", 1)[1]) > 0.9


def test_covariates_that_hold_no_label_raise_no_alarm() -> None:
    cohort = marked()
    assert verdict("BA034", Subject(cohort, cut(cohort), deep=True)).outcome == "pass"


def test_labels_as_the_source_states_them_raise_no_alarm() -> None:
    cohort = stated(0.0, 1.0).cohort
    labels = cohort.labels("er")
    found = float(np.nanmean(labels))
    assert verdict("BA036", stated(found - 0.02, found + 0.02)).outcome == "pass"
    turned = replace(stated(found - 0.02, found + 0.02), cohort=changed(cohort, er=1 - labels))
    (evidence,) = verdict("BA036", turned).evidence
    assert evidence.text.startswith("er: ") and "stated" in evidence.text
    assert verdict("BA036", Subject(cohort, cut(cohort))).outcome == "not applicable"


def test_a_value_within_the_plausible_range_raises_no_alarm() -> None:
    assert verdict("BA035", ranged(0.5, 0.9)).outcome == "pass"


@pytest.mark.filterwarnings("error")
def test_a_task_that_one_fold_alone_has_labels_of_departs_from_nothing() -> None:
    cohort = random_cohort(0)
    split = cut(cohort)
    mine = cohort.table.index.isin(split.folds[0].test)
    some = changed(cohort, ki67=np.where(mine, cohort.labels("ki67"), np.nan))
    found = verdict("BA015", Subject(some, split, results_of(some, split, method=honest)))
    assert found.outcome == "pass"
