"""From maps to numbers: regions, their moments and volumes; ``d`` stands for z, y, x at a scale."""

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.imaging.regions import REGIONS


def region_indices(names: tuple[str, ...]) -> list[int]:
    """Places of the named regions in ``REGIONS``; raises ValueError for an unknown name or none."""
    unknown = [name for name in names if name not in REGIONS]
    if unknown or not names:
        raise ValueError(f"regions must be among {REGIONS}, got {names}; without: roi_weighting = false")
    return [REGIONS.index(name) for name in names]


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
    values = features.flatten(2)  # (case, width, voxel)
    shares = shares.flatten(2)  # (case, region, voxel)
    shares = shares / shares.sum(dim=2, keepdim=True).clamp_min(1e-6)
    # Deviations from each region's own mean would be kept for every voxel and region; this way they are not.
    sums = shares @ torch.cat([values, values.square()], dim=1).transpose(1, 2)
    mean, square = sums.chunk(2, dim=2)
    variance = (square - mean.square()).clamp_min(0)
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
