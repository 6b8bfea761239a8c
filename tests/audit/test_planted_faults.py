"""Every check finds the fault that is planted for it, and names it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.audit.audit import CHECKS, audit
from bench.audit.check import Verdict
from bench.audit.subject import Subject
from tests.audit.fault_table import WORDS
from tests.audit.planted import COHORT, FAULTS, FIRST, SPLIT, renamed, tuned
from tests.audit.planted_deep import DEEP_FAULTS


def verdict(code: str) -> Verdict:
    return next(one for one in audit(FAULTS[code]()) if one.check.code == code)


def test_every_check_has_a_planted_fault() -> None:
    assert [check.code for check in CHECKS] == [f"BA{number:03}" for number in range(1, len(CHECKS) + 1)]
    assert {check.code for check in CHECKS} == set(FAULTS) | set(DEEP_FAULTS) == set(WORDS)
    assert not set(FAULTS) & set(DEEP_FAULTS)


@pytest.mark.parametrize("code", FAULTS)
def test_a_planted_fault_is_found(code: str) -> None:
    found = verdict(code)
    assert (found.outcome, bool(found.evidence)) == (found.check.severity, True)


def test_the_cases_of_a_patient_are_named() -> None:
    evidence = verdict("BA001").evidence[0]
    assert evidence.text == "patient 'p1234' is in train and test of fold 0"
    assert evidence.case_ids == (FIRST.train[0], FIRST.test[0])


@pytest.mark.parametrize(("one", "other"), [("q12_L", "q13_R"), ("q12-T1", "q120-T2"), ("mother", "other")])
def test_other_patients_with_visits_are_no_fault(one: str, other: str) -> None:
    assert not [found for found in audit(renamed(train=one, test=other)) if found.evidence]


def test_a_range_that_is_wide_enough_and_enough_patients_are_no_fault() -> None:
    assert [found.check.code for found in audit(tuned()) if found.evidence] == []


@pytest.mark.parametrize("centres", [False, True])
def test_running_numbers_behind_ids_are_visits_where_labels_agree(centres: bool) -> None:
    people = np.arange(len(COHORT)) // 3
    ids = [f"A-{100 + person}_{place:04}" for place, person in enumerate(people)]
    table = COHORT.table.assign(patient_id=ids)
    if not centres:
        names = [task.name for task in COHORT.tasks]
        table[names] = table.groupby(people)[names].transform("first")
    cohort = replace(COHORT, table=table)
    found = next(one for one in audit(Subject(cohort, SPLIT)) if one.check.code == "BA003")
    assert bool(found.evidence) is not centres


def test_the_page_on_the_audit_has_the_table_of_faults() -> None:
    page = Path(__file__).parents[2] / "bench" / "docs" / "audit.md"
    rows = [line.split(" | ") for line in page.read_text(encoding="utf-8").splitlines()]
    found = {row[0].strip("| `"): row for row in rows if row[0].startswith("| `BA") and len(row) == 5}
    assert {code: (row[1], row[2]) for code, row in found.items()} == {
        code: (words, "yes") for code, words in WORDS.items()
    }
    assert all(row[3].startswith("0 of ") for row in found.values())


def test_scores_that_are_known_are_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = FAULTS["BA012"]()
    scores = subject.scores
    monkeypatch.setattr("bench.audit.subject.score_results", lambda _: pytest.fail("scored again"))
    again = replace(subject, known_scores=scores)
    assert [one.evidence for one in audit(again)] == [one.evidence for one in audit(subject)]
