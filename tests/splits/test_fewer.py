"""Fewer training patients: nested subsets, the same test cases, and what is refused."""

import pytest

import bench
from bench.errors import SplitError
from bench.splits.config import load_split_config
from bench.splits.fewer import training_patients
from bench.splits.make import make_split
from bench.splits.split import Split


@pytest.fixture(scope="module")
def cohort() -> bench.Cohort:
    from bench.cohorts.catalogue import open_listed

    return open_listed("phantom", quiet=True)


def cut(cohort: bench.Cohort, name: str) -> Split:
    return make_split(cohort, load_split_config(name))


@pytest.mark.parametrize("protocol", ["internal", "internal_cv@3"])
def test_a_smaller_size_lies_within_a_larger_one_and_tests_the_same_cases(
    cohort: bench.Cohort, protocol: str
) -> None:
    whole, large, small = (cut(cohort, f"{protocol}{size}") for size in ("", ":n=200", ":n=50"))
    assert training_patients(cohort, large.folds) == [200] * len(whole.folds)
    assert training_patients(cohort, small.folds) == [50] * len(whole.folds)
    for every, more, fewer in zip(whole.folds, large.folds, small.folds, strict=True):
        assert every.test == more.test == fewer.test
        for part in ("train", "val"):
            assert set(getattr(fewer, part)) < set(getattr(more, part)) < set(getattr(every, part))


def test_patients_stay_whole_and_validation_shrinks_alike(cohort: bench.Cohort) -> None:
    whole, half = cut(cohort, "internal").folds[0], cut(cohort, "internal:n=300").folds[0]
    kept = set(cohort.table.loc[list(half.train), "patient_id"])
    of_them = [case for case in whole.train if cohort.table.loc[case, "patient_id"] in kept]
    assert list(half.train) == of_them
    (every,) = training_patients(cohort, [whole])
    assert len(half.val) / len(whole.val) == pytest.approx(300 / every, abs=0.03)


def test_a_size_is_another_split_with_a_fingerprint_of_its_own(cohort: bench.Cohort) -> None:
    names = ["internal", "internal:n=100", "internal:n=200", "internal@1:n=100"]
    made = [cut(cohort, name) for name in names]
    assert [split.name for split in made] == names
    assert len({split.fingerprint for split in made}) == len(names)
    assert made[1].protocol.endswith(" patients=100") and "patients" not in made[0].protocol


def test_more_patients_than_there_are_is_refused_by_name(cohort: bench.Cohort) -> None:
    with pytest.raises(SplitError, match=r"'internal:n=5000': 5000 patients .* fold 0 .* has 6\d\d in the"):
        cut(cohort, "internal:n=5000")


def test_too_few_patients_for_a_class_are_refused(cohort: bench.Cohort) -> None:
    with pytest.raises(SplitError, match="task 'er' has 0 cases with a positive label"):
        cut(cohort, "internal:n=1")
