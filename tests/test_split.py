import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from bench.cohorts.cohort import Cohort, Task
from bench.errors import CohortError, SplitError, UsageError
from bench.split import (
    PARTS,
    Fold,
    SplitConfig,
    load_split_config,
    make_split,
    split_from_json,
    split_names,
    split_to_json,
)
from bench.stratify import quantile_bins, stratify

PROTOCOLS = [
    "external_cv",
    "external_frozen",
    "external_only_cv",
    "internal",
    "internal_cv",
    "leave_site_out",
]
TASKS = (
    Task("er", "binary"),
    Task("pr", "binary"),
    Task("her2", "binary"),
    Task("ki67", "continuous", unit="%", range=(0.0, 100.0)),
)


def cohort_of(table: pd.DataFrame, tasks: tuple[Task, ...] = TASKS) -> Cohort:
    files = pd.DataFrame(index=table.index, columns=["image", "mask"])
    return Cohort("made", tasks, table, files, Path(), "0" * 64, synthetic=True)


def random_cohort(seed: int, internal: int = 300, external: int = 74, cases_a_patient: float = 1.0) -> Cohort:
    """Correlated labels, site-dependent, 5 % missing; patients stay within one site."""
    rng = np.random.default_rng(seed)
    cases = internal + external
    site = np.where(np.arange(cases) < internal, rng.choice(["A", "B", "C"], cases, p=[0.5, 0.3, 0.2]), "D")
    latent = rng.normal(size=(cases, 4)) + 0.7 * rng.normal(size=(cases, 1)) + 0.4 * (site == "B")[:, None]
    table = pd.DataFrame(
        {
            "patient_id": [
                f"{its}-p{rng.integers(int(cases / cases_a_patient))}" if cases_a_patient > 1 else f"p{i:05}"
                for i, its in enumerate(site)
            ],
            "site": site,
            "group": np.where(site == "D", "external", "internal"),
            "er": (latent[:, 0] > -0.8).astype(float),
            "pr": (latent[:, 1] > -0.4).astype(float),
            "her2": (latent[:, 2] > 1.0).astype(float),
            "ki67": np.round(100 / (1 + np.exp(1.3 - latent[:, 3]))),
        },
        index=pd.Index([f"c{i:05}" for i in rng.permutation(cases)], name="case_id"),
    )
    for task in TASKS:
        table.loc[rng.random(cases) < 0.05, task.name] = np.nan
    return cohort_of(table)


def tiny(**changes: object) -> Cohort:
    """20 internal cases at sites A and B, 10 external at C; every label well mixed."""
    at = np.arange(30)
    table = pd.DataFrame(
        {
            "patient_id": [f"p{i:02}" for i in at],
            "site": np.select([at < 10, at < 20], ["A", "B"], "C"),
            "group": np.where(at < 20, "internal", "external"),
            "er": (at % 2).astype(float),
            "ki67": at.astype(float),
        },
        index=pd.Index([f"c{i:02}" for i in at], name="case_id"),
    ).assign(**changes)
    return cohort_of(table, (Task("er", "binary"), Task("ki67", "continuous")))


def parts(fold: Fold) -> dict[str, set[str]]:
    return {part: set(getattr(fold, part)) for part in PARTS}


def in_group(cohort: Cohort, group: str) -> set[str]:
    return set(cohort.table.index[cohort.groups == group])


COHORTS = [
    pytest.param(random_cohort(0), id="single"),
    pytest.param(random_cohort(1, internal=886), id="large"),
    pytest.param(random_cohort(2, cases_a_patient=1.6), id="pairs"),
    pytest.param(random_cohort(3, external=120, cases_a_patient=4.0), id="many cases a patient"),
]


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
        "from tests.test_split import random_cohort; from bench.split import make_split, load_split_config;"
        "print(make_split(random_cohort(10), load_split_config('external_cv')).fingerprint)"
    )
    root = Path(__file__).parents[1]
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    config = load_split_config("external_cv")
    assert printed.strip() == make_split(random_cohort(10), config).fingerprint


