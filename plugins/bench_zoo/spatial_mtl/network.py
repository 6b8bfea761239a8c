"""The network: encoder, spatial attention, region pooling, trunk and branches, top to bottom.

Shapes use ``d`` for depth-row-column (z, y, x) together.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REGIONS = ("core", "rim", "surround")


@dataclass(frozen=True)
class Design:
    """What a network is made of; see :class:`bench_zoo.spatial_mtl.method.SpatialMTL` for the meaning."""

    channels: int
    backbone: str
    widths: tuple[int, ...]
    attention: bool
    roi_weighting: bool
    regions: tuple[str, ...]
    hidden: int
    dropout: float
    skip: str = "fixed"
    feature_dropout: float = 0.0


class SpatialNetwork(nn.Module):
    """Outputs, shape (case, task): logits and standardised values, from crops and regions.

    Parameters
    ----------
    design
        What the network is made of.
    priors
        Output of each task before anything is learnt, as of a predictor that sees no case.
    """

    def __init__(self, design: Design, priors: tuple[float, ...]):
        super().__init__()
        self.regions = [REGIONS.index(name) for name in design.regions] if design.roi_weighting else []
        count = len(self.regions) or 1
        self.encoder: nn.Module = (
            CompactEncoder(design.channels, design.widths)
            if design.backbone == "compact"
            else VolumeBackbone(design.backbone, design.channels)
        )
        widths: tuple[int, ...] = self.encoder.widths  # type: ignore[assignment]
        self.attention = nn.ModuleList(SpatialAttention(width) for width in widths if design.attention)
        pooled = 2 * BANDS + 1 + 2 * sum(widths)
        self.nfixed = 2 * BANDS + 1
        self.feature_dropout = design.feature_dropout
        self.skip = design.skip
        self.trunk = RegionTrunk(count, pooled, design.hidden, design.dropout)
        n = self.nfixed if design.skip == 'fixed' else pooled
        self.linear = nn.Parameter(torch.zeros(len(priors), count, n))
        self.weights = nn.Parameter(torch.zeros(len(priors), count))
        self.branches = nn.ModuleList(
            Branch(count * design.hidden, design.hidden, design.dropout, prior) for prior in priors
        )

    def forward(self, images: Tensor, regions: Tensor) -> Tensor:
        """Outputs for crops (case, channel, z, y, x) and regions (case, 3, z, y, x), 0 or 1."""
        scales = self.encoder(images)
        return self.head(images, scales, self.attention_maps(scales), self.masks(images, regions))

    def attention_maps(self, scales: list[Tensor]) -> list[Tensor]:
        """Where to look at each scale, in [0, 1], shapes (case, 1, d); all ones without attention."""
        if not len(self.attention):
            return [torch.ones_like(scale[:, :1]) for scale in scales]
        return [attend(scale) for attend, scale in zip(self.attention, scales, strict=True)]

    def masks(self, images: Tensor, regions: Tensor) -> Tensor:
        """The regions in use, shape (case, region, z, y, x): the whole crop where they are switched off."""
        if not self.regions:
            return torch.ones_like(images[:, :1])
        return regions[:, self.regions].to(images.dtype)

    def head(self, images: Tensor, scales: list[Tensor], maps: list[Tensor], masks: Tensor) -> Tensor:
        """Outputs, shape (case, task), of the features that the encoder and the attention made."""
        pooled = [region_moments(bands(images[:, :1]), masks), region_volume(images[:, 1:2], masks)]
        for scale, attention in zip(scales, maps, strict=True):
            shares = F.adaptive_avg_pool3d(masks, scale.shape[2:])
            pooled.append(region_moments(scale, shares * attention))
        if self.feature_dropout and self.training:
            pooled = pooled[:2] + [F.dropout(p, self.feature_dropout, True) for p in pooled[2:]]
        hidden, normal = self.trunk(torch.cat(pooled, dim=2))  # (case, region, hidden)
        weights = self.region_weights()
        lin = torch.einsum("nrp,trp->nt", normal[:, :, : self.linear.shape[2]], self.linear) if self.skip else 0
        return lin + torch.cat(
            [branch((hidden * weights[task, :, None]).flatten(1)) for task, branch in enumerate(self.branches)],
            dim=1,
        )

    def relevance(self, images: Tensor, regions: Tensor) -> Tensor:
        """How much each voxel moved the outputs, non-negative, shape (case, z, y, x).

        Gradient times activation (as in HiResCAM, arXiv 2011.08891) of the image and of every scale's features,
        summed over channels; absolute values added over tasks and scales. Attention and region weights are part
        of the gradient, so a voxel that they leave out has none.
        """
        with torch.no_grad():
            scales = self.encoder(images)
            maps, masks = self.attention_maps(scales), self.masks(images, regions)
        leaves = [tensor.detach().requires_grad_() for tensor in (images, *scales)]
        outputs = self.head(leaves[0], leaves[1:], maps, masks)
        heat = torch.zeros_like(images[:, 0])
        for task in range(outputs.shape[1]):
            gradients = torch.autograd.grad(outputs[:, task].sum(), leaves, retain_graph=True)
            for leaf, gradient in zip(leaves, gradients, strict=True):
                coarse = (leaf.detach() * gradient).sum(dim=1, keepdim=True).abs()
                heat += F.interpolate(coarse, size=heat.shape[1:], mode="trilinear")[:, 0]
        return heat

    def region_weights(self) -> Tensor:
        """How much each task draws on each region, shape (task, region); mean 1 over the regions."""
        return torch.softmax(self.weights, dim=1) * self.weights.shape[1]


class SpatialAttention(nn.Module):
    """A map in [0, 1] from parallel receptive fields of 1, 3 and 5 voxels (the last by dilation)."""

    def __init__(self, width: int):
        super().__init__()
        inner = max(4, width // 16)
        self.squeeze = nn.Conv3d(width, inner, 1)
        self.fields = nn.ModuleList(
            [
                nn.Conv3d(inner, inner, 1),
                nn.Conv3d(inner, inner, 3, padding=1),
                nn.Conv3d(inner, inner, 3, padding=2, dilation=2),
            ]
        )
        self.merge = nn.Conv3d(3 * inner, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(case, width, d) -> (case, 1, d)."""
        narrow = F.relu(self.squeeze(features))
        seen = torch.cat([field(narrow) for field in self.fields], dim=1)
        return torch.sigmoid(self.merge(F.relu(seen)))


