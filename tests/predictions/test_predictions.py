"""What a method returns is checked once, and messages say whose it is."""

from typing import Any

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError
from bench.predictions.table import constant_values, long_predictions


def good(cohort: Cohort) -> dict[str, Any]:
    return {task.name: np.full(len(cohort), 0.5) for task in cohort.tasks}


def test_the_long_table_has_a_row_a_case_and_task(tiny: Cohort) -> None:
    table = long_predictions("mine", good(tiny), tiny, fold=2, seed=7)
    assert list(table) == ["case_id", "task", "fold", "seed", "prediction"]
    assert len(table) == len(tiny) * len(tiny.tasks)
    assert set(table["fold"]) == {2} and set(table["seed"]) == {7}


@pytest.mark.parametrize(
    ("task", "value", "message"),
    [
        ("er", np.zeros((4, 3)), r"mine returned \(4, 3\) for task 'er', expected \(\d+,\)"),
        ("er", np.nan, "values that are not finite for task 'er'"),
        ("er", 1.5, "from 1.5 to 1.5 for task 'er', expected 0 to 1"),
        ("ki67", -1.0, "for task 'ki67', expected 0 to 100"),
        ("er", "yes", "for task 'er', expected numbers"),
        ("er", True, "for task 'er', expected numbers"),
    ],
)
def test_a_wrong_value_is_refused(tiny: Cohort, task: str, value: Any, message: str) -> None:
    wrong = value if isinstance(value, np.ndarray) else np.full(len(tiny), value)
    with pytest.raises(PluginError, match=message):
        long_predictions("mine", {**good(tiny), task: wrong}, tiny, 0, 0)


def test_a_missing_or_unknown_task_is_refused(tiny: Cohort) -> None:
    returned = good(tiny)
    del returned["er"]
    with pytest.raises(PluginError, match="mine returned the tasks"):
        long_predictions("mine", returned, tiny, 0, 0)
    with pytest.raises(PluginError, match="mine returned list, expected a dict"):
        long_predictions("mine", [1, 2], tiny, 0, 0)


def test_the_constant_is_prevalence_and_median_of_known_labels(tiny: Cohort) -> None:
    values = constant_values(tiny)
    assert values["er"] == pytest.approx(np.nanmean(tiny.labels("er")))
    assert values["ki67"] == pytest.approx(np.nanmedian(tiny.labels("ki67")))
