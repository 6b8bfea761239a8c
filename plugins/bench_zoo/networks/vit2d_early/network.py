"""The network: one slice through a vision transformer, branches."""

from collections.abc import Sequence

from torch import Tensor, nn

from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.planes import largest_slices
from bench_zoo.torch_parts.readout import Readout

AXIAL = (2,)


class SliceNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops.

    Parameters
    ----------
    encoder, width
        (picture, channel, row, column) -> (picture, width).
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(self, encoder: nn.Module, width: int, hidden: int, dropout: float, priors: Sequence[float]):
        super().__init__()
        self.encoder = encoder
        self.readout = Readout(width, hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        slices = largest_slices(images, neighbours=0, axes=AXIAL)[:, 0]  # (case, channel, row, column)
        edge = slices.shape[-1] - slices.shape[-1] % self.encoder.patch_embed.patch_size[0]
        outputs: Tensor = self.readout(self.encoder(slices[..., :edge, :edge]))
        return outputs
