"""A residual network with channel and spatial attention, after arXiv 2510.13897.

The source predicts HER2 from breast DCE-MRI (I-SPY) by a residual network with two attentions. Taken over:
residual blocks in which channels, then voxels, are weighted (CBAM, arXiv 1807.06521), and no bias-field
correction, which it found to hurt. Not known and chosen here: three stages of one block each, reduction 4, a
spatial kernel of 3; losses, training and augmentation of all networks here. Changed: 3D, one phase, intensity
and mask as channels, all tasks at once, channels 16 to 64 and 16 epochs, so that a fold fits a CPU; the
preset ``dual_attention_resnet`` has four stages of 64 to 512. No reproduction of published numbers.
"""

from dataclasses import dataclass

from bench_zoo.networks.dual_attention_resnet.network import DualAttentionNetwork
from bench_zoo.torch_parts.designed import DesignedNetwork


@dataclass
class DualAttentionResNet(DesignedNetwork):
    """Residual blocks with channel and spatial attention.

    Parameters
    ----------
    reduction
        Channels over those of the channel attention's inner layer.
    """

    reduction: int = 4
    epochs: int = 16

    def _network(self, priors: list[float]) -> DualAttentionNetwork:
        channels = len(self._crop().channels)
        return DualAttentionNetwork(channels, self.widths, self.reduction, self.hidden, self.dropout, priors)
