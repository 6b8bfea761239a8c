"""What makes a split impossible is refused with its reason and remedy."""

from dataclasses import replace

import numpy as np
import pytest

from bench.splits.config import load_split_config
from bench.splits.make import make_split
from tests.splits.random_cohorts import PROTOCOLS, refusal, tiny

SHARED = "split 'external_cv' puts each group on one side, but patient 'p03' has cases in several: "


OTHER = "use another split (see `bench splits`) or other folds and shares in a split file of your own"


UNRANK = "or set ranked = false for [tasks.er] in cohort.toml"


def test_too_few_patients_of_a_class_name_the_task_the_count_and_the_remedy() -> None:
    few = tiny(er=lambda table: (table.index.isin(["c01", "c02", "c03", "c25"])).astype(float))
    assert refusal(few, "internal_cv") == (
        "split 'internal_cv' cuts the internal cases into 5 folds, but task 'er' has 3 patient(s) with a "
        f"positive label among them; {OTHER}, {UNRANK}"
    )
    assert "task 'er' has 1 patient(s) with a positive label" in refusal(few, "external_cv")
    many = tiny(er=lambda table: 1.0 - table.index.isin(["c01", "c02"]))
    assert "task 'er' has 2 patient(s) with a negative label" in refusal(many, "internal_cv")


def test_positive_cases_of_one_patient_count_once() -> None:
    one = tiny(
        er=lambda table: (table.index < "c08").astype(float),
        patient_id=lambda table: np.where(table.index < "c08", "p", table.patient_id),
    )
    assert "task 'er' has 1 patient(s) with a positive label" in refusal(one, "internal_cv")


def test_a_continuous_task_with_too_few_labels_is_refused() -> None:
    few = tiny(ki67=lambda table: table.ki67.where(table.index.isin(["c00", "c05", "c29"])))
    assert "task 'ki67' has 2 patient(s) with a known label" in refusal(few, "internal_cv")


def test_a_class_absent_from_a_test_part_names_the_fold() -> None:
    single = tiny(er=lambda table: table.er.where(table.site != "B", 1.0))
    assert refusal(single, "leave_site_out") == (
        "split 'leave_site_out': task 'er' has 0 cases with a negative label among the 10 labelled ones of "
        f"the test part of fold 1 (B); {OTHER}, {UNRANK}"
    )
    outside = tiny(er=lambda table: table.er.where(table.group == "internal", 0.0))
    assert "0 cases with a positive label among the 10 labelled ones of the test part of fold 0" in refusal(
        outside, "external_frozen"
    )


def test_a_task_that_cannot_be_learned_is_refused() -> None:
    unseen = tiny(er=lambda table: table.er.where(table.group == "external"))
    assert "'er' has 0 cases with a negative label among the 0 labelled ones of the train part" in refusal(
        unseen, "external_frozen"
    )


def test_a_task_that_nobody_scores_is_refused() -> None:
    unseen = tiny(ki67=lambda table: table.ki67.where(table.group == "internal"))
    assert refusal(unseen, "external_frozen") == (
        "split 'external_frozen': task 'ki67' has 0 cases with a known label among the tested cases; "
        f"{OTHER}, {UNRANK.replace('er]', 'ki67]')}"
    )


def test_a_site_that_never_measured_a_task_does_not_block_leave_site_out() -> None:
    partial = tiny(er=lambda table: table.er.where(table.site != "B"))
    assert len(make_split(partial, load_split_config("leave_site_out")).folds) == 3


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_unranked_task_never_blocks_a_split(name: str) -> None:
    for labels in ([1.0] * 30, [np.nan] * 30, [1.0] + [0.0] * 29, [np.nan] * 20 + [1.0] * 10):
        cohort = tiny(er=labels, ki67=labels)
        unranked = replace(cohort, tasks=tuple(replace(task, ranked=False) for task in cohort.tasks))
        make_split(unranked, load_split_config(name))


def test_a_cohort_without_a_group_is_refused() -> None:
    for name in ("external_cv", "external_frozen", "external_only_cv"):
        assert refusal(tiny(group="internal"), name) == (
            f"split '{name}' needs external cases, cohort 'made' has none among its 30; mark them in the "
            "column 'group' of cases.csv, or use another split (see `bench splits`)"
        )
    for name in ("internal", "internal_cv", "external_cv", "external_frozen"):
        assert f"split '{name}' needs internal cases" in refusal(tiny(group="external"), name)


def test_one_site_cannot_be_left_out() -> None:
    assert refusal(tiny(site="A"), "leave_site_out") == (
        "split 'leave_site_out' needs at least two sites, cohort 'made' has 1 (A); name each case's centre "
        "in the column 'site' of cases.csv, or use another split (see `bench splits`)"
    )


def test_a_patient_on_both_sides_is_named() -> None:
    both = tiny(patient_id=lambda table: table.patient_id.replace({"p25": "p03", "p26": "p04"}))
    remedy = "2 such patient(s) in cohort 'made'. Keep of each the cases of one {} in cases.csv"
    assert refusal(both, "external_cv") == f"{SHARED}c03 (internal), c25 (external); {remedy.format('group')}"
    assert "patient 'p03'" in refusal(both, "external_frozen")
    assert refusal(both, "leave_site_out").endswith(f"c03 (A), c25 (C); {remedy.format('site')}")
    for name in ("internal", "internal_cv", "external_only_cv"):
        make_split(both, load_split_config(name))


def test_a_cohort_too_small_for_its_parts_is_refused() -> None:
    three = tiny(patient_id=[f"p{i % 3}" for i in range(20)] + [f"q{i % 2}" for i in range(10)])
    assert refusal(three, "internal_cv") == (
        f"split 'internal_cv' cuts the internal cases into 5 folds, but they are of 3 patient(s); {OTHER}"
    )
    one = tiny(patient_id=["p"] * 20 + ["q"] * 10)
    assert refusal(one, "external_frozen") == (
        "split 'external_frozen': the val part of fold 0 (all external cases) got no case of the 2 "
        f"patient(s) of cohort 'made'; {OTHER}"
    )
