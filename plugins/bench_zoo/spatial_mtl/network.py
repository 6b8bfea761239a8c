"""The network: encoder, spatial attention, region pooling, trunk and branches, top to bottom.

In shapes, ``d`` stands for the three spatial axes (z, y, x) at a scale's own resolution.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REGIONS = ("core", "rim", "surround")
BANDS = 5
# Intensity and mask are what the encoder sees; the signed distance only says where layers lie.
SEEN = 2
# Share of its region's weight that a layer adds to its own: an empty layer shows its region's moments.
LEAK = 1e-3


@dataclass(frozen=True)
class Design:
    """What a network is made of; :class:`bench_zoo.spatial_mtl.method.SpatialMTL` says what it means."""

    backbone: str
    widths: tuple[int, ...]
    attention: bool
    roi_weighting: bool
    regions: tuple[str, ...]
    layers: int
    pooled: int
    hidden: int
    dropout: float


class SpatialNetwork(nn.Module):
    """Outputs, shape (case, task), from crops and regions: logits, or values on a standardised scale.

    Parameters
    ----------
    design
        What the network is made of.
    priors
        Output of each task before anything is learnt: that of a predictor that sees no case.
    """

    def __init__(self, design: Design, priors: tuple[float, ...]):
        super().__init__()
        self.regions = region_indices(design.regions) if design.roi_weighting else []
        self.layers = design.layers if self.regions else 1
        count = len(self.regions) or 1
        self.encoder: nn.Module = (
            CompactEncoder(SEEN, design.widths)
            if design.backbone == "compact"
            else VolumeBackbone(design.backbone, SEEN)
        )
        widths: tuple[int, ...] = self.encoder.widths  # type: ignore[assignment]
        self.attention = nn.ModuleList(SpatialAttention(width) for width in widths if design.attention)
        # Few cases cannot tell hundreds of pooled features apart: each scale hands on a few mixtures.
        self.mixtures = nn.ModuleList(nn.Conv3d(width, design.pooled, 1) for width in widths)
        # Mean and deviation of each band in each layer, and the volume.
        self.fixed = self.layers * 2 * BANDS + 1
        pooled = self.fixed + 2 * design.pooled * len(widths)
        self.norm = nn.BatchNorm1d(count * pooled)
        self.trunk = RegionTrunk(count, pooled, design.hidden, design.dropout)
        self.region_logits = nn.Parameter(torch.zeros(len(priors), count))
        self.branches = nn.ModuleList(
            Branch(count * design.hidden, count * self.fixed, design.hidden, design.dropout, prior)
            for prior in priors
        )

    def forward(self, images: Tensor, regions: Tensor) -> Tensor:
        """Outputs, shape (case, task).

        Parameters
        ----------
        images
            Intensity, mask and signed distance to the boundary in mm, shape (case, 3, z, y, x).
        regions
            Core, rim and surround, shape (case, 3, z, y, x).
        """
        scales = self.encoder(images[:, :SEEN])
        return self.head(images, scales, self.attention_maps(scales), self.masks(images, regions))

    def attention_maps(self, scales: list[Tensor]) -> list[Tensor]:
        """Where to look at each scale, in [0, 1], shapes (case, 1, d); all ones without attention."""
        if not len(self.attention):
            return [torch.ones_like(scale[:, :1]) for scale in scales]
        return [attend(scale) for attend, scale in zip(self.attention, scales, strict=True)]

    def masks(self, images: Tensor, regions: Tensor) -> Tensor:
        """The regions in use, shape (case, region, z, y, x): the whole crop where they are switched off."""
        return regions[:, self.regions].to(images.dtype) if self.regions else torch.ones_like(images[:, :1])

    def head(self, images: Tensor, scales: list[Tensor], maps: list[Tensor], masks: Tensor) -> Tensor:
        """Outputs, shape (case, task), of the features that the encoder and the attention made."""
        extents = masks if self.regions else images[:, 1:2]
        pooled = [self.layer_moments(images, masks), log_volume(extents)]
        for scale, mix, attention in zip(scales, self.mixtures, maps, strict=True):
            shares = F.adaptive_avg_pool3d(masks, scale.shape[2:])
            pooled.append(region_moments(mix(scale), shares * attention))
        features = torch.cat(pooled, dim=2)  # (case, region, pooled)
        features = self.norm(features.flatten(1)).view_as(features)
        shared = self.trunk(features)  # (case, region, hidden)
        weights = self.region_weights()[:, None, :, None]  # (task, 1, region, 1)
        outputs = [
            branch((weight * shared).flatten(1), (weight * features[:, :, : self.fixed]).flatten(1))
            for branch, weight in zip(self.branches, weights, strict=True)
        ]
        return torch.cat(outputs, dim=1)

    def layer_moments(self, images: Tensor, masks: Tensor) -> Tensor:
        """Moments of the fixed maps in every layer of every region, (case, region, layers x 2 BANDS)."""
        layered = depth_layers(images[:, 2:3], masks, self.layers)  # (case, region, layer, z, y, x)
        moments = region_moments(image_bands(images[:, :1]), layered.flatten(1, 2))
        return moments.unflatten(1, layered.shape[1:3]).flatten(2)

    def region_weights(self) -> Tensor:
        """How much each task draws on each region, shape (task, region), at least 0, mean 1 over regions."""
        return torch.softmax(self.region_logits, dim=1) * self.region_logits.shape[1]

    def relevance(self, images: Tensor, regions: Tensor) -> Tensor:
        """How much each voxel moved the outputs, non-negative, shape (case, z, y, x).

        Gradient times activation (as HiResCAM, arXiv 2011.08891) of the image and of every scale's features,
        summed over channels; absolute values are added over tasks and scales. Attention and region weights
        are part of the gradient, so a voxel that they leave out has none.
        """
        with torch.no_grad():
            scales = self.encoder(images[:, :SEEN])
            maps, masks = self.attention_maps(scales), self.masks(images, regions)
        leaves = [tensor.detach().requires_grad_() for tensor in (images[:, :1], *scales)]
        whole = torch.cat([leaves[0], images[:, 1:]], dim=1)
        outputs = self.head(whole, leaves[1:], maps, masks)
        heat = torch.zeros_like(images[:, 0])
        for task in range(outputs.shape[1]):
            gradients = torch.autograd.grad(outputs[:, task].sum(), leaves, retain_graph=True)
            for leaf, gradient in zip(leaves, gradients, strict=True):
                coarse = (leaf.detach() * gradient).sum(dim=1, keepdim=True).abs()
                heat += F.interpolate(coarse, size=heat.shape[1:], mode="trilinear")[:, 0]
        return heat


class CompactEncoder(nn.Module):
    """A few strided convolutions: features at 1/2, 1/4, 1/8 ... of the crop's resolution.

    Blocks of 2 x 2 x 2 voxels become channels first, so that no convolution runs at full resolution, where
    it costs ten times as much. Group normalisation never looks at another case.
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


