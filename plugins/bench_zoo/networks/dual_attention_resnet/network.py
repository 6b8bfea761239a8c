"""The network: residual blocks with channel and spatial attention, global average, branches."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.torch_parts.convolutions import conv_block
from bench_zoo.torch_parts.encoders import SpaceToDepth
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.readout import Readout


class DualAttentionNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops.

    Parameters
    ----------
    channels, widths
        Channels of a crop, and of the blocks, each half the resolution of the one before.
    reduction
        See ``DualAttentionResNet``.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self,
        channels: int,
        widths: Sequence[int],
        reduction: int,
        hidden: int,
        dropout: float,
        priors: Sequence[float],
    ):
        super().__init__()
        pairs = zip((8 * channels, *widths[:-1]), widths, strict=True)
        blocks = [
            AttentiveBlock(before, after, reduction, stride=2 if at else 1)
            for at, (before, after) in enumerate(pairs)
        ]
        self.encoder = nn.Sequential(SpaceToDepth(), *blocks)
        self.readout = Readout(widths[-1], hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        features = self.encoder(images)  # blocks at 1/2, 1/4, 1/8 ... of the crop's resolution
        outputs: Tensor = self.readout(features.mean(dim=(2, 3, 4)))
        return outputs


class AttentiveBlock(nn.Module):
    """Two convolutions, channel attention, spatial attention, and a skip."""

    def __init__(self, before: int, after: int, reduction: int, stride: int):
        super().__init__()
        self.layers = nn.Sequential(conv_block(3, before, after, stride), conv_block(3, after, after))
        inner = max(2, after // reduction)
        self.channels = nn.Sequential(nn.Linear(after, inner), nn.ReLU(), nn.Linear(inner, after))
        self.space = nn.Conv3d(2, 1, 3, padding=1)
        self.skip = nn.Conv3d(before, after, 1, stride=stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(case, before, d) -> (case, after, d / stride)."""
        found = self.layers(features)
        average, largest = found.mean(dim=(2, 3, 4)), found.amax(dim=(2, 3, 4))
        weights = torch.sigmoid(self.channels(average) + self.channels(largest))  # (case, after)
        found = found * weights[:, :, None, None, None]
        across = torch.cat([found.mean(dim=1, keepdim=True), found.amax(dim=1, keepdim=True)], dim=1)
        return F.relu(found * torch.sigmoid(self.space(across)) + self.skip(features))
