"""The shared training function: reproducible, resumable, judged on validation cases alone."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.methods.method import Run
from bench_zoo.torch_parts.examples import Examples
from bench_zoo.torch_parts.losses import BalancedLoss
from bench_zoo.torch_parts.training import CHECKPOINT, Part, Schedule, fit_apart, fit_network, one_cycle

EPOCHS = 5


def examples(cases: int, seed: int) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(cases, 6, generator=generator)
    targets = (inputs[:, :1] > 0).float()
    return Examples(lambda indices: (inputs[indices],), targets)


def trained(
    folder: Path,
    seed: int = 0,
    report: Callable[[int, int, float | None], None] = lambda *_: None,
    val: Examples | None = None,
    **schedule: float,
) -> dict[str, Tensor]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))
    loss = BalancedLoss([True], torch.ones(1), "uncertainty")
    settings = {"checkpoint_seconds": 0.0, **schedule}
    plan = Schedule(EPOCHS, 8, 1e-2, 0.01, **settings)  # type: ignore[arg-type]
    run = Run(seed, "cpu", 1, folder, report)

    def jitter(inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
        return (inputs[0] + 0.1 * torch.randn(inputs[0].shape, generator=generator),)

    part = Part(network, loss, loss.judge, examples(40, 1), val or examples(20, 2))
    fit_network(part, plan, run, jitter)
    return network.state_dict()


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_one_seed_gives_one_network_and_another_gives_another(tmp_path: Path) -> None:
    first = trained(tmp_path)
    assert_same(first, trained(tmp_path))
    assert not torch.equal(first["0.weight"], trained(tmp_path, seed=1)["0.weight"])


@pytest.mark.parametrize("interrupted_after", [1, 3])
def test_a_training_that_was_cut_off_resumes_to_the_same_network(
    tmp_path: Path, interrupted_after: int
) -> None:
    class Killed(Exception):
        pass

    seen: list[int] = []

    def kill(step: int, total: int, score: float | None) -> None:
        seen.append(step)
        if step == interrupted_after:
            raise Killed

    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = trained(tmp_path / "whole")
    with pytest.raises(Killed):
        trained(tmp_path / "cut", report=kill)
    assert (tmp_path / "cut" / CHECKPOINT.format(0)).is_file()
    resumed = trained(tmp_path / "cut", report=lambda step, *_: seen.append(step))
    assert seen == list(range(1, EPOCHS + 1))
    assert_same(whole, resumed)


def test_nothing_is_left_in_the_folder_of_a_finished_training(tmp_path: Path) -> None:
    trained(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_other_settings_is_not_resumed_from(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "a", report=_interrupt)
    assert_same(trained(tmp_path / "a", averaging=0.5), trained(tmp_path / "b", averaging=0.5))


def _interrupt(step: int, total: int, score: float | None) -> None:
    raise KeyboardInterrupt


def test_the_kept_weights_are_those_the_validation_cases_like_best(tmp_path: Path) -> None:
    scores: list[float] = []
    network = nn.Linear(6, 1)
    loss = BalancedLoss([True], torch.ones(1), "fixed")
    val = examples(20, 2)
    # Labels of validation cases are the reverse of the training cases': every epoch of learning does harm.
    val = Examples(val.read, 1 - val.targets)
    run = Run(0, "cpu", 1, tmp_path, lambda step, total, score: scores.append(score or 0.0))
    fit_network(Part(network, loss, loss.judge, examples(40, 1), val), Schedule(EPOCHS, 8, 0.1, 0.0), run)
    with torch.no_grad():
        kept = -float(loss.judge(network(val.read(np.arange(20))[0]), val.targets))
    assert kept == pytest.approx(max(scores), abs=1e-6)
    assert scores[0] > scores[-1]


def test_training_labels_do_not_choose_the_epoch_when_validation_has_none(tmp_path: Path) -> None:
    nothing = Examples(examples(6, 2).read, torch.full((6, 1), math.nan))
    scores: list[float | None] = []
    trained(tmp_path, val=nothing, report=lambda step, total, score: scores.append(score))
    assert scores == [None] * EPOCHS


def test_torch_is_left_as_it_was_found(tmp_path: Path) -> None:
    network, loss = nn.Linear(6, 1), BalancedLoss([True], torch.ones(1), "fixed")
    train, val, plan = examples(8, 1), examples(4, 2), Schedule(1, 8, 0.1, 0.0)
    run = Run(3, "cpu", torch.get_num_threads() + 1, tmp_path)
    before = torch.get_rng_state().clone()
    settings = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    fit_network(Part(network, loss, loss.judge, train, val), plan, run)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == settings
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loss_that_is_no_number_stops_the_training_with_the_remedy(tmp_path: Path) -> None:
    broken = Examples(lambda indices: (torch.full((len(indices), 6), math.inf),), torch.ones(8, 1))
    loss = BalancedLoss([True], torch.ones(1), "fixed")
    with pytest.raises(FloatingPointError, match=r"became nan in epoch 1: lower learning_rate"):
        fit_network(
            Part(nn.Linear(6, 1), loss, loss.judge, broken, broken),
            Schedule(1, 8, 0.1, 0.0),
            Run(0, "cpu", 1, tmp_path),
        )


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    rates = [one_cycle(step, 100, 0.25) for step in range(101)]
    assert rates[0] == pytest.approx(0.04) and rates[25] == pytest.approx(1.0)
    assert max(rates) == rates[25] and rates[100] == pytest.approx(0.0, abs=1e-12)
    assert (np.diff(rates[:26]) > 0).all() and (np.diff(rates[25:]) < 0).all()


def parts(count: int) -> list[Part]:
    """Linear networks that learn from cases and labels of their own, in which the second learns badly."""
    made = []
    for number in range(count):
        torch.manual_seed(number)
        loss = BalancedLoss([True], torch.ones(1), "uncertainty")
        learn, val = examples(40, number), examples(20, 10 + number)
        judged = Examples(val.read, 1 - val.targets) if number == 1 else val
        made.append(Part(nn.Linear(6, 1), loss, loss.judge, learn, judged))
    return made


def test_networks_trained_apart_are_those_that_each_alone_would_be(tmp_path: Path) -> None:
    plan, run = Schedule(EPOCHS, 8, 0.1, 0.01, clip=0.1), Run(0, "cpu", 1, tmp_path)
    together, alone = parts(3), parts(3)
    fit_apart(together, plan, run)
    for part in alone:
        fit_network(part, plan, run)
    for first, second in zip(together, alone, strict=True):
        assert_same(first.network.state_dict(), second.network.state_dict())


def test_networks_apart_report_one_course_and_resume_at_the_one_that_was_cut_off(tmp_path: Path) -> None:
    plan, whole, cut = Schedule(EPOCHS, 8, 0.1, 0.01, checkpoint_seconds=0.0), parts(3), parts(3)
    fit_apart(whole, plan, Run(0, "cpu", 1, tmp_path))
    seen: list[tuple[int, int]] = []

    def kill(step: int, total: int, score: float | None) -> None:
        seen.append((step, total))
        if step == EPOCHS + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_apart(cut, plan, Run(0, "cpu", 1, tmp_path, kill))
    fresh = parts(3)
    fit_apart(fresh, plan, Run(0, "cpu", 1, tmp_path, lambda step, total, score: seen.append((step, total))))
    assert seen == [(step, 3 * EPOCHS) for step in range(1, 3 * EPOCHS + 1)]
    for first, second in zip(whole, fresh, strict=True):
        assert_same(first.network.state_dict(), second.network.state_dict())
    assert list(tmp_path.iterdir()) == []