def drawn(draws: int = 3) -> Cohort:
    """30 internal and 10 external cases at site A and B, dealt to draws."""
    cohort = tiny()
    return cohort_of(cohort.table.assign(draw=1 + np.arange(30) % draws), cohort.tasks)


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


def area(labels: np.ndarray, scores: np.ndarray) -> float:
    """AUC by counting pairs."""
    apart = scores[labels == 1][:, None] - scores[labels == 0]
    return float(np.mean((apart > 0) + 0.5 * (apart == 0)))


@pytest.mark.parametrize("shares", [[1] * 5, [0.7, 0.1, 0.2]], ids=["five folds", "hold-out"])
def test_a_site_that_tells_nothing_of_the_label_predicts_nothing(shares: list[float]) -> None:
    reached = []
    for repeat in range(80):
        rng = np.random.default_rng([1, repeat])
        site, label = rng.choice(3, 150, p=[0.4, 0.35, 0.25]), rng.random(150) < 0.3
        levels = np.stack([*(site == k for k in range(3)), label, ~label], axis=1)
        test = stratify(np.arange(150), levels, shares, rng) == len(shares) - 1
        prevalence = np.array([label[~test & (site == k)].mean() for k in range(3)])
        reached.append(area(label[test], prevalence[site[test]]))
    assert np.mean(reached) == pytest.approx(0.5, abs=0.03)


def worst_shift(cohort: Cohort, tests: list[tuple[str, ...]], task: str) -> float:
    """Largest distance of a test part's mean label from the mean of all of them, in points or units."""
    labels = cohort.table[task]
    overall = labels[[case_id for test in tests for case_id in test]].mean()
    return max(abs(labels[list(test)].mean() - overall) for test in tests)


@pytest.mark.parametrize("cohort", COHORTS)
def test_every_fold_has_nearly_the_prevalence_of_all_folds(cohort: Cohort) -> None:
    for seed in range(2):
        folds = make_split(cohort, load_split_config("internal_cv"), seed).folds
        for part in ("val", "test"):
            # Two of the 60 cases of a test part, or the 30 of a validation part, of patients with several.
            limit = 0.033 if part == "test" else 0.06
            for task in ("er", "pr", "her2"):
                assert worst_shift(cohort, [getattr(fold, part) for fold in folds], task) < limit
            ki67 = worst_shift(cohort, [getattr(fold, part) for fold in folds], "ki67")
            assert ki67 < (3.0 if part == "test" else 6.0)


def test_stratified_folds_are_several_times_closer_to_each_other_than_random_ones() -> None:
    cohort = random_cohort(11)
    cut, drawn = [], []
    for seed in range(6):
        folds = make_split(cohort, load_split_config("internal_cv"), seed).folds
        cut.append([worst_shift(cohort, [fold.test for fold in folds], task.name) for task in TASKS])
        ids = np.random.default_rng(seed).permutation(sorted(in_group(cohort, "internal")))
        tests = [tuple(part) for part in np.array_split(ids, 5)]
        drawn.append([worst_shift(cohort, tests, task.name) for task in TASKS])
    assert (np.mean(drawn, axis=0) > 3 * np.mean(cut, axis=0)).all()


def test_sites_and_missing_labels_are_spread_evenly() -> None:
    cohort = random_cohort(12)
    for fold in make_split(cohort, load_split_config("internal_cv")).folds:
        table = cohort.table.loc[list(fold.test)]
        for site, count in table.site.value_counts().items():
            assert abs(count - (cohort.sites == site).sum() / 5) <= 2
        for task in TASKS:
            missing = cohort.table.loc[cohort.groups == "internal", task.name].isna().sum()
            assert abs(table[task.name].isna().sum() - missing / 5) <= 2


