"""Folds have nearly equal prevalences, sites and missing labels."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from bench.cohorts.cohort import Cohort
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.splits.stratify import quantile_bins, stratify
from tests.splits.random_cohorts import COHORTS, TASKS, cohort_of, in_group, random_cohort, worst_shift


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
