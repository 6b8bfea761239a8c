"""The network: two streams with a spatial attention each, joined, branches."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.torch_parts.encoders import compact_encoder
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.readout import Readout

# The stage behind which features are weighted, from 0.
WEIGHTED = 1


class TwoStreamNetwork(TasksNetwork):
    """Outputs, shape (case, task); in training with the attention's squared error as last column.

    Parameters
    ----------
    channels, widths
        Channels of a crop, and of the stages of each stream, at least two.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self, channels: int, widths: Sequence[int], hidden: int, dropout: float, priors: Sequence[float]
    ):
        super().__init__()
        self.streams = nn.ModuleList(Stream(channels, widths) for _ in range(2))
        self.readout = Readout(2 * widths[-1], hidden, dropout, priors)

    def forward(self, images: Tensor, structures: Tensor) -> Tensor:
        """(case, channel, z, y, x), loops and voids (case, 2, z, y, x) -> (case, task).

        Structures are used in training alone.
        """
        vectors, maps = zip(*(stream(images) for stream in self.streams), strict=True)
        outputs: Tensor = self.readout(torch.cat(vectors, dim=1))
        if not self.training:
            return outputs
        attention = torch.cat(maps, dim=1)  # (case, 2, d)
        wanted = F.adaptive_max_pool3d(structures.to(attention.dtype), attention.shape[2:])
        error = (attention - wanted).square().flatten(1).mean(dim=1, keepdim=True)
        return torch.cat([outputs, error], dim=1)


class Stream(nn.Module):
    """Strided convolutions, with features weighted voxel by voxel behind the second."""

    def __init__(self, channels: int, widths: Sequence[int]):
        super().__init__()
        self.stages = compact_encoder(channels, widths).stages
        self.attention = nn.Conv3d(widths[WEIGHTED], 1, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(case, channel, z, y, x) -> pooled features (case, last width), attention (case, 1, d / 4)."""
        features = images
        for at, stage in enumerate(self.stages):
            features = stage(features)
            if at == WEIGHTED:
                weights = torch.sigmoid(self.attention(features))
                features = features * weights
        return features.mean(dim=(2, 3, 4)), weights
