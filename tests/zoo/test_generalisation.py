"""Losses over sites: DomainBed's equations, and sites of training cases alone."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.methods.method import Run
from bench.methods.parameters import method_class, parameters
from bench.methods.registry import load_registry, unavailable_reason
from bench_zoo.generalisation.penalties import IRM, Coral, GroupDRO, GroupLoss, coral_penalty, irm_penalty
from bench_zoo.torch_parts.fitted import NetworkMethod
from bench_zoo.torch_parts.losses import BalancedLoss

NETWORKS = ("multi_task_cnn", "spatial_mtl")
NAMES = [f"{network}+{loss}" for network in NETWORKS for loss in ("groupdro", "coral", "irm")]
INNER = BalancedLoss([True, False], torch.tensor([0.5, 2.0]), "fixed")


def batch(seed: int = 0, features: int = 0) -> tuple[Tensor, Tensor]:
    """Outputs, and targets with a group of 0, 1 or 2 behind the labels; one label in five is missing."""
    rng = np.random.default_rng(seed)
    labels = np.column_stack([rng.integers(0, 2, 18), rng.standard_normal(18)])
    labels[rng.random(labels.shape) < 0.2] = np.nan
    outputs = rng.standard_normal((18, 2 + features))
    targets = np.column_stack([labels, np.arange(18) % 3])
    return torch.tensor(outputs, dtype=torch.float32), torch.tensor(targets, dtype=torch.float32)


def by_hand(outputs: Tensor, targets: Tensor, scale: float = 1.0) -> float:
    """Mean over tasks of cross-entropy over 0.5 and absolute error over 2, in numpy."""
    said, labels = scale * outputs[:, :2].numpy().astype(float), targets[:, :2].numpy().astype(float)
    entropy = np.log1p(np.exp(said[:, 0])) - labels[:, 0] * said[:, 0]
    return float(np.mean([np.nanmean(entropy) / 0.5, np.nanmean(np.abs(said[:, 1] - labels[:, 1])) / 2]))


def of_groups(outputs: Tensor, targets: Tensor) -> np.ndarray:
    return np.array([by_hand(outputs[at::3], targets[at::3]) for at in range(3)])


def test_the_groups_count_alike_without_a_penalty() -> None:
    outputs, targets = batch()
    assert float(GroupLoss(INNER)(outputs, targets)) == pytest.approx(
        of_groups(outputs, targets).mean(), rel=1e-5
    )


def test_group_dro_is_a_recursion_of_exponential_weights() -> None:
    loss, weights = GroupDRO(INNER, 3, eta=0.5), np.full(3, 1 / 3)
    for seed in range(4):
        outputs, targets = batch(seed)
        losses = of_groups(outputs, targets)
        weights = weights * np.exp(0.5 * losses)
        weights /= weights.sum()
        assert float(loss(outputs, targets)) == pytest.approx(weights @ losses, rel=1e-5)
    np.testing.assert_allclose(loss.state_dict()["weights"].numpy(), weights, rtol=1e-5)


def test_a_group_that_is_not_in_the_batch_keeps_its_weight_in_proportion() -> None:
    loss = GroupDRO(INNER, 3, eta=0.5)
    outputs, targets = batch()
    there = targets[:, -1] < 2
    losses = of_groups(outputs, targets)[:2]
    assert float(loss(outputs[there], targets[there])) == pytest.approx(
        np.exp(0.5 * losses) @ losses / np.exp(0.5 * losses).sum(), rel=1e-5
    )
    grown = np.append(np.exp(0.5 * losses), 1.0)
    np.testing.assert_allclose(loss.weights.numpy(), grown / grown.sum(), rtol=1e-5)


def test_coral_is_the_distance_of_means_and_covariances() -> None:
    outputs, targets = batch(features=4)
    groups = [outputs[at::3, 2:].numpy() for at in range(3)]
    pairs = [(groups[one], groups[other]) for one, other in ((0, 1), (0, 2), (1, 2))]
    expected = [
        ((a.mean(0) - b.mean(0)) ** 2).mean() + ((np.cov(a.T) - np.cov(b.T)) ** 2).mean() for a, b in pairs
    ]
    found = [float(coral_penalty(torch.tensor(a), torch.tensor(b))) for a, b in pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    whole = float(Coral(INNER, gamma=2.0)(outputs, targets))
    assert whole == pytest.approx(of_groups(outputs, targets).mean() + 2 * np.mean(expected), rel=1e-4)


def test_irm_is_the_product_of_the_slopes_of_both_halves() -> None:
    outputs, targets = batch()
    step, expected = 1e-4, []
    for at in range(3):
        slopes = [
            (by_hand(*half, scale=1 + step) - by_hand(*half, scale=1 - step)) / (2 * step)
            for half in [(outputs[at::3][start::2], targets[at::3][start::2]) for start in (0, 1)]
        ]
        expected.append(slopes[0] * slopes[1])
        found = irm_penalty(INNER, outputs[at::3], targets[at::3, :2]).item()
        assert found == pytest.approx(expected[-1], rel=1e-3, abs=1e-5)
    loss, risk = IRM(INNER, weight=7.0, anneal=1), of_groups(outputs, targets).mean()
    assert [loss(outputs, targets).item() for _ in range(2)] == pytest.approx(
        [risk + np.mean(expected), risk + 7 * np.mean(expected)], rel=1e-3
    )


def test_a_batch_without_labels_teaches_nothing() -> None:
    outputs, targets = batch(features=4)
    targets[:, :2] = torch.nan
    outputs.requires_grad_()
    for loss in (GroupDRO(INNER, 3, 0.5), Coral(INNER, 1.0), IRM(INNER, 1.0, 0)):
        loss(outputs, targets).backward()
        assert outputs.grad is not None and not outputs.grad.any()


def predicted(name: str, cohort: Cohort, tested: Cohort, folder: Path) -> np.ndarray:
    method = method_class(load_registry().spec(name))(epochs=2, widths=(4, 8), flips=False)
    folder.mkdir()
    method.fit(
        cohort.take(cohort.case_ids[:40]), cohort.take(cohort.case_ids[40:48]), Run(0, "cpu", 1, folder)
    )
    return method.predict(tested.blind())["er"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_sites_of_training_cases_alone_count(name: str, tiny: Cohort, tmp_path: Path) -> None:
    tested = tiny.take(tiny.case_ids[48:])
    moved = replace(tested, table=tested.table.assign(site="elsewhere"))
    dealt = np.random.default_rng(0).permutation(tiny.sites)
    first = predicted(name, tiny, tested, tmp_path / "first")
    np.testing.assert_array_equal(first, predicted(name, tiny, moved, tmp_path / "moved"))
    other = replace(tiny, table=tiny.table.assign(site=dealt))
    assert np.abs(first - predicted(name, other, tested, tmp_path / "other")).max() > 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_the_network_is_that_without_sites_and_tasks_stay_joint(name: str) -> None:
    registry = load_registry()
    own, plain = (parameters(registry.spec(one)) for one in (name, name.rpartition("+")[0]))
    assert {key: own[key] for key in plain} == plain
    with pytest.raises(UsageError, match="tasks='single': a loss over sites knows tasks='joint' alone"):
        parameters(registry.spec(name), {"tasks": "single"})


def networks() -> dict[str, type[NetworkMethod]]:
    """Every class of network methods, by the first of its rows."""
    found: dict[type[NetworkMethod], str] = {}
    for name, spec in load_registry().specs.items():
        if spec.is_of_the_project and not unavailable_reason(spec):
            kind = method_class(spec)
            if issubclass(kind, NetworkMethod):
                found.setdefault(kind, name)
    return {name: kind for kind, name in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["groupdro", "coral", "irm"])
@pytest.mark.parametrize("name", networks())
def test_every_network_takes_every_loss(name: str, loss: str, tiny: Cohort, tmp_path: Path) -> None:
    spec = load_registry().spec(f"{name}+{loss}")
    own = {one.name: one.default for one in fields(networks()[name])}
    assert own.items() <= {one.name: one.default for one in fields(method_class(spec))}.items()
    train, val = tiny.take(tiny.case_ids[:12]), tiny.take(tiny.case_ids[12:16])
    sites = np.arange(12) % 2
    said = []
    for dealt in (sites, 1 - sites, np.roll(sites, 1) * (np.arange(12) < 8)):
        train = replace(train, table=train.table.assign(site=dealt.astype(str)))
        method = method_class(spec)(**{**spec.params, "epochs": 3, "batch_size": 12, "flips": False})
        said.append(method.fit(train, train, Run(0, "cpu", 1, tmp_path)).predict(val.blind())["er"])
    assert np.isfinite(said).all() and np.abs(said[0] - said[2]).max() > 0
    np.testing.assert_array_equal(said[0], said[1])  # the numbers of the sites are but names
