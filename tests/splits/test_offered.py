"""Splits of plugins: cut by their function, checked as the benchmark's own are."""

from pathlib import Path

import numpy as np
import pytest

import bench
from bench import SplitSpec
from bench.cohorts.cohort import Cohort
from bench.errors import SplitError, UsageError
from bench.splits.config import load_split_config, offered_config, with_seed
from bench.splits.fold import PARTS
from bench.splits.inner import inner_split
from bench.splits.make import make_split
from bench.splits.population import one_population
from bench.splits.repeats import repeated_splits
from bench.splits.split import Split
from tests.splits.random_cohorts import random_cohort

COHORT = random_cohort(0, cases_a_patient=1.5)
PLANTED = "tests.splits.planted_splits"
BY_COLUMN = SplitSpec(
    "by_column", f"{PLANTED}:by_column", "By column", "Accuracy elsewhere.", params={"column": "site"}
)
HALVES = SplitSpec("halves", f"{PLANTED}:halves", "Two halves", "Accuracy here.", one_population=True)


def planted(name: str) -> SplitSpec:
    return SplitSpec(f"own_{name}", f"{PLANTED}:{name}", "Planted", "Nothing.")


def cut(spec: SplitSpec, cohort: Cohort = COHORT) -> Split:
    return make_split(cohort, offered_config(spec))


def patients(cohort: Cohort, case_ids: tuple[str, ...]) -> set[str]:
    return set(cohort.take(case_ids).patient_ids)


def test_a_plugins_split_has_whole_patients_and_every_part() -> None:
    split = cut(BY_COLUMN)
    assert [fold.index for fold in split.folds] == list(range(len(split.folds)))
    assert sorted(case for fold in split.folds for case in fold.test) == sorted(COHORT.case_ids)
    for fold in split.folds:
        sides = [patients(COHORT, getattr(fold, part)) for part in PARTS]
        assert all(sides) and not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
        share = len(fold.val) / (len(fold.train) + len(fold.val))
        assert 0.07 < share < 0.18  # cut by the benchmark, as the function gives no validation part


def test_a_split_does_not_depend_on_the_order_of_the_cases() -> None:
    shuffled = COHORT.take(np.random.default_rng(3).permutation(COHORT.case_ids))
    assert cut(HALVES, shuffled) == cut(HALVES)


def test_the_seed_decides_and_the_name_has_it() -> None:
    config = offered_config(HALVES)
    again, other = make_split(COHORT, config), make_split(COHORT, with_seed(config, 4))
    assert again == cut(HALVES) and other.name == "halves@4"
    assert other.folds != again.folds and other.fingerprint != again.fingerprint


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("no_fold", "has no fold"),
        ("nobody_learns", "the train part of fold 0"),
        ("nobody_tested", "the test part of fold 0"),
        ("tested_and_learned", r"patient .* is in train and, with case .*, in test"),
        ("patient_on_both_sides", r"patient .* is in train and, with case .*, in test"),
        ("tested_twice", r"case .* is tested in fold 0 .* and in fold \d+ \(again\)"),
        ("named_twice", r"test has case .* twice"),
        ("of_another_cohort", "'elsewhere-1', (which is )?no case of cohort"),
        ("no_folds_at_all", "expected a list of bench.Fold"),
        ("ids_as_one_text", "expected a list of bench.Fold"),
        ("another_every_time", "gives other folds when it is asked again"),
        ("raises", "raised KeyError: 'vendor_of_nobody'"),
        ("one_class_learned", "has 0 cases with a positive label"),
        ("nothing_of_that_name", f"cannot import '{PLANTED}:nothing_of_that_name'"),
    ],
)
def test_a_bad_split_is_refused_by_its_name(mistake: str, told: str) -> None:
    with pytest.raises(SplitError, match=f"split 'own_{mistake}'.*{told}"):
        cut(planted(mistake))


def test_a_split_that_writes_into_its_cohort_changes_nobodys_labels() -> None:
    before = COHORT.table.copy()
    assert cut(planted("writes_labels")).folds == cut(planted("_first")).folds
    assert COHORT.table.equals(before)


def test_cases_that_a_split_leaves_out_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    cut(planted("some_left_out"))
    assert "leaves" in (told := capsys.readouterr().err) and f"of the {len(COHORT)} cases" in told


