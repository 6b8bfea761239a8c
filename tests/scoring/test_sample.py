"""Predictions are lined up with the truth once for the same results, and anew for others."""

from dataclasses import replace

import numpy as np
import pytest

from bench.errors import StoreError
from bench.metrics import METRICS
from bench.scoring.sample import sample_of
from tests.scoring.comparable_results import TASKS, method, results, truth_table


def test_the_same_results_are_lined_up_once_and_others_anew() -> None:
    truth = truth_table()
    given = results(method("a", truth, 1.0, seeds=2), method("b", truth, 0.2, salt=1))
    sample = sample_of(given, TASKS[0])
    assert sample_of(given, TASKS[0]) is sample
    assert sample_of(given, TASKS[1]) is not sample
    assert sample_of(given, TASKS[0], METRICS["average_precision"]) is not sample
    fewer = sample_of(replace(given, methods=given.methods[:1]), TASKS[0])
    assert list(fewer.predictions) == ["a"]
    np.testing.assert_array_equal(fewer.predictions["a"], sample.predictions["a"])


def test_rows_in_another_order_are_the_same_predictions() -> None:
    truth = truth_table()
    one, other = method("a", truth, 1.0, seeds=2), method("b", truth, 0.2, salt=1)
    shuffled = replace(other, predictions=other.predictions.sample(frac=1, random_state=0))
    plain, mixed = (sample_of(results(one, second, one), TASKS[0]) for second in (other, shuffled))
    for label in ("a", "b"):
        np.testing.assert_array_equal(plain.predictions[label], mixed.predictions[label])


def test_a_case_in_two_folds_is_found_though_all_name_the_same_cases() -> None:
    truth = truth_table()
    one, other = method("a", truth, 1.0), method("b", truth, 0.2, salt=1)
    moved = other.predictions.assign(
        fold=(other.predictions["fold"] + (other.predictions["case_id"] == "c007")) % 5
    )
    with pytest.raises(StoreError, match="'c007' is tested in the folds 2, 3"):
        sample_of(results(one, replace(other, predictions=moved)), TASKS[0])
