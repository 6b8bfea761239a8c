"""The network of ``carenet_dual``: a fine and a coarse path on every slice, outputs averaged over slices."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.torch_parts.convolutions import conv_block
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.planes import slices_through
from bench_zoo.torch_parts.readout import Readout


class DualPathNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops.

    Parameters
    ----------
    channels, slices
        Channels of a crop, and slices that are read of each.
    coarse, widths
        See ``CaReNetDual``.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self,
        channels: int,
        slices: int,
        coarse: int,
        widths: Sequence[int],
        hidden: int,
        dropout: float,
        priors: Sequence[float],
    ):
        super().__init__()
        self.slices, self.coarse = slices, coarse
        self.fine_path = path(channels, widths, stride=2)
        self.coarse_path = path(channels, widths, stride=1)
        self.readout = Readout(4 * widths[-1], hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        pictures = slices_through(images, self.slices)  # (case, slice, channel, row, column)
        flat = pictures.flatten(0, 1)
        fine = moments(self.fine_path(flat))  # (case x slice, 2 width)
        coarse = moments(self.coarse_path(F.avg_pool2d(flat, self.coarse)))
        outputs = self.readout(torch.cat([fine, coarse], dim=1))
        return outputs.unflatten(0, pictures.shape[:2]).mean(dim=1)


def path(channels: int, widths: Sequence[int], stride: int) -> nn.Sequential:
    """Convolutions of the given stride, (picture, channel, row, column) -> (picture, last width, d)."""
    pairs = zip((channels, *widths[:-1]), widths, strict=True)
    return nn.Sequential(*(conv_block(2, before, after, stride) for before, after in pairs))


def moments(features: Tensor) -> Tensor:
    """Mean and deviation over the pixels, (picture, width, row, column) -> (picture, 2 width)."""
    flat = features.flatten(2)
    # The square root has no finite slope at 0.
    return torch.cat([flat.mean(dim=2), (flat.var(dim=2, correction=0) + 1e-4).sqrt()], dim=1)