def test_as_many_positive_patients_as_folds_reach_every_fold() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        rare = {task: np.zeros(374) for task in ("er", "pr", "her2")}
        for labels in rare.values():
            labels[rng.choice(300, 5, replace=False)] = 1
        cohort = random_cohort(seed)
        by_group = cohort.table.sort_values("group", ascending=False).assign(**rare)
        folds = make_split(cohort_of(by_group), load_split_config("internal_cv"), seed).folds
        assert all((by_group.loc[list(fold.test), list(rare)].sum() == 1).all() for fold in folds)


def test_one_task_is_spread_as_evenly_as_scikit_learn_spreads_it() -> None:
    rng = np.random.default_rng(0)
    for prevalence in (0.1, 0.3, 0.5):
        labels = rng.random(203) < prevalence
        part_of = stratify(np.arange(203), np.stack([labels, ~labels], axis=1), [1] * 5, rng)
        reference = StratifiedKFold(5).split(labels, labels)
        assert sorted(np.bincount(part_of, labels)) == sorted(labels[test].sum() for _, test in reference)


def test_the_placement_is_exact_where_an_exact_one_exists() -> None:
    levels = np.array([[i % 2 == 0, i % 2 == 1] for i in range(40)])
    part_of = stratify(np.arange(40), levels, [7, 1, 2], np.random.default_rng(0))
    assert np.bincount(part_of).tolist() == [28, 4, 8]
    assert np.bincount(part_of[::2]).tolist() == [14, 2, 4]


def test_equal_values_share_a_quantile_bin() -> None:
    assert quantile_bins(np.array([5.0, 5.0, 5.0, 90.0]), 4).tolist() == [0, 0, 0, 3]
    assert np.bincount(quantile_bins(np.arange(100.0), 4)).tolist() == [25, 25, 25, 25]
    assert quantile_bins(np.zeros(0), 4).tolist() == []


def test_a_hundred_thousand_cases_are_cut_and_stay_balanced() -> None:
    cohort = random_cohort(13, internal=100_000)
    levels = np.stack([cohort.table["er"].to_numpy() == value for value in (0, 1)], axis=1)
    part_of = stratify(cohort.patient_ids, levels[:, levels.any(axis=0)], [1] * 5, np.random.default_rng(0))
    er = cohort.table["er"].to_numpy()
    assert max(abs(np.nanmean(er[part_of == part]) - np.nanmean(er)) for part in range(5)) < 1e-3


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_split_survives_being_stored(name: str) -> None:
    split = make_split(random_cohort(14), load_split_config(name))
    assert split_from_json(split_to_json(split)) == split


def test_an_altered_stored_split_is_refused() -> None:
    split = make_split(tiny(), load_split_config("internal"))
    (fold,) = split.folds
    leaky = replace(split, folds=(replace(fold, train=(*fold.train, fold.test[0])),))
    with pytest.raises(SplitError, match="stored split 'internal' was altered"):
        split_from_json(split_to_json(leaky))
    for text in ("", "{}", "[]", '{"folds": [{}]}', '{"folds": [3]}'):
        with pytest.raises(SplitError, match="expected a split as JSON, got text that is none"):
            split_from_json(text)


def test_the_fingerprint_follows_parameters_and_seed_but_not_wording() -> None:
    cohort, config = tiny(), load_split_config("external_frozen")
    made = make_split(cohort, config)
    assert len(made.fingerprint) == 64
    reworded = replace(config, name="mine", title="other", estimand="other")
    assert make_split(cohort, reworded).fingerprint == made.fingerprint
    wider = replace(config, validation_share=0.2)
    assert make_split(cohort, wider).fingerprint != made.fingerprint


