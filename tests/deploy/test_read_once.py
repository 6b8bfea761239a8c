"""Volumes of exams are read once for all models, also where not all of them fit into memory at a time."""

from collections import Counter
from dataclasses import replace

import pytest

from bench.cohorts.cohort import Cohort
from bench.deploy import read_once as module
from bench.deploy.read_once import fitting, read_once
from bench.running.plan import Plan


@pytest.fixture
def exams(planned: Plan) -> Cohort:
    return planned.cohort.take(planned.cohort.case_ids[:9]).blind()


def test_groups_hold_every_exam_in_order_and_no_more_than_fits(
    exams: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fitting(exams) == [exams.case_ids]
    sizes = [module._bytes(exams.volume(case_id)) for case_id in exams.case_ids]
    monkeypatch.setattr(module, "MAX_VOLUMES", 3 * max(sizes))
    groups = fitting(exams)
    assert len(groups) > 1 and [name for group in groups for name in group] == list(exams.case_ids)
    by_name = dict(zip(exams.case_ids, sizes, strict=True))
    assert all(sum(by_name[name] for name in group) <= 3 * max(sizes) for group in groups)
    monkeypatch.setattr(module, "MAX_VOLUMES", 1)
    assert fitting(exams) == [(name,) for name in exams.case_ids]


def test_each_exam_of_a_group_is_read_once_for_five_models(
    exams: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()
    plain = Cohort.volume

    def counted(cohort: Cohort, case_id: str) -> object:
        read[case_id] += 1
        return plain(cohort, case_id)

    monkeypatch.setattr(module, "MAX_VOLUMES", 3 * module._bytes(exams.volume(exams.case_ids[0])))
    monkeypatch.setattr(Cohort, "volume", counted)
    for group in fitting(exams):
        once = read_once(exams.take(group))
        for case_id in 5 * group:
            once.volume(case_id)
    assert read == dict.fromkeys(exams.case_ids, 1)


def test_tables_have_no_volumes_and_are_one_group(exams: Cohort) -> None:
    assert fitting(replace(exams, files=exams.files[[]])) == [exams.case_ids]
