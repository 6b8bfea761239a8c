"""One way to train a network, shared by the methods that use torch."""

import copy
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.methods.method import Run
from bench_zoo.torch_parts.examples import Examples, Inputs

# The number is that of the network, of several that are trained apart.
CHECKPOINT = "training-{}.pt"

Augment = Callable[[Inputs, torch.Generator], Inputs]
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Parameters
    ----------
    epochs, batch_size
        Passes over the training cases, and cases a step.
    learning_rate, weight_decay
        Peak rate of the one-cycle schedule, and decay of AdamW; biases and scales do not decay.
    warm_up
        Share of all steps in which the rate rises.
    averaging
        Decay a step of the running average of the weights.
    clip
        Largest norm of the gradient.
    amp
        Mixed precision (bfloat16, which needs no loss scaling) on a GPU; the CPU ignores it.
    checkpoint_seconds
        Least time between two checkpoints.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warm_up: float = 0.25
    averaging: float = 0.98
    clip: float = 1.0
    amp: bool = False
    checkpoint_seconds: float = 20.0


@dataclass(frozen=True)
class Part:
    """One network to train, and what it learns from.

    Parameters
    ----------
    network
        Called with the inputs that ``train.read`` gives; returns outputs of shape (case, task).
    loss
        ``loss(outputs, targets)``, a scalar; its own parameters are learnt along.
    judge
        ``judge(outputs, targets)`` on all validation cases, lower is better; NaN where it cannot tell, and
        then the last epoch's average stands.
    train, val
        Cases to learn from, and cases that choose the epoch.
    """

    network: nn.Module
    loss: nn.Module
    judge: Loss
    train: Examples
    val: Examples


@dataclass
class _Training:
    """The state that a checkpoint holds."""

    network: nn.Module
    loss: nn.Module
    optimiser: torch.optim.Optimizer
    average: nn.Module
    epoch: int = 0
    best_score: float = -math.inf
    best: dict[str, Tensor] = field(default_factory=dict)


def fit_apart(parts: Sequence[Part], schedule: Schedule, run: Run, augment: Augment | None = None) -> None:
    """Train several networks one after another, each with its own optimiser, clipping and best epoch.

    Each is trained as :func:`fit_network` would train it alone. A run that resumes goes on with the network
    that it was at; scores reported to ``run`` are those of the network in training.
    """
    checkpoints = [run.workdir / CHECKPOINT.format(number) for number in range(len(parts))]
    for number, (part, checkpoint) in enumerate(zip(parts, checkpoints, strict=True)):
        _fit(part, schedule, _share_of(run, number, len(parts)), augment, checkpoint)
    for checkpoint in checkpoints:
        checkpoint.unlink(missing_ok=True)


def fit_network(part: Part, schedule: Schedule, run: Run, augment: Augment | None = None) -> None:
    """Train a network and keep, of all epochs' averaged weights, those that the validation cases like best.

    AdamW, a one-cycle schedule and gradient clipping; after every epoch the running average of the weights
    (Polyak and Juditsky 1992), which generalises better than the last step, is judged on ``val``. All
    randomness of an epoch follows from ``run.seed`` and the epoch's number, so a run that resumes from its
    checkpoint in ``run.workdir`` gives the numbers of an unbroken one. No global state of torch is left
    changed.

    Parameters
    ----------
    part
        The network, which ends with the chosen weights, on the CPU, in evaluation mode.
    augment
        Changes the inputs of a training batch.

    Raises
    ------
    FloatingPointError
        The loss stopped being a number.
    """
    fit_apart([part], schedule, run, augment)


def outputs_of(network: nn.Module, examples: Examples, schedule: Schedule, run: Run) -> Tensor:
    """Outputs of a network for all examples, batch by batch, on the CPU, shape (case, task)."""
    network.eval()
    outputs = []
    with torch.inference_mode():
        for indices in _slices(len(examples), schedule.batch_size):
            inputs = tuple(tensor.to(run.device) for tensor in examples.read(indices))
            with _precision(schedule.amp, run.device):
                outputs.append(network(*inputs).float().cpu())
    return torch.cat(outputs) if outputs else torch.empty_like(examples.targets)


def _share_of(run: Run, number: int, parts: int) -> Run:
    """The run as one of several networks sees it: what it reports is a part of the whole."""
    return replace(
        run, report=lambda step, total, score: run.report(number * total + step, parts * total, score)
    )


def _fit(part: Part, schedule: Schedule, run: Run, augment: Augment | None, checkpoint: Path) -> None:
    """Train one network; a checkpoint of the finished training stays."""
    with computing(run):
        training = _start(part.network, part.loss, schedule, run)
        _resume(training, schedule, run, checkpoint)
        saved = time.monotonic()
        while training.epoch < schedule.epochs:
            _train_epoch(training, part.train, schedule, run, augment)
            outputs = outputs_of(training.average, part.val, schedule, run)
            score = -float(part.judge(outputs, part.val.targets))
            _keep_best(training, score)
            training.epoch += 1
            finished = training.epoch == schedule.epochs
            if finished or time.monotonic() - saved >= schedule.checkpoint_seconds:
                _save(training, schedule, run, checkpoint)
                saved = time.monotonic()
            run.report(training.epoch, schedule.epochs, None if math.isnan(score) else score)
        part.network.load_state_dict(training.best)
    part.network.cpu().eval()


