"""A 3D shifted-window transformer (Liu et al., arXiv 2103.14030) as a classifier.

Taken over: patches of 2 x 2 x 2 voxels, attention within windows shifted in every second block, merging
between stages, as MONAI's SWIN-UNETR builds them, and the average of the last stage. Left open for such a use
and chosen here: losses, training and augmentation, which are those of all networks here. Changed for this
input: two stages of 16 and 32 channels, windows of 4 tokens, voxels of 2.5 mm and 14 epochs, so that a fold
fits a CPU; the preset ``swin3d`` has the four stages of SWIN-UNETR, of two blocks each, from 48 channels. No
pretrained weights, no reproduction of published numbers.
"""

from dataclasses import dataclass
from typing import ClassVar

from bench_zoo.networks.swin3d.network import Swin3DNetwork
from bench_zoo.torch_parts.designed import DesignedNetwork


@dataclass
class Swin3D(DesignedNetwork):
    """A 3D shifted-window transformer, a branch a task.

    Parameters
    ----------
    width
        Channels of the first stage; each further one has twice as many.
    depths, heads
        Blocks and attention heads of each stage.
    window
        Edge of a window, in tokens.
    """

    widths: ClassVar[tuple[int, ...]] = ()  # type: ignore[misc]
    width: int = 16
    depths: tuple[int, ...] = (2, 2)
    heads: tuple[int, ...] = (1, 2)
    window: int = 4
    spacing_mm: float = 2.5
    epochs: int = 14

    def _network(self, priors: list[float]) -> Swin3DNetwork:
        channels = len(self._crop().channels)
        design = (self.width, self.depths, self.heads, self.window)
        return Swin3DNetwork(channels, design, self.hidden, self.dropout, priors)
