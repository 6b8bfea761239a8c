"""What a fitted network makes of a case before its heads."""

import numpy as np
import torch
from torch import Tensor, nn

from bench.cohorts.cohort import Cohort
from bench_zoo.torch_parts.fitted import NetworkMethod
from bench_zoo.torch_parts.heads import Branch
from bench_zoo.torch_parts.training import computing, outputs_of


def network_embeddings(method: NetworkMethod, cohort: Cohort) -> np.ndarray | None:
    """Features that reach the branches of the tasks, shape (case, feature); None without such branches.

    They are read while the network predicts the cases as they are, not their mirror images. Features that
    several branches share are there once.
    """
    network, run = method._fitted()
    read: list[list[Tensor]] = []
    hooks = [_listen(module, read) for module in network.modules() if isinstance(module, Branch)]
    try:
        with computing(run):
            outputs_of(network.to(run.device), method._examples(cohort), method._schedule(), run)
    finally:
        network.cpu()
        for hook in hooks:
            hook.remove()
    distinct: list[Tensor] = []
    for features in (torch.cat(batches) for batches in read if batches):
        if not any(torch.equal(features, other) for other in distinct):
            distinct.append(features)
    return torch.cat(distinct, dim=1).numpy() if distinct else None


def _listen(module: nn.Module, read: list[list[Tensor]]) -> torch.utils.hooks.RemovableHandle:
    """Keep what reaches a module, batch by batch, in a new list of ``read``."""
    batches: list[Tensor] = []
    read.append(batches)

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        batches.append(inputs[0].float().cpu())

    return module.register_forward_pre_hook(keep)