def test_the_shipped_splits_say_what_they_are() -> None:
    assert split_names() == sorted([*PROTOCOLS, "across_draws", "all_tested"])
    for name in PROTOCOLS:
        config = load_split_config(name)
        assert (config.name, config.protocol, config.validation_share) == (name, name, 0.125)
        split = make_split(tiny(), config)
        assert (split.title, split.estimand, split.seed) == (config.title, config.estimand, 0)
        assert split.estimand.endswith(".") and "\n" not in split.estimand
    assert "site-adapted cross-validation" in load_split_config("external_cv").estimand
    assert "This is external validation" in load_split_config("external_frozen").estimand
    statement = make_split(tiny(), load_split_config("external_cv")).protocol
    assert statement == "external_cv folds=5 test_share=0.2 validation_share=0.125"


SHARED = "split 'external_cv' puts each group on one side, but patient 'p03' has cases in several: "
OTHER = "use another split (see `bench splits`) or other folds and shares in a split file of your own"
UNRANK = "or set ranked = false for [tasks.er] in cohort.toml"


def refusal(cohort: Cohort, name: str, **changes: object) -> str:
    with pytest.raises(SplitError) as caught:
        make_split(cohort, replace(load_split_config(name), **changes))
    return str(caught.value)


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


def test_blind_cases_cannot_be_cut() -> None:
    with pytest.raises(CohortError, match="blind"):
        make_split(tiny().blind(), load_split_config("internal"))


def test_unknown_names_get_the_nearest_suggested() -> None:
    with pytest.raises(UsageError, match="unknown split 'external-cv': did you mean external_cv or"):
        load_split_config("external-cv")
    with pytest.raises(UsageError, match="unknown split protocol 'internal_cvv': did you mean internal_cv"):
        SplitConfig("mine", "internal_cvv", "", "")


GOOD = 'protocol = "internal_cv"\ntitle = "t"\nestimand = "e"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "fold = 3", "has an unknown key 'fold'; known keys: protocol, title, estimand, seed, folds"),
        (
            GOOD + "test_share = 0.3",
            "sets 'test_share', which protocol 'internal_cv' does not use: remove it",
        ),
        (GOOD + "folds = 1", "split 'mine': folds must be a whole number >= 2, got 1"),
        (GOOD + "folds = true", "folds must be a whole number >= 2, got True"),
        (GOOD + "seed = -1", "seed must be a whole number >= 0, got -1"),
        (GOOD + "validation_share = 1.0", r"validation_share must be a number in \(0, 1\), got 1.0"),
        ('protocol = "internal_cv"\ntitle = "t"', "must give 'estimand' as text"),
        ("folds = ", "cannot be read"),
    ],
)
def test_a_wrong_split_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SplitError, match=message):
        load_split_config(path)


def test_a_split_file_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "three_folds.toml"
    path.write_text(GOOD + "folds = 3\nseed = 5")
    config = load_split_config(str(path))
    assert (config.name, config.folds, config.seed) == ("three_folds", 3, 5)
    assert len(make_split(tiny(), config).folds) == 3
    with pytest.raises(SplitError, match=r"absent\.toml cannot be read"):
        load_split_config(tmp_path / "absent.toml")


@pytest.fixture(scope="module")
def breastdcedl(real_data: Path) -> Cohort:
    table = pd.read_csv(real_data / "breastdcedl" / "cases.csv", dtype={"patient_id": str}).set_index(
        "case_id"
    )
    binary = (Task("er", "binary"), Task("pr", "binary"), Task("her2", "binary"))
    extra = (Task("hr", "binary", ranked=False), Task("prolif_score", "continuous", ranked=False))
    return cohort_of(table, (*binary, *extra))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_real_cases_with_labels_absent_at_whole_sites_can_be_cut(breastdcedl: Cohort, name: str) -> None:
    split = make_split(breastdcedl, load_split_config(name))
    assert split_from_json(split_to_json(split)) == split
    for fold in split.folds:
        assert not set.intersection(*parts(fold).values())
    if name == "internal_cv":
        for task in ("er", "pr", "her2"):
            assert worst_shift(breastdcedl, [fold.test for fold in split.folds], task) < 0.06
