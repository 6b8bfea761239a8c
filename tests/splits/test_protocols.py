"""Protocols: who learns and who is tested, by patient, site and draw."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.splits.config import load_split_config
from bench.splits.fold import PARTS
from bench.splits.make import make_split
from tests.splits.random_cohorts import (
    COHORTS,
    PROTOCOLS,
    cohort_of,
    drawn,
    in_group,
    parts,
    random_cohort,
    refusal,
    tiny,
)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("cohort", COHORTS)
def test_a_patient_is_in_one_part_of_a_fold(cohort: Cohort, name: str) -> None:
    for seed in range(2):
        for fold in make_split(cohort, load_split_config(name), seed).folds:
            patients = [set(cohort.table.patient_id[list(getattr(fold, part))]) for part in PARTS]
            assert sum(map(len, patients)) == len(set.union(*patients))
            assert all(patients)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("cohort", COHORTS)
def test_the_tests_of_a_split_cover_exactly_once_what_the_protocol_scores(cohort: Cohort, name: str) -> None:
    split = make_split(cohort, load_split_config(name))
    tested = [case_id for fold in split.folds for case_id in fold.test]
    assert len(tested) == len(set(tested))
    internal, external = in_group(cohort, "internal"), in_group(cohort, "external")
    if name == "internal":
        assert set(tested) < internal
    elif name == "leave_site_out":
        assert set(tested) == internal | external
    else:
        assert set(tested) == (internal if name == "internal_cv" else external)


@pytest.mark.parametrize("cohort", COHORTS)
def test_every_fold_uses_all_the_cases_that_its_protocol_names(cohort: Cohort) -> None:
    everyone = {
        "internal": in_group(cohort, "internal"),
        "internal_cv": in_group(cohort, "internal"),
        "external_frozen": set(cohort.case_ids),
        "external_only_cv": in_group(cohort, "external"),
        "leave_site_out": set(cohort.case_ids),
    }
    for name, expected in everyone.items():
        for fold in make_split(cohort, load_split_config(name)).folds:
            assert set.union(*parts(fold).values()) == expected


def test_external_cv_never_learns_from_what_internal_tests_on() -> None:
    cohort = random_cohort(4)
    for seed in (0, 1):
        (internal,) = make_split(cohort, load_split_config("internal"), seed).folds
        for fold in make_split(cohort, load_split_config("external_cv"), seed).folds:
            external = in_group(cohort, "external")
            assert fold.val == internal.val
            assert set(fold.train) - external == set(internal.train)
            assert set(fold.train) & external == external - set(fold.test)


def test_external_frozen_learns_from_internal_cases_alone() -> None:
    cohort = random_cohort(5)
    (fold,) = make_split(cohort, load_split_config("external_frozen")).folds
    assert set(fold.train) | set(fold.val) == in_group(cohort, "internal")
    assert len(fold.val) in (37, 38)  # an eighth of 300


def test_leave_site_out_tests_each_site_whole_and_names_it() -> None:
    cohort = random_cohort(6)
    split = make_split(cohort, load_split_config("leave_site_out"))
    assert [fold.label for fold in split.folds] == ["A", "B", "C", "D"]
    for fold in split.folds:
        assert set(fold.test) == set(cohort.table.index[cohort.sites == fold.label])


def test_sizes_are_the_stated_shares_to_the_case_where_patients_are_single() -> None:
    cohort = random_cohort(7, internal=886)
    (internal,) = make_split(cohort, load_split_config("internal")).folds
    assert [len(internal.train), len(internal.val), len(internal.test)] == [620, 89, 177]
    folds = make_split(cohort, load_split_config("internal_cv")).folds
    assert sorted(len(fold.test) for fold in folds) == [177, 177, 177, 177, 178]
    assert all(len(fold.val) in (88, 89) for fold in folds)
    folds = make_split(cohort, load_split_config("external_cv")).folds
    assert sorted(len(fold.test) for fold in folds) == [14, 15, 15, 15, 15]


@pytest.mark.parametrize("cohort", COHORTS[2:])
def test_sizes_are_within_two_cases_where_patients_have_several(cohort: Cohort) -> None:
    sizes = [len(fold.test) for fold in make_split(cohort, load_split_config("internal_cv")).folds]
    assert max(sizes) - min(sizes) <= 2


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_same_seed_gives_the_same_split_and_another_seed_another(name: str) -> None:
    cohort, config = random_cohort(8, cases_a_patient=1.5), load_split_config(name)
    assert make_split(cohort, config, 3) == make_split(cohort, config, 3)
    assert make_split(cohort, config) == make_split(cohort, config, config.seed)
    assert make_split(cohort, config, 3).fingerprint != make_split(cohort, config, 4).fingerprint
    assert make_split(cohort, config, 3).folds != make_split(cohort, config, 4).folds


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_order_of_the_cases_does_not_matter(name: str) -> None:
    cohort, config = random_cohort(9, cases_a_patient=1.5), load_split_config(name)
    shuffled = cohort.take(np.random.default_rng(0).permutation(cohort.case_ids))
    assert make_split(shuffled, config) == make_split(cohort, config)


def test_a_split_is_the_same_in_another_process() -> None:
    program = (
        "from tests.splits.random_cohorts import random_cohort;"
        "from bench.splits.config import load_split_config; from bench.splits.make import make_split;"
        "print(make_split(random_cohort(10), load_split_config('external_cv')).fingerprint)"
    )
    root = Path(__file__).parents[2]
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    config = load_split_config("external_cv")
    assert printed.strip() == make_split(random_cohort(10), config).fingerprint


def test_across_draws_learns_from_one_draw_and_tests_the_next_whole() -> None:
    cohort = drawn()
    split = make_split(cohort, load_split_config("across_draws"))
    internal = cohort.table[cohort.groups == "internal"]
    for fold, (learnt, tested) in zip(split.folds, ((1, 2), (2, 3), (3, 1)), strict=True):
        assert fold.label == f"draw {tested} by draw {learnt}"
        assert set(fold.train) | set(fold.val) == set(internal.index[internal.draw == learnt])
        assert set(fold.test) == set(internal.index[internal.draw == tested])


def test_across_draws_is_refused_without_draws_and_where_a_patient_is_in_two() -> None:
    assert refusal(tiny(), "across_draws") == (
        "split 'across_draws' needs a column 'draw' in cases.csv with at least two draws of the population, "
        "cohort 'made' has 0; use another split (see `bench splits`)"
    )
    assert "has 1; use another split" in refusal(drawn(1), "across_draws")
    shared = drawn()
    table = shared.table.assign(patient_id=["p", "p", *shared.table.patient_id[2:]])
    assert "puts each draw on one side, but patient 'p'" in refusal(
        cohort_of(table, shared.tasks), "across_draws"
    )
