"""From one vector a case to one output a task."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench_zoo.torch_parts.heads import Branch


class Readout(nn.Module):
    """Features standardised over training batches, then a branch a task, which starts at the prior.

    Parameters
    ----------
    width
        Number of features.
    hidden, dropout
        Width of the branches, and share of features dropped.
    priors
        Output of each task before anything is learnt.
    """

    def __init__(self, width: int, hidden: int, dropout: float, priors: Sequence[float]):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.branches = nn.ModuleList(Branch(width, hidden, dropout, prior) for prior in priors)

    def forward(self, features: Tensor) -> Tensor:
        """(case, width) -> (case, task)."""
        features = self.norm(features)
        return torch.cat([branch(features) for branch in self.branches], dim=1)
