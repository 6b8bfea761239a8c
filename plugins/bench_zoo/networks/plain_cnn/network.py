"""The network: any encoder, global average pooling, branches; no attention, no regions."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench_zoo.torch_parts.heads import Branch, TasksNetwork


class PlainNetwork(TasksNetwork):
    """Outputs, shape (case, task): logits and standardised values, from crops.

    Parameters
    ----------
    encoder
        (case, channel, z, y, x) -> (case, width).
    width
        Number of features that the encoder gives.
    hidden, dropout
        Width of the branches and share of features dropped.
    priors
        Output of each task before anything is learnt, as of a predictor that sees no case.
    """

    def __init__(self, encoder: nn.Module, width: int, hidden: int, dropout: float, priors: Sequence[float]):
        super().__init__()
        self.encoder = encoder
        # Pooled features differ little between cases next to what they have in common.
        self.norm = nn.BatchNorm1d(width)
        self.branches = nn.ModuleList(Branch(width, hidden, dropout, prior) for prior in priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        features = self.norm(self.encoder(images))
        return torch.cat([branch(features) for branch in self.branches], dim=1)
