"""Labels to the model's scale and back."""

import json

import numpy as np
import pytest

from bench.task import Task
from bench_zoo.targets import Target, constant_prediction

ER = Task("er", "binary")
KI67 = Task("ki67", "continuous", range=(0.0, 100.0))
SCORE = Task("score", "continuous")
NAN = np.nan


@pytest.mark.parametrize("task", [KI67, SCORE, Task("ratio", "continuous", range=(0.0, np.inf))])
def test_a_continuous_label_comes_back_as_it_went(task: Task) -> None:
    labels = np.array([3.0, 14.0, 20.0, 55.0, 90.0])
    target = Target.of(task, labels)
    np.testing.assert_allclose(target.decode(target.encode(labels)), labels, rtol=1e-9)


def test_output_zero_means_the_training_median() -> None:
    labels = np.array([5.0, 10.0, 22.0, 40.0, 80.0, NAN])
    assert Target.of(KI67, labels).decode(np.zeros(1)) == pytest.approx(22.0)


def test_the_prior_of_a_binary_task_means_the_training_prevalence() -> None:
    target = Target.of(ER, np.array([1.0, 1.0, 1.0, 0.0, NAN]))
    assert target.decode(np.array([target.prior])) == pytest.approx(0.75)


def test_predictions_keep_to_the_range_however_wild_the_outputs() -> None:
    wild = np.array([-1e4, 0.0, 1e4], dtype=np.float32)
    for task in (ER, KI67, Task("ratio", "continuous", range=(0.0, np.inf))):
        values = Target.of(task, np.array([0.0, 1.0, 1.0])).decode(wild)
        assert np.isfinite(values).all()
        assert values.min() >= task.bounds[0] and values.max() <= task.bounds[1]


def test_labels_at_the_ends_of_the_range_stay_finite() -> None:
    labels = np.array([0.0, 50.0, 100.0])
    assert np.isfinite(Target.of(KI67, labels).encode(labels)).all()


@pytest.mark.parametrize(
    ("task", "labels", "constant"),
    [
        (ER, [NAN, NAN], 0.5),
        (ER, [1.0, NAN, 1.0], 1.0),
        (KI67, [NAN, NAN], 50.0),
        (KI67, [14.0, 14.0], 14.0),
        (SCORE, [NAN, NAN], 0.0),
    ],
)
def test_a_task_whose_labels_do_not_differ_is_not_learnt_and_gets_their_constant(
    task: Task, labels: list[float], constant: float
) -> None:
    target = Target.of(task, np.array(labels))
    assert constant_prediction(task, np.array(labels)) == constant
    assert np.isnan(target.encode(np.array(labels))).all()
    np.testing.assert_array_equal(target.decode(np.array([-3.0, 5.0])), [constant, constant])


@pytest.mark.parametrize("task", [ER, KI67, SCORE])
def test_a_target_survives_json(task: Task) -> None:
    target = Target.of(task, np.array([0.0, 1.0, 1.0]))
    assert Target.from_json(json.loads(json.dumps(target.as_json(), allow_nan=False))) == target