class RegionTrunk(nn.Module):
    """What all tasks share: normalises what each region's pooling found and mixes it, region by region."""

    def __init__(self, regions: int, pooled: int, hidden: int, dropout: float):
        super().__init__()
        self.norm = nn.BatchNorm1d(regions * pooled)
        self.mix = nn.Parameter(torch.empty(regions, pooled, hidden))
        self.bias = nn.Parameter(torch.zeros(regions, hidden))
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.mix, std=1 / math.sqrt(pooled))

    def forward(self, pooled: Tensor) -> Tensor:
        """(case, region, pooled) -> (case, region, hidden)."""
        normal = self.dropout(self.norm(pooled.flatten(1)).view_as(pooled))
        return F.relu(torch.einsum("nrp,rph->nrh", normal, self.mix) + self.bias), normal


class Branch(nn.Sequential):
    """One task's own layers; starts at the prior."""

    def __init__(self, inputs: int, hidden: int, dropout: float, prior: float):
        last = nn.Linear(hidden, 1)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, prior)
        super().__init__(nn.Dropout(dropout), nn.Linear(inputs, hidden), nn.ReLU(), last)


class CompactEncoder(nn.Module):
    """A few strided convolutions: features at 1/2, 1/4, 1/8 ... of the crop's resolution.

    Blocks of 2 x 2 x 2 voxels become channels first, so that no convolution runs at full resolution, where it
    costs ten times as much. Group normalisation never looks at other cases.
    """

    def __init__(self, channels: int, widths: tuple[int, ...]):
        super().__init__()
        self.widths = widths
        inputs = (8 * channels, *widths[:-1])
        strides = (1,) + (2,) * (len(widths) - 1)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(before, after, 3, stride=stride, padding=1, bias=False),
                nn.GroupNorm(math.gcd(8, after), after),
                nn.ReLU(inplace=True),
            )
            for before, after, stride in zip(inputs, widths, strides, strict=True)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """(case, channel, z, y, x) -> one (case, width, d) a scale, finest first."""
        features = space_to_depth(images)
        scales = []
        for stage in self.stages:
            features = stage(features)
            scales.append(features)
        return scales


