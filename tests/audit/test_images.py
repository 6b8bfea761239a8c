"""Checks that read images: the same one twice, and what the size of the lesion explains."""

from pathlib import Path

import numpy as np
import pytest

from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from tests.audit.audited import alarms, cut, verdicts
from tests.audit.planted_deep import copied, measuring_the_lesion


def test_an_image_under_two_patients_is_found(tiny: Cohort, tmp_path: Path) -> None:
    both = copied(tiny, tmp_path)
    found = verdicts(both, cut(both), deep=True)
    assert list(alarms(found)) == ["BA005", "BA023"]
    (evidence,) = found["BA005"].evidence
    assert repr(both.case_ids[0]) in evidence.text
    assert both.take(evidence.case_ids).patient_ids[0] != both.patient_ids[0]


def test_without_deep_no_image_is_read(tiny: Cohort) -> None:
    assert verdicts(tiny, cut(tiny))["BA005"].reason == "it reads images or fits methods again; --deep does"


def test_volumes_are_those_of_the_masks(tiny: Cohort) -> None:
    some = tiny.take(tiny.case_ids[:3])
    volume = some.volume(some.case_ids[0])
    expected = (volume.array("mask") > 0).sum() * np.prod(volume.spacing_mm)
    assert Subject(some, cut(tiny)).volumes[0] == pytest.approx(expected)


def test_a_method_that_measures_the_lesion_is_found(tiny: Cohort) -> None:
    subject = measuring_the_lesion(tiny)
    assert "BA018" in alarms(verdicts(subject.cohort, subject.split, subject.results, deep=True))
