"""The network: encoder with spatial attention, region pooling, trunk and branches, top to bottom.

In shapes, ``d`` stands for the three spatial axes (z, y, x) at a scale's own resolution.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.networks.spatial_mtl.statistics import region_statistics, statistics_width
from bench_zoo.torch_parts.encoders import staged_encoder
from bench_zoo.torch_parts.heads import Branch, TasksNetwork
from bench_zoo.torch_parts.pooling import region_indices, region_moments

# Intensity and mask are what the encoder sees; the signed distance only says where layers of statistics lie.
SEEN = 2


@dataclass(frozen=True)
class Design:
    """What a network is made of; the fields of ``SpatialMTL`` say what it means."""

    backbone: str
    widths: tuple[int, ...]
    attention: bool
    roi_weighting: bool
    regions: tuple[str, ...]
    statistics: bool
    layers: int
    pooled: int
    hidden: int
    dropout: float


class SpatialNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops and regions: logits, or values on a standardised scale.

    Parameters
    ----------
    design
        What the network is made of.
    priors
        Output of each task before anything is learnt: that of a predictor that sees no case.
    """

    def __init__(self, design: Design, priors: Sequence[float]):
        super().__init__()
        self.regions = region_indices(design.regions) if design.roi_weighting else []
        self.layers = design.layers if design.statistics else 0
        count = len(self.regions) or 1
        self.encoder = staged_encoder(design.backbone, SEEN, design.widths)
        widths = self.encoder.widths
        self.attention = nn.ModuleList(SpatialAttention(width) for width in widths if design.attention)
        # Few cases cannot tell hundreds of pooled features apart: each scale hands on a few mixtures.
        self.mixtures = nn.ModuleList(Pointwise(width, design.pooled) for width in widths)
        self.fixed = statistics_width(self.layers) if design.statistics else 0
        pooled = self.fixed + 2 * design.pooled * len(widths)
        self.norm = nn.BatchNorm1d(count * pooled)
        self.trunk = RegionTrunk(count, pooled, design.hidden, design.dropout)
        self.region_logits = nn.Parameter(torch.zeros(len(priors), count))
        self.branches = nn.ModuleList(
            Branch(count * design.hidden, design.hidden, design.dropout, prior, count * self.fixed)
            for prior in priors
        )

    def forward(self, images: Tensor, regions: Tensor, *invariants: Tensor) -> Tensor:
        """Outputs, shape (case, task).

        Parameters
        ----------
        images
            Intensity and mask, and with statistics the signed distance to the boundary in mm, shape (case,
            channel, z, y, x).
        regions
            Core, rim and surround, shape (case, 3, z, y, x).
        invariants
            What :meth:`invariants` gives, if it is known already.
        """
        statistics = invariants or self.invariants(images, regions)
        scales = self.encoder(images[:, :SEEN], self.attention)
        return self.head(scales, self.masks(images, regions), *statistics)

    def masks(self, images: Tensor, regions: Tensor) -> Tensor:
        """The regions in use, shape (case, region, z, y, x): the whole crop where they are switched off."""
        return regions[:, self.regions].to(images.dtype) if self.regions else torch.ones_like(images[:, :1])

    def invariants(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The fixed statistics, shape (case, region, statistic), where the design has them."""
        if not self.fixed:
            return ()
        images, regions = inputs
        masks = self.masks(images, regions)
        extents = masks if self.regions else images[:, 1:2]
        return (region_statistics(images, masks, extents, self.layers),)

    def head(self, scales: Sequence[Tensor], masks: Tensor, *statistics: Tensor) -> Tensor:
        """Outputs, shape (case, task), of the encoder's features."""
        pooled = list(statistics)
        for scale, mix in zip(scales, self.mixtures, strict=True):
            pooled.append(region_moments(mix(scale), F.adaptive_avg_pool3d(masks, scale.shape[2:])))
        features = torch.cat(pooled, dim=2)  # (case, region, pooled)
        features = self.norm(features.flatten(1)).view_as(features)
        shared = self.trunk(features)  # (case, region, hidden)
        weights = self.region_weights()[:, None, :, None]  # (task, 1, region, 1)
        outputs = [
            branch((weight * shared).flatten(1), (weight * features[:, :, : self.fixed]).flatten(1))
            for branch, weight in zip(self.branches, weights, strict=True)
        ]
        return torch.cat(outputs, dim=1)

    def region_weights(self) -> Tensor:
        """How much each task draws on each region, shape (task, region), at least 0, mean 1 over regions."""
        return torch.softmax(self.region_logits, dim=1) * self.region_logits.shape[1]

    def relevance(self, images: Tensor, regions: Tensor) -> Tensor:
        """How much each voxel moved the outputs, non-negative, shape (case, z, y, x).

        Gradient times activation (as HiResCAM, arXiv 2011.08891) of every scale's features, weighted by
        attention, and of the image where statistics are made of it; summed over channels, absolute values
        added over tasks and scales. Region weights are part of the gradient and attention of the activation,
        so a voxel that they leave out has none.
        """
        with torch.no_grad():
            scales = self.encoder(images[:, :SEEN], self.attention)
        leaves = [tensor.detach().requires_grad_() for tensor in (images[:, :1], *scales)]
        whole = torch.cat([leaves[0], images[:, 1:]], dim=1)
        outputs = self.head(leaves[1:], self.masks(images, regions), *self.invariants(whole, regions))
        heat = torch.zeros_like(images[:, 0])
        for task in range(outputs.shape[1]):
            gradients = torch.autograd.grad(
                outputs[:, task].sum(), leaves, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for leaf, gradient in zip(leaves, gradients, strict=True):
                coarse = (leaf.detach() * gradient).sum(dim=1, keepdim=True).abs()
                heat += F.interpolate(coarse, size=heat.shape[1:], mode="trilinear")[:, 0]
        return heat


class Pointwise(nn.Linear):
    """A convolution of one voxel as a matrix product, which takes half its time at few channels."""

    def forward(self, features: Tensor) -> Tensor:
        """(case, width, d) -> (case, width, d)."""
        mixed = self.weight @ features.flatten(2) + self.bias[:, None]
        return mixed.unflatten(2, features.shape[2:])


class SpatialAttention(nn.Module):
    """One map in [0, 1] from parallel receptive fields of 1, 3 and 5 voxels, the last by dilation."""

    def __init__(self, width: int):
        super().__init__()
        # Narrow, or three convolutions would cost more than the encoder's own.
        inner = max(4, width // 16)
        self.squeeze = Pointwise(width, inner)
        self.fields = nn.ModuleList(
            [
                Pointwise(inner, inner),
                nn.Conv3d(inner, inner, 3, padding=1),
                nn.Conv3d(inner, inner, 3, padding=2, dilation=2),
            ]
        )
        self.merge = Pointwise(3 * inner, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(case, width, d) -> (case, 1, d)."""
        narrow = F.gelu(self.squeeze(features))
        seen = torch.cat([field(narrow) for field in self.fields], dim=1)
        return torch.sigmoid(self.merge(F.gelu(seen)))


class RegionTrunk(nn.Module):
    """What all tasks share: mixes what was found in each region, region by region."""

    def __init__(self, regions: int, pooled: int, hidden: int, dropout: float):
        super().__init__()
        self.mix = nn.Parameter(torch.randn(regions, pooled, hidden) / math.sqrt(pooled))
        self.bias = nn.Parameter(torch.zeros(regions, hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """(case, region, pooled) -> (case, region, hidden)."""
        return F.relu(torch.einsum("nrp,rph->nrh", self.dropout(features), self.mix) + self.bias)
