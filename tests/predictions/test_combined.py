"""Rules that combine methods: each learns from validation cases alone, and the truth wins."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from bench.predictions.combined import RULES, Members, combine
from bench.task import Task

ER = Task("er", "binary")
KI67 = Task("ki67", "continuous", range=(0, 100))


def binary_members(rng: np.random.Generator, cases: int = 400) -> Members:
    """A member that knows the logit, one that knows half of it, one that is a coin."""
    logits = rng.normal(0, 2, 2 * cases)
    labels = (rng.random(2 * cases) < expit(logits)).astype(float)
    said = expit(
        np.column_stack([logits, logits / 2 + rng.normal(0, 1, 2 * cases), rng.normal(0, 1, 2 * cases)])
    )
    patients = np.array([f"p{case // 2}" for case in range(cases)], dtype=object)
    return Members(ER, said[cases:], said[:cases], labels[:cases], patients, 0.5, 0)


def continuous_members(rng: np.random.Generator, cases: int = 400) -> Members:
    truth = rng.uniform(0, 100, 2 * cases)
    said = np.column_stack([truth + rng.normal(0, sd, 2 * cases) for sd in (4, 8, 60)]).clip(0, 100)
    patients = np.array([f"p{case}" for case in range(cases)], dtype=object)
    return Members(KI67, said[cases:], said[:cases], truth[:cases], patients, 50.0, 0)


@pytest.mark.parametrize("make", [binary_members, continuous_members])
def test_the_member_that_knows_the_truth_has_the_most_weight_and_the_coin_next_to_none(make) -> None:
    members = make(np.random.default_rng(0))
    weights = combine("stack", members).weights
    # With 400 cases the standard error of a weight that is 0 is about .15.
    assert weights.argmax() == 0 and weights[2] < 0.3 and (weights >= 0).all()
    assert combine("best", members).weights.tolist() == [1, 0, 0]


def test_the_stack_is_that_of_logistic_regression_where_no_bound_binds(monkeypatch) -> None:
    monkeypatch.setattr("bench.predictions.combined.PENALTY", 0.0)
    members = binary_members(np.random.default_rng(1))
    members = replace(members, test=members.test[:, :2], validation=members.validation[:, :2])
    logits = np.log(members.validation) - np.log1p(-members.validation)
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(np.clip(logits, -6.9067, 6.9067), members.labels)
    assert combine("stack", members).weights == pytest.approx(peer.coef_[0], rel=1e-3)


def test_the_stack_of_least_squares_is_the_closed_form(monkeypatch) -> None:
    members = continuous_members(np.random.default_rng(2))
    members = replace(members, test=members.test[:, :2], validation=members.validation[:, :2])
    scale = members.labels.std()
    inputs = np.column_stack([np.ones(len(members.labels)), members.validation / scale])
    penalty = np.diag([0.0, 2.0, 2.0])
    right = inputs.T @ members.labels / scale + penalty @ [0, 0.5, 0.5]
    expected = np.linalg.solve(inputs.T @ inputs + penalty, right)
    assert combine("stack", members).weights == pytest.approx(expected[1:], rel=1e-4)


def test_the_mean_is_the_mean() -> None:
    members = binary_members(np.random.default_rng(3))
    found = combine("mean", members)
    assert found.test == pytest.approx(members.test.mean(axis=1))
    assert found.validation == pytest.approx(members.validation.mean(axis=1))


@pytest.mark.parametrize("labels", [0.0, np.nan])
def test_without_two_classes_the_stack_weights_equally_and_best_has_no_answer(labels: float) -> None:
    members = binary_members(np.random.default_rng(4))
    members = replace(members, labels=np.full_like(members.labels, labels))
    assert combine("stack", members).weights == pytest.approx([1 / 3] * 3)
    with pytest.raises(ValueError, match="cannot score er"):
        combine("best", members)


def test_unknown_labels_count_for_nothing() -> None:
    members = binary_members(np.random.default_rng(5))
    known = np.arange(len(members.labels)) % 3 > 0
    hidden = replace(members, labels=np.where(known, members.labels, np.nan))
    alone = replace(
        members,
        labels=members.labels[known],
        validation=members.validation[known],
        patients=members.patients[known],
    )
    for kind in RULES:
        assert combine(kind, hidden).weights == pytest.approx(combine(kind, alone).weights)


def test_validation_predictions_of_the_stack_are_not_fitted_to_their_own_patient() -> None:
    """Pure noise: what a stack says in sample goes with the labels, cross-fitted it does not."""
    rng = np.random.default_rng(6)
    noise = rng.random((60, 12))
    patients = np.array([f"p{case // 2}" for case in range(60)], dtype=object)
    labels = np.repeat(rng.random(30) < 0.5, 2).astype(float)
    noise[1::2] = noise[::2]
    members = Members(ER, noise, noise, labels, patients, 0.5, 0)
    found = combine("stack", members)
    in_sample, crossed = (np.corrcoef(said, labels)[0, 1] for said in (found.test, found.validation))
    assert in_sample > 0.3 > crossed


def test_members_in_another_order_give_the_same_predictions() -> None:
    members = binary_members(np.random.default_rng(7))
    turned = replace(members, test=members.test[:, ::-1], validation=members.validation[:, ::-1])
    for kind in RULES:
        assert combine(kind, turned).test == pytest.approx(combine(kind, members).test, abs=1e-4)