class VolumeBackbone(nn.Module):
    """Features of any timm_3d model that offers ``features_only``, finest first."""

    def __init__(self, name: str, channels: int):
        super().__init__()
        self.model = _create_model(name, in_chans=channels, features_only=True, pretrained=False)
        self.widths = tuple(self.model.feature_info.channels())

    def forward(self, images: Tensor) -> list[Tensor]:
        """(case, channel, z, y, x) -> one (case, width, d) a scale, finest first."""
        return list(self.model(images))


class TaskNetworks(nn.Module):
    """A network of its own for every task: multi-task learning switched off."""

    def __init__(self, design: Design, priors: tuple[float, ...]):
        super().__init__()
        self.networks = nn.ModuleList(SpatialNetwork(design, (prior,)) for prior in priors)

    def forward(self, images: Tensor, regions: Tensor) -> Tensor:
        """Outputs, shape (case, task)."""
        return torch.cat([network(images, regions) for network in self.networks], dim=1)

    def relevance(self, images: Tensor, regions: Tensor) -> Tensor:
        """Sum of the networks' relevance, shape (case, z, y, x)."""
        return sum(network.relevance(images, regions) for network in self.networks)


class FlipAveraged(nn.Module):
    """Mean output over a crop and its three mirror images: four views of a case cost no training."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, regions: Tensor) -> Tensor:
        """Outputs, shape (case, task)."""
        views = [self.network(images.flip(axes), regions.flip(axes)) for axes in ((), (2,), (3,), (4,))]
        return torch.stack(views).mean(dim=0)


def region_moments(features: Tensor, shares: Tensor) -> Tensor:
    """Mean and standard deviation of every feature over every region.

    Parameters
    ----------
    features
        Shape (case, width, d).
    shares
        Weight of each voxel in each region, non-negative, shape (case, region, d).

    Returns
    -------
    Tensor
        Shape (case, region, 2 width): means, then deviations; 0 in a region without a voxel.
    """
    values = features.flatten(2).transpose(1, 2)  # (case, voxel, width)
    shares = shares.flatten(2)  # (case, region, voxel)
    shares = shares / shares.sum(dim=2, keepdim=True).clamp_min(1e-6)
    mean = shares @ values
    # Two passes would need the deviations of every voxel from every region's mean in memory.
    variance = (shares @ values.square() - mean.square()).clamp_min(0)
    # The square root has no finite slope at 0.
    return torch.cat([mean, (variance + 1e-4).sqrt() - 1e-2], dim=2)


BANDS = 4


@torch.no_grad()
def bands(image):
    smooth = F.avg_pool3d(F.pad(image, (1,) * 6, mode="replicate"), 3, stride=1)
    d = [((smooth.roll(-1, a) - smooth.roll(1, a)) / 2).square() for a in (2, 3, 4)]
    grad = (d[0] + d[1] + d[2] + 1e-8).sqrt()
    return torch.cat([image, smooth, image - smooth, grad], 1)


def region_volume(mask: Tensor, masks: Tensor) -> Tensor:
    """Logarithm of each region's voxel count plus one, shape (case, region, 1).

    Where the crop's second channel is the lesion mask and the regions are switched off, of the lesion's.
    """
    if masks.shape[1] == 1 and mask.shape[1] == 1:
        masks = mask
    return torch.log1p(masks.flatten(2).sum(dim=2, keepdim=True))


def space_to_depth(images: Tensor) -> Tensor:
    """(case, channel, z, y, x) -> (case, 8 channel, z/2, y/2, x/2); an odd edge is padded with its end."""
    odd = [size % 2 for size in images.shape[:1:-1]]
    if any(odd):
        images = F.pad(images, [side for edge in odd for side in (0, edge)], mode="replicate")
    n, c, z, y, x = images.shape
    blocks = images.view(n, c, z // 2, 2, y // 2, 2, x // 2, 2).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return blocks.reshape(n, 8 * c, z // 2, y // 2, x // 2)


def _create_model(name: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        # timm calls torch.jit.script while it is imported, which torch deprecates.
        warnings.simplefilter("ignore")
        import timm_3d

        return timm_3d.create_model(name, **options)
