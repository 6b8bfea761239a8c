"""The network: ResNet-18 of MONAI in 3D, and branches."""

from collections.abc import Sequence

from torch import Tensor

from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.monai_parts import monai_part
from bench_zoo.torch_parts.readout import Readout

BLOCKS = [2, 2, 2, 2]


class ResNet18Network(TasksNetwork):
    """Outputs, shape (case, task), from crops.

    Parameters
    ----------
    channels, widths
        Channels of a crop, and of the four stages.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self, channels: int, widths: Sequence[int], hidden: int, dropout: float, priors: Sequence[float]
    ):
        super().__init__()
        self.encoder = monai_part("networks.nets.resnet", "ResNet")(
            "basic",
            BLOCKS,
            list(widths),
            n_input_channels=channels,
            conv1_t_size=3,
            conv1_t_stride=2,
            no_max_pool=True,
            feed_forward=False,
            bias_downsample=False,
        )
        self.readout = Readout(widths[-1], hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        pooled = self.encoder(images)  # stages at 1/2, 1/4, 1/8, 1/16; (case, last width)
        outputs: Tensor = self.readout(pooled)
        return outputs