@contextmanager
def computing(run: Run) -> Iterator[None]:
    """The run's thread count, seed and deterministic kernels; everything is put back on the way out."""
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    filling = torch.utils.deterministic.fill_uninitialized_memory
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.set_num_threads(run.threads)
    # On a GPU some 3D gradients have no deterministic kernel, and asking for one is an error.
    torch.use_deterministic_algorithms(run.device == "cpu")
    # A guard against bugs elsewhere, at 5 % of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if run.device != "cpu" else []):
            torch.manual_seed(run.seed)
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = filling
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


def one_cycle(step: int, total: int, warm_up: float) -> float:
    """Share of the peak learning rate at a step: a cosine up over ``warm_up``, then a cosine down to 0.

    After Smith and Topin, arXiv 1708.07120; starts at 1/25.
    """
    rise = max(1.0, warm_up * total)
    if step < rise:
        return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * step / rise))
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, total - rise)))


def _start(network: nn.Module, loss: nn.Module, schedule: Schedule, run: Run) -> _Training:
    network.to(run.device)
    loss.to(run.device)
    decaying = [its for its in network.parameters() if its.ndim > 1]
    plain = [its for its in network.parameters() if its.ndim <= 1] + list(loss.parameters())
    groups = [{"params": decaying}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    average = copy.deepcopy(network).requires_grad_(False)
    return _Training(network, loss, optimiser, average)


def _train_epoch(
    training: _Training, train: Examples, schedule: Schedule, run: Run, augment: Augment | None
) -> None:
    generator = torch.Generator().manual_seed(_epoch_seed(run.seed, training.epoch))
    torch.manual_seed(_epoch_seed(run.seed, training.epoch))  # dropout draws from torch's own generator
    order = torch.randperm(len(train), generator=generator).numpy()
    batches = np.array_split(order, max(1, round(len(train) / schedule.batch_size)))
    training.network.train()
    for number, indices in enumerate(batches):
        step = training.epoch * len(batches) + number
        factor = one_cycle(step, schedule.epochs * len(batches), schedule.warm_up)
        for group in training.optimiser.param_groups:
            group["lr"] = schedule.learning_rate * factor
        inputs = train.read(indices)
        if augment is not None:
            inputs = augment(inputs, generator)
        _step(training, inputs, train.targets[indices], schedule, run)
        _update_average(training, step, schedule.averaging)


def _step(training: _Training, inputs: Inputs, targets: Tensor, schedule: Schedule, run: Run) -> None:
    with _precision(schedule.amp, run.device):
        outputs = training.network(*(tensor.to(run.device) for tensor in inputs))
    loss = training.loss(outputs.float(), targets.to(run.device))
    if not torch.isfinite(loss):
        where = f"in epoch {training.epoch + 1}"
        raise FloatingPointError(f"the training loss became {loss.item()} {where}: lower learning_rate")
    training.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(training.network.parameters(), schedule.clip)
    training.optimiser.step()


@torch.no_grad()
def _update_average(training: _Training, step: int, decay: float) -> None:
    # A young average forgets faster, or it would remember the random start for the whole first epochs.
    weight = 1 - min(decay, (1 + step) / (10 + step))
    current = training.network.state_dict()
    for name, value in training.average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(current[name], weight)
        else:
            value.copy_(current[name])


def _keep_best(training: _Training, score: float) -> None:
    if math.isnan(score) or score >= training.best_score or not training.best:
        training.best_score = training.best_score if math.isnan(score) else score
        training.best = {name: value.clone() for name, value in training.average.state_dict().items()}


def _save(training: _Training, schedule: Schedule, run: Run, checkpoint: Path) -> None:
    state: dict[str, Any] = {
        "settings": _settings(schedule, run),
        "network": training.network.state_dict(),
        "loss": training.loss.state_dict(),
        "optimiser": training.optimiser.state_dict(),
        "average": training.average.state_dict(),
        "epoch": training.epoch,
        "best_score": training.best_score,
        "best": training.best,
    }
    aside = checkpoint.with_name(f"{checkpoint.name}.{os.getpid()}")
    torch.save(state, aside)
    aside.replace(checkpoint)


def _resume(training: _Training, schedule: Schedule, run: Run, checkpoint: Path) -> None:
    """Continue from a checkpoint, where there is one of the same settings."""
    if not checkpoint.exists():
        return
    state = torch.load(checkpoint, map_location=run.device, weights_only=True)
    if state["settings"] != _settings(schedule, run):
        return
    for name in ("network", "loss", "optimiser", "average"):
        getattr(training, name).load_state_dict(state[name])
    training.epoch, training.best_score, training.best = state["epoch"], state["best_score"], state["best"]


def _settings(schedule: Schedule, run: Run) -> str:
    return f"{schedule} seed={run.seed} device={run.device} threads={run.threads}"


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])


def _slices(cases: int, size: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + size, cases)) for start in range(0, cases, size)]


def _precision(amp: bool, device: str) -> torch.autocast:
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=amp and device != "cpu")