class SpatialAttention(nn.Module):
    """One map in [0, 1] from parallel receptive fields of 1, 3 and 5 voxels, the last by dilation."""

    def __init__(self, width: int):
        super().__init__()
        # Narrow, or three convolutions would cost more than the encoder's own.
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


class Branch(nn.Module):
    """One task's own layers, and a linear path from the image statistics; starts at the task's prior."""

    def __init__(self, shared: int, fixed: int, hidden: int, dropout: float, prior: float):
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(shared, hidden), nn.ReLU())
        self.last = nn.Linear(hidden, 1)
        self.direct = nn.Linear(fixed, 1, bias=False)
        for weight in (self.last.weight, self.direct.weight):
            nn.init.zeros_(weight)
        nn.init.constant_(self.last.bias, prior)

    def forward(self, shared: Tensor, fixed: Tensor) -> Tensor:
        """(case, shared), (case, fixed) -> (case, 1)."""
        return self.last(self.layers(shared)) + self.direct(fixed)


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
        return torch.stack([network.relevance(images, regions) for network in self.networks]).sum(dim=0)


class FlipAveraged(nn.Module):
    """Mean output over a crop and its three mirror images: more views of a case, and no training."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, regions: Tensor) -> Tensor:
        """Outputs, shape (case, task)."""
        views = [self.network(images.flip(axes), regions.flip(axes)) for axes in ((), (2,), (3,), (4,))]
        return torch.stack(views).mean(dim=0)


def region_indices(names: tuple[str, ...]) -> list[int]:
    """Places of the named regions in ``REGIONS``; raises ValueError for an unknown name or none."""
    unknown = [name for name in names if name not in REGIONS]
    if unknown or not names:
        raise ValueError(
            f"spatial_mtl: regions must be among {REGIONS}, got {names}; without: roi_weighting = false"
        )
    return [REGIONS.index(name) for name in names]


def image_bands(image: Tensor) -> Tensor:
    """Fixed maps of the image whose regional moments say how bright, how uneven and how finely so.

    Intensity; mean over 3 x 3 x 3 voxels; what is left of the intensity without it; gradient magnitude of the
    mean; what is left of the mean without its own mean. Shape (case, 1, z, y, x) -> (case, 5, z, y, x).
    """
    mean = F.avg_pool3d(_padded(image), 3, stride=1)
    wide = _padded(mean)
    slopes = [
        (wide[:, :, 2:, 1:-1, 1:-1] - wide[:, :, :-2, 1:-1, 1:-1]) / 2,
        (wide[:, :, 1:-1, 2:, 1:-1] - wide[:, :, 1:-1, :-2, 1:-1]) / 2,
        (wide[:, :, 1:-1, 1:-1, 2:] - wide[:, :, 1:-1, 1:-1, :-2]) / 2,
    ]
    # The square root has no finite slope at 0.
    gradient = (slopes[0].square() + slopes[1].square() + slopes[2].square() + 1e-8).sqrt()
    coarse = mean - F.avg_pool3d(wide, 3, stride=1)
    return torch.cat([image, mean, image - mean, gradient, coarse], dim=1)


def depth_layers(distance: Tensor, masks: Tensor, layers: int) -> Tensor:
    """Cut every region into layers of equal thickness between its least and its greatest depth in that case.

    What distinguishes lesions is often a profile across the boundary (a bright rim, an enhancement that
    fades), which the mean over a region hides.

    Parameters
    ----------
    distance
        Signed distance to the lesion's boundary, shape (case, 1, z, y, x).
    masks
        Regions, shape (case, region, z, y, x).
    layers
        How many, at least 1.

    Returns
    -------
    Tensor
        Weights, shape (case, region, layer, z, y, x): 1 in the layer, and a thousandth in all of its region,
        so that a layer without a voxel shows what its region shows.
    """
    if layers == 1:
        return masks[:, :, None]
    far = torch.full_like(distance, 1e4)
    least = torch.where(masks > 0, distance, far).amin(dim=(2, 3, 4), keepdim=True)
    most = torch.where(masks > 0, distance, -far).amax(dim=(2, 3, 4), keepdim=True)
    # A region without a voxel has no depth: its thickness is taken as anything above 0.
    thickness = ((most - least) / layers).clamp_min(1e-3)
    place = ((distance - least) / thickness).floor().clamp(0, layers - 1)  # (case, region, z, y, x)
    numbers = torch.arange(layers, device=masks.device).view(-1, 1, 1, 1)
    inside = (place[:, :, None] == numbers) * masks[:, :, None]
    return inside + LEAK * masks[:, :, None]


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
    # Deviations from each region's own mean would be kept for every voxel and region; this way they are not.
    variance = (shares @ values.square() - mean.square()).clamp_min(0)
    # The square root has no finite slope at 0.
    return torch.cat([mean, (variance + 1e-4).sqrt() - 1e-2], dim=2)


def log_volume(masks: Tensor) -> Tensor:
    """Logarithm of one plus each region's voxel count: (case, region, z, y, x) -> (case, region, 1)."""
    return torch.log1p(masks.flatten(2).sum(dim=2, keepdim=True))


def space_to_depth(images: Tensor) -> Tensor:
    """(case, channel, z, y, x) -> (case, 8 channel, z/2, y/2, x/2); an odd edge repeats its last plane."""
    odd = [size % 2 for size in images.shape[:1:-1]]
    if any(odd):
        images = F.pad(images, [side for edge in odd for side in (0, edge)], mode="replicate")
    n, c, z, y, x = images.shape
    blocks = images.view(n, c, z // 2, 2, y // 2, 2, x // 2, 2).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return blocks.reshape(n, 8 * c, z // 2, y // 2, x // 2)


def _padded(image: Tensor) -> Tensor:
    return F.pad(image, (1,) * 6, mode="replicate")


def _create_model(name: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        # timm calls torch.jit.script while it is imported, which torch deprecates.
        warnings.simplefilter("ignore")
        import timm_3d

        return timm_3d.create_model(name, **options)
