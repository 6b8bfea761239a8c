"""The network: stages of shifted-window attention, average of the last, branches."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.readout import Readout
from bench_zoo.torch_parts.swin import SwinDesign, swin_encoder


class Swin3DNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops.

    Parameters
    ----------
    channels
        Of a crop.
    design
        Width, depths, heads and window; see :func:`bench_zoo.torch_parts.swin.swin_encoder`.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self, channels: int, design: SwinDesign, hidden: int, dropout: float, priors: Sequence[float]
    ):
        super().__init__()
        self.encoder = swin_encoder(channels, *design)
        self.readout = Readout(self.encoder.widths[-1], hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        last = self.encoder(images)[-1]  # (case, width x 2^stages, d / 2^(stages + 1))
        last = F.layer_norm(last.movedim(1, -1), last.shape[1:2])  # as before a classifier of the source
        outputs: Tensor = self.readout(last.mean(dim=(1, 2, 3)))
        return outputs
