"""The network: dense blocks of MONAI in 3D, and branches."""

from collections.abc import Sequence

from torch import Tensor, nn

from bench_zoo.torch_parts.encoders import SpaceToDepth
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.monai_parts import monai_part
from bench_zoo.torch_parts.readout import Readout

DENSENET = "networks.nets.densenet"
# Four layers' worth of channels in a bottleneck, and half the channels behind a block, as in the source.
BOTTLENECK = 4


class DenseNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops.

    Parameters
    ----------
    channels
        Of a crop.
    blocks, growth, stem
        Layers of each block, channels that each adds, and channels of the first.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self,
        channels: int,
        blocks: Sequence[int],
        growth: int,
        stem: int,
        hidden: int,
        dropout: float,
        priors: Sequence[float],
    ):
        super().__init__()
        block, transition = monai_part(DENSENET, "_DenseBlock"), monai_part(DENSENET, "_Transition")
        width = stem
        stages: list[nn.Module] = [SpaceToDepth(), nn.Conv3d(8 * channels, stem, 3, padding=1, bias=False)]
        for at, layers in enumerate(blocks):
            if at:
                stages.append(transition(3, width, width // 2))
                width //= 2
            stages.append(block(3, layers, width, BOTTLENECK, growth, dropout_prob=0.0))
            width += layers * growth
        self.encoder = nn.Sequential(*stages, nn.BatchNorm3d(width), nn.ReLU(inplace=True))
        self.readout = Readout(width, hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        features = self.encoder(images)  # blocks at 1/2, 1/4, 1/8 ... of the crop's resolution
        outputs: Tensor = self.readout(features.mean(dim=(2, 3, 4)))
        return outputs
