"""ResNet-18 in 3D (He et al., arXiv 1512.03385), as papers on habitats and Ki-67 use it.

Taken over: four stages of two basic blocks each, as MONAI builds them, and global average pooling. Left open
by those papers and chosen here: crop, losses, training and augmentation, which are those of all networks
here. Changed for this input: a stem of 3 voxels and stride 2 without max pooling, because a crop has 20
voxels an edge where ImageNet has 224; two channels, intensity and lesion mask; channels 8 to 64 and 16 epochs
where the source has 64 to 512, so that a fold fits a CPU. The preset ``resnet18_3d`` has the source's width.
No pretrained weights, no reproduction of published numbers.
"""

from dataclasses import dataclass

from bench_zoo.networks.resnet18_3d.network import ResNet18Network
from bench_zoo.torch_parts.designed import DesignedNetwork


@dataclass
class ResNet18(DesignedNetwork):
    """A 3D ResNet-18, a branch a task.

    Parameters
    ----------
    widths
        Channels of the four stages.
    """

    widths: tuple[int, ...] = (8, 16, 32, 64)
    epochs: int = 16

    def _network(self, priors: list[float]) -> ResNet18Network:
        return ResNet18Network(len(self._crop().channels), self.widths, self.hidden, self.dropout, priors)
