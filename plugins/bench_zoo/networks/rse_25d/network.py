"""The network: residual squeeze-excitation blocks in two dimensions, planes averaged, branches."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.torch_parts.convolutions import conv_block
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.planes import largest_slices
from bench_zoo.torch_parts.readout import Readout


class SlicesNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops.

    Parameters
    ----------
    channels, neighbours
        Channels of a picture, and slices on either side of the largest.
    widths, squeeze
        Channels of the blocks, each half the resolution of the one before; see ``RSE25D``.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self,
        channels: int,
        neighbours: int,
        widths: Sequence[int],
        squeeze: int,
        hidden: int,
        dropout: float,
        priors: Sequence[float],
    ):
        super().__init__()
        self.neighbours = neighbours
        pairs = zip((channels, *widths[:-1]), widths, strict=True)
        self.blocks = nn.Sequential(*(ResidualSqueeze(before, after, squeeze) for before, after in pairs))
        self.readout = Readout(2 * widths[-1], hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        pictures = largest_slices(images, self.neighbours)  # (case, plane, slice x channel, row, column)
        features = self.blocks(pictures.flatten(0, 1)).flatten(2)  # (case x plane, width, pixel)
        moments = torch.cat([features.mean(dim=2), features.std(dim=2, correction=0)], dim=1)
        outputs: Tensor = self.readout(moments.unflatten(0, pictures.shape[:2]).mean(dim=1))
        return outputs


class ResidualSqueeze(nn.Module):
    """Two convolutions, squeeze-excitation of channels (Hu et al., arXiv 1709.01507), and a skip."""

    def __init__(self, before: int, after: int, squeeze: int):
        super().__init__()
        self.layers = nn.Sequential(conv_block(2, before, after, stride=2), conv_block(2, after, after))
        self.excite = nn.Sequential(
            nn.Linear(after, after // squeeze), nn.ReLU(), nn.Linear(after // squeeze, after), nn.Sigmoid()
        )
        self.skip = nn.Conv2d(before, after, 1, stride=2, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(picture, before, row, column) -> (picture, after, row / 2, column / 2)."""
        found = self.layers(features)
        weights = self.excite(found.mean(dim=(2, 3)))[:, :, None, None]
        return F.relu(found * weights + self.skip(features))
