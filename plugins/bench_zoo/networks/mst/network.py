"""The network: slices one by one through a vision transformer, one attention layer over slices, branches."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench_zoo.torch_parts.attention import TransformerLayer
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.readout import Readout


class SlicesTransformer(TasksNetwork):
    """Outputs, shape (case, task), from crops.

    Parameters
    ----------
    encoder, width
        (picture, channel, row, column) -> (picture, width).
    heads
        Heads of the attention between slices.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self,
        encoder: nn.Module,
        width: int,
        heads: int,
        hidden: int,
        dropout: float,
        priors: Sequence[float],
    ):
        super().__init__()
        self.encoder = encoder
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.between = TransformerLayer(width, heads, dropout, factor=1.0, rotary=True)
        self.norm = nn.LayerNorm(width)
        self.readout = Readout(width, hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        edge = images.shape[-1] - images.shape[-1] % self.encoder.patch_embed.patch_size[0]
        slices = images.transpose(1, 2)[..., :edge, :edge]  # (case, slice, channel, row, column)
        vectors = self.encoder(slices.flatten(0, 1)).unflatten(0, slices.shape[:2])  # (case, slice, width)
        tokens = torch.cat([vectors, self.token.expand(len(vectors), -1, -1)], dim=1)
        outputs: Tensor = self.readout(self.norm(self.between(tokens)[:, -1]))
        return outputs
