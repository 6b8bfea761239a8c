"""The network: patches embedded one by one, weighted by attention or mixed by a transformer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench_zoo.torch_parts.attention import GatedAttention, TransformerLayer
from bench_zoo.torch_parts.bags import PatchEmbedder, instances_of, patches, places
from bench_zoo.torch_parts.heads import Branch, TasksNetwork

HEADS = 4


@dataclass(frozen=True)
class BagDesign:
    """Channels and shape of a crop, edge and stride of a patch, its encoder and the embedding's width."""

    channels: int
    shape: tuple[int, int, int]
    patch: int
    stride: int
    widths: tuple[int, ...]
    embedding: int


class BagNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops and regions.

    Parameters
    ----------
    design
        What a bag is.
    aggregator
        ``single``, ``branches`` or ``transformer``.
    hidden, dropout, priors
        Of the branches.
    """

    def __init__(
        self, design: BagDesign, aggregator: str, hidden: int, dropout: float, priors: Sequence[float]
    ):
        super().__init__()
        self.patch, self.stride = design.patch, design.stride
        width = design.embedding
        self.embed = PatchEmbedder(design.channels, design.widths, width)
        self.dropout = nn.Dropout(dropout)
        self.aggregate: nn.Module
        if aggregator == "transformer":
            grid = places(design.shape, design.patch, design.stride)
            self.aggregate = BagTransformer(width, grid, dropout)
        else:
            self.aggregate = BagAttention(width, len(priors) if aggregator == "branches" else 1)
        self.branches = nn.ModuleList(Branch(width, hidden, dropout, prior) for prior in priors)

    def forward(self, images: Tensor, regions: Tensor) -> Tensor:
        """(case, channel, z, y, x), (case, 3, z, y, x) -> (case, task)."""
        valid = instances_of(regions, self.patch, self.stride)  # (case, place)
        bags = self.embed(patches(images, self.patch, self.stride))  # (case, place, width)
        pooled = self.aggregate(self.dropout(bags), valid)  # (case, 1 or task, width)
        pooled = pooled.expand(-1, len(self.branches), -1)
        return torch.cat([branch(pooled[:, at]) for at, branch in enumerate(self.branches)], dim=1)


class BagAttention(nn.Module):
    """Mean of a bag under learnt weights, one weighting a branch."""

    def __init__(self, width: int, branches: int):
        super().__init__()
        self.attention = GatedAttention(width, width // 2, branches)

    def forward(self, bags: Tensor, valid: Tensor) -> Tensor:
        """(case, place, width), (case, place) -> (case, branch, width)."""
        weights: Tensor = self.attention(bags, valid)
        return weights @ bags


class BagTransformer(nn.Module):
    """Two transformer layers round a convolution over the patches' places, read off a class token."""

    def __init__(self, width: int, grid: tuple[int, int, int], dropout: float):
        super().__init__()
        self.grid = grid
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.first, self.second = (TransformerLayer(width, HEADS, dropout) for _ in range(2))
        self.position = nn.Conv3d(width, width, 3, padding=1, groups=width)
        self.norm = nn.LayerNorm(width)

    def forward(self, bags: Tensor, valid: Tensor) -> Tensor:
        """(case, place, width), (case, place) -> (case, 1, width)."""
        tokens = torch.cat([self.token.expand(len(bags), -1, -1), bags], dim=1)
        valid = torch.cat([torch.ones_like(valid[:, :1]), valid], dim=1)
        tokens = self.first(tokens, valid)
        tokens = self.second(torch.cat([tokens[:, :1], self._placed(tokens[:, 1:], valid[:, 1:])], 1), valid)
        named: Tensor = self.norm(tokens[:, :1])
        return named

    def _placed(self, bags: Tensor, valid: Tensor) -> Tensor:
        """Instances with what lies round them added, so that a patch knows its place."""
        cells = (bags * valid[:, :, None]).transpose(1, 2).unflatten(2, self.grid)
        return bags + self.position(cells).flatten(2).transpose(1, 2)
