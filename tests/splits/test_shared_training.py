"""By what a variance grows for the cases that folds learn from together."""

from dataclasses import replace

import pytest

from bench.cohorts.cohort import Cohort
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.splits.shared_training import variance_factor


def test_five_folds_of_one_population_have_the_factor_of_nadeau_and_bengio(tiny: Cohort) -> None:
    split = make_split(tiny, load_split_config("internal_cv"))
    assert variance_factor(split) == pytest.approx(2.25, abs=0.01)


def test_one_fold_is_about_its_model(tiny: Cohort) -> None:
    assert variance_factor(make_split(tiny, load_split_config("internal"))) == 1.0


def test_folds_that_learn_from_nothing_in_common_rest_on_all_learned_cases(tiny: Cohort) -> None:
    drawn = tiny.table.assign(draw=tiny.table.groupby("site").cumcount() // 2 % 4)
    split = make_split(replace(tiny, table=drawn), load_split_config("across_draws"))
    learned = [case for fold in split.folds for case in (*fold.train, *fold.val)]
    assert len(set(learned)) == len(learned) == 48
    assert variance_factor(split) == pytest.approx(2.0)
