"""DenseNet-121 in 3D (Huang et al., arXiv 1608.06993); a Ki-67 paper (10.3389/fonc.2026.1776121) uses one.

Taken over: dense blocks with bottlenecks and halving transitions, as MONAI builds them, and global average
pooling. The Ki-67 paper feeds several phases and hands the features to boosted trees; this is the
single-phase row with a branch a task. What it leaves open (crop, losses, training, augmentation) is that of
all networks here. Changed for this input: blocks of 2 x 2 x 2 voxels become channels instead of a strided
convolution and max pooling, because a crop has 20 voxels an edge; two channels, intensity and lesion mask.
The default has three blocks of 2, 4 and 6 layers that grow by 8 channels, far fewer than 121 layers, so that
a fold fits a CPU; the preset ``densenet121_3d`` has the source's 6, 12, 24 and 16 layers that grow by 32. No
pretrained weights, no reproduction of published numbers.
"""

from dataclasses import dataclass
from typing import ClassVar

from bench_zoo.networks.densenet121_3d.network import DenseNetwork
from bench_zoo.torch_parts.designed import DesignedNetwork


@dataclass
class DenseNet121(DesignedNetwork):
    """A 3D DenseNet, a branch a task.

    Parameters
    ----------
    blocks
        Layers of each dense block.
    growth, stem
        Channels that a layer adds, and that the first block is handed.
    """

    widths: ClassVar[tuple[int, ...]] = ()  # type: ignore[misc]
    blocks: tuple[int, ...] = (2, 4, 6)
    growth: int = 8
    stem: int = 16
    epochs: int = 16

    def _network(self, priors: list[float]) -> DenseNetwork:
        channels = len(self._crop().channels)
        return DenseNetwork(channels, self.blocks, self.growth, self.stem, self.hidden, self.dropout, priors)
