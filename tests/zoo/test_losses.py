"""Losses over tasks with missing labels."""

import math

import numpy as np
import pytest
import torch

from bench_zoo.torch_parts.losses import BalancedLoss, masked_losses

NAN = float("nan")


def test_each_loss_is_the_mean_over_the_labelled_cases() -> None:
    outputs = torch.tensor([[0.3, 1.0], [-2.0, 4.0], [1.5, -1.0]])
    targets = torch.tensor([[1.0, 0.5], [NAN, 1.0], [0.0, NAN]])
    p = 1 / (1 + np.exp(-np.array([0.3, 1.5])))
    expected = [-(np.log(p[0]) + np.log(1 - p[1])) / 2, (0.5 + 3.0) / 2]
    np.testing.assert_allclose(masked_losses(outputs, targets, [True, False]), expected, rtol=1e-6)


def test_a_missing_label_teaches_nothing_and_spoils_nothing() -> None:
    outputs = torch.randn(4, 3, requires_grad=True)
    targets = torch.tensor([[1.0, NAN, NAN], [0.0, 0.2, NAN], [NAN, NAN, NAN], [1.0, 0.7, NAN]])
    loss = BalancedLoss([True, False, True], torch.ones(3), "uncertainty")
    loss(outputs, targets).backward()
    assert outputs.grad is not None and loss.log_variances is not None
    assert torch.isfinite(outputs.grad).all()
    assert torch.equal(outputs.grad != 0, ~torch.isnan(targets))
    assert loss.log_variances.grad is not None and loss.log_variances.grad[2] == 0


def test_the_constant_prediction_costs_one() -> None:
    targets = torch.tensor([[1.0, 0.4], [0.0, -1.0], [1.0, 3.0], [1.0, NAN]])
    prior = torch.tensor([math.log(3.0), 0.4]).expand(4, 2)
    loss = BalancedLoss([True, False], masked_losses(prior, targets, [True, False]), "fixed")
    assert float(loss.judge(prior, targets)) == pytest.approx(1.0)
    assert float(loss(prior, targets)) == pytest.approx(1.0)


def test_without_any_label_the_judge_cannot_tell() -> None:
    loss = BalancedLoss([True], torch.tensor([NAN]), "fixed")
    nothing = torch.full((3, 1), NAN)
    assert math.isnan(float(loss.judge(torch.zeros(3, 1), nothing)))
    assert float(loss(torch.zeros(3, 1), nothing)) == 0.0


def test_learnt_uncertainty_settles_where_its_equation_says() -> None:
    """d/ds [exp(-s) L + s / 2] = 0 at s = ln 2 L."""
    loss = BalancedLoss([False], torch.ones(1), "uncertainty")
    outputs, targets = torch.tensor([[3.0], [-3.0]]), torch.zeros(2, 1)
    optimiser = torch.optim.SGD(loss.parameters(), lr=0.3)
    for _ in range(200):
        optimiser.zero_grad()
        loss(outputs, targets).backward()
        optimiser.step()
    assert loss.log_variances is not None
    assert float(loss.log_variances.detach()) == pytest.approx(math.log(6.0), abs=1e-3)