def test_repeats_are_for_a_split_that_says_it_draws_from_one_population() -> None:
    repeats = repeated_splits(COHORT, offered_config(HALVES), 3)
    assert [split.name for split in repeats] == ["halves", "halves@1", "halves@2"]
    learned, tested = one_population(repeats)
    assert learned + tested == len(COHORT)
    with pytest.raises(SplitError, match="does not cross-validate one population"):
        repeated_splits(COHORT, offered_config(BY_COLUMN), 2)


def test_a_split_that_leaves_cases_out_of_a_fold_is_no_one_population() -> None:
    left = SplitSpec("own_left", f"{PLANTED}:of_one_site", "One", "Nothing.", one_population=True)
    with pytest.raises(SplitError, match="leave one_population out"):
        repeated_splits(COHORT, offered_config(left), 2)


def test_a_split_that_tests_the_same_folds_whatever_the_seed_is_not_repeated() -> None:
    vendors = SplitSpec("own_sites", f"{PLANTED}:by_column", "Sites", "Nothing.", one_population=True)
    with pytest.raises(SplitError, match="got 2 splits and 1 way"):
        repeated_splits(COHORT, offered_config(vendors), 2)


def test_thresholds_have_inner_folds_within_a_plugins_split() -> None:
    split = cut(HALVES)
    inner = inner_split(COHORT, split, 0, 3)
    assert inner.name == "halves/inner0"
    assert {case for fold in inner.folds for case in fold.test} == set(split.folds[0].train)


# Files and names.


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_split_file_sets_the_parameters_of_a_plugins_function(tmp_path: Path) -> None:
    words = 'protocol = "by_column"\ntitle = "By group"\nestimand = "Accuracy of the other group."\n'
    path = written(tmp_path, "by_group.toml", words + 'column = "group"\nvalidation_share = 0.25\n')
    config = load_split_config(path, lambda: {"by_column": BY_COLUMN})
    assert config.statement == "by_column validation_share=0.25 column='group'"
    split = make_split(COHORT, config)
    assert [fold.label for fold in split.folds] == ["external", "internal"]
    with pytest.raises(SplitError, match="unknown key 'colum'"):
        load_split_config(
            written(tmp_path, "odd.toml", words + 'colum = "x"\n'), lambda: {"by_column": BY_COLUMN}
        )
    with pytest.raises(SplitError, match="sets 'folds', which protocol 'by_column' does not use"):
        load_split_config(
            written(tmp_path, "odd.toml", words + "folds = 3\n"), lambda: {"by_column": BY_COLUMN}
        )


PLUGIN = """
from bench import SplitSpec, hookimpl
from tests.splits.planted_splits import by_column

@hookimpl
def bench_splits():
    return [SplitSpec({name!r}, f"{{__name__}}:by_column", "By site", "Accuracy elsewhere.")]
"""


def test_a_plugin_file_is_named_where_a_split_is_asked_for(tmp_path: Path) -> None:
    plugin = written(tmp_path, "site_by_site.py", PLUGIN.format(name="by_site"))
    assert bench.make_split(COHORT, "by_site@2", plugins=[plugin]).name == "by_site@2"
    with pytest.raises(UsageError, match="unknown split 'by_sit': did you mean by_site"):
        bench.make_split(COHORT, "by_sit", plugins=[plugin])
    broken = written(tmp_path, "broken_split.py", "import nothing_of_that_name")
    with pytest.raises(UsageError, match=r"unknown split .*Plugins that failed to load: .*broken_split\.py"):
        bench.make_split(COHORT, "by_vendor", plugins=[broken])


@pytest.mark.parametrize("odd", [{"seed": "one"}, {"validation_share": 1.0}])
def test_a_spec_with_an_odd_value_is_refused_when_it_is_made(odd: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"split 'odd': {next(iter(odd))} must be"):
        SplitSpec("odd", f"{PLANTED}:halves", "Odd", "Nothing.", **odd)  # type: ignore[arg-type]


def test_a_split_may_be_handed_over_as_a_spec() -> None:
    assert bench.make_split(COHORT, HALVES) == cut(HALVES)


@pytest.mark.parametrize("name", ["internal_cv", "leave_column_out"])
def test_a_plugin_does_not_take_a_name_of_the_benchmark(name: str, tmp_path: Path) -> None:
    plugin = written(tmp_path, f"taken_{name}.py", PLUGIN.format(name=name))
    with pytest.raises(bench.BenchError, match=f"offers a split named '{name}'"):
        bench.make_split(COHORT, "by_site", plugins=[plugin])
