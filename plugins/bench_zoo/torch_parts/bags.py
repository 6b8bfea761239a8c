"""Bags: a crop as many small patches, each embedded by itself."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench_zoo.torch_parts.encoders import compact_encoder


def patches(images: Tensor, edge: int, stride: int) -> Tensor:
    """Cubes of ``edge`` voxels: (case, channel, z, y, x) -> (case, place, channel, edge, edge, edge).

    Places are ordered along z, then y, then x; voxels behind the last whole cube are left out.

    Raises
    ------
    ValueError
        The crop is smaller than a patch.
    """
    if min(images.shape[2:]) < edge:
        raise ValueError(
            f"patches of {edge} voxels do not fit into crops of {tuple(images.shape[2:])}: lower patch"
        )
    for axis in (2, 3, 4):
        images = images.unfold(axis, edge, stride)  # (case, channel, places z, y, x, e ...)
    return images.permute(0, 2, 3, 4, 1, 5, 6, 7).flatten(1, 3)


def places(shape: Sequence[int], edge: int, stride: int) -> tuple[int, int, int]:
    """How many patches there are along z, y and x."""
    z, y, x = (1 + (size - edge) // stride for size in shape)
    return z, y, x


def instances_of(regions: Tensor, edge: int, stride: int) -> Tensor:
    """Which patches show the lesion or the peritumoural region, bool, shape (case, place).

    A patch counts where at least a quarter of its voxels are core, rim or surround; a case without such a
    patch has the one with most of them.

    Parameters
    ----------
    regions
        Core, rim and surround, shape (case, 3, z, y, x).
    """
    near = regions.any(dim=1, keepdim=True).float()
    share = patches(near, edge, stride).flatten(2).mean(dim=2)  # (case, place)
    return share >= share.amax(dim=1, keepdim=True).clamp_max(0.25)


class PatchEmbedder(nn.Module):
    """Mean and deviation, over a patch, of what a compact encoder finds in it.

    Parameters
    ----------
    channels, widths
        Channels of a patch, and of the encoder's stages.
    width
        Width of an embedding.
    """

    def __init__(self, channels: int, widths: Sequence[int], width: int):
        super().__init__()
        self.encoder = compact_encoder(channels, widths)
        self.project = nn.Sequential(nn.Linear(2 * widths[-1], width), nn.LayerNorm(width), nn.ReLU())

    def forward(self, bags: Tensor) -> Tensor:
        """(case, place, channel, e, e, e) -> (case, place, width)."""
        features = self.encoder(bags.flatten(0, 1))[-1].flatten(2)  # (case x place, width, voxel)
        moments = torch.cat([features.mean(dim=2), features.var(dim=2, correction=0)], dim=1)
        embedded: Tensor = self.project(moments)
        return embedded.unflatten(0, bags.shape[:2])
