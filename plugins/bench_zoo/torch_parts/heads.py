"""What stands behind an encoder: branches, networks apart, and averages over mirror images."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

# Spatial axes of (case, channel, z, y, x) that are flipped for each view of a case.
MIRRORS: tuple[tuple[int, ...], ...] = ((), (2,), (3,), (4,))


class Branch(nn.Module):
    """One task's own layers; starts at the task's prior.

    Parameters
    ----------
    width, hidden
        Number of features, and of hidden units.
    dropout
        Share of features dropped.
    prior
        Output before anything is learnt: that of a predictor that sees no case.
    fixed
        Number of fixed statistics that reach the output by a linear path of their own; 0: no such path.
    """

    def __init__(self, width: int, hidden: int, dropout: float, prior: float, fixed: int = 0):
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, hidden), nn.ReLU())
        self.last = nn.Linear(hidden, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.constant_(self.last.bias, prior)
        self.direct = nn.Linear(fixed, 1, bias=False) if fixed else None
        if self.direct is not None:
            nn.init.zeros_(self.direct.weight)

    def forward(self, features: Tensor, fixed: Tensor | None = None) -> Tensor:
        """(case, width), (case, fixed) -> (case, 1)."""
        outputs: Tensor = self.last(self.layers(features))
        return outputs if self.direct is None else outputs + self.direct(fixed)


class TasksNetwork(nn.Module):
    """A network with one output a task."""

    def invariants(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the network computes of its inputs that is the same for all mirror images of a case.

        ``forward`` takes it behind the inputs, and computes it where it is not given.
        """
        return ()


class TaskNetworks(TasksNetwork):
    """A network of its own for every task, each with one output."""

    def __init__(self, networks: Iterable[TasksNetwork]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Outputs, shape (case, task)."""
        return torch.cat([network(*inputs) for network in self.networks], dim=1)

    def invariants(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Those of the first network: the others have the same design."""
        first: TasksNetwork = self.networks[0]  # type: ignore[assignment]
        return first.invariants(*inputs)

    def relevance(self, *inputs: Tensor) -> Tensor:
        """Sum of the networks' relevance, shape (case, z, y, x)."""
        return torch.stack([network.relevance(*inputs) for network in self.networks]).sum(dim=0)  # type: ignore[operator]


class FlipAveraged(nn.Module):
    """Mean output over a crop and its three mirror images: more views of a case, and no training."""

    def __init__(self, network: TasksNetwork):
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """Outputs, shape (case, task)."""
        shared = self.network.invariants(*inputs)
        views = [self.network(*(its.flip(axes) for its in inputs), *shared) for axes in MIRRORS]
        return torch.stack(views).mean(dim=0)
