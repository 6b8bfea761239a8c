"""A network with the features behind its outputs shown while it learns."""

import torch
from torch import Tensor, nn

from bench_zoo.torch_parts.heads import Branch, TasksNetwork


class Shown(TasksNetwork):
    """A network that shows, in training, the features before the tasks' branches behind the tasks' outputs.

    What the network adds to its outputs itself, such as the loss of a segmentation, stays last. Features
    of the patches of a case are averaged.

    Parameters
    ----------
    network
        With a :class:`bench_zoo.torch_parts.heads.Branch` a task.
    tasks
        How many outputs are those of tasks.

    Raises
    ------
    TypeError
        The network has no branches.
    """

    def __init__(self, network: TasksNetwork, tasks: int):
        super().__init__()
        branches = [module for module in network.modules() if isinstance(module, Branch)]
        if not branches:
            raise TypeError(f"{type(network).__name__} has no Branch, before which features could be read")
        self.network, self.tasks = network, tasks
        self.features: list[Tensor] = []
        for branch in branches:
            branch.register_forward_pre_hook(self._seen)

    def forward(self, *inputs: Tensor) -> Tensor:
        """(case, task + feature) in training, (case, task) otherwise."""
        self.features.clear()
        outputs: Tensor = self.network(*inputs)
        distinct = {id(features): features for features in self.features}.values()
        own = [features.reshape(len(outputs), -1, features.shape[-1]).mean(dim=1) for features in distinct]
        self.features.clear()
        if not self.training:
            return outputs
        return torch.cat([outputs[:, : self.tasks], *own, outputs[:, self.tasks :]], dim=1)

    def invariants(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Those of the network."""
        return self.network.invariants(*inputs)

    def relevance(self, *inputs: Tensor) -> Tensor:
        """That of a network which has one."""
        found: Tensor = self.network.relevance(*inputs)  # type: ignore[operator]
        return found

    def _seen(self, branch: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.features.append(inputs[0])
