"""Two paths on patches of 32 x 32 pixels, inspired by CaReNet-V2 (arXiv 2310.15099).

The source reads 32 x 32 patches of infrared images by a dual-path 2D CNN and predicts receptor levels and
Ki-67. Taken over: the patch size, two paths, all tasks at once. The abstract does not say what the two paths
are, nor layers or losses: here one path reads the patch as it is, the other its fourfold average over 40 mm,
and both are pooled to mean and deviation. Changed for this input: a patch is an axial slice of the crop (40
mm, 32 pixels), eight slices spread over the lesion; outputs are averaged over a patient's slices before the
loss, so that no slice carries a label of its own. 24 epochs, losses and training of all networks here. No
reproduction of published numbers.
"""

from dataclasses import dataclass

from bench_zoo.networks.carenet.paths import DualPathNetwork
from bench_zoo.torch_parts.designed import DesignedNetwork


@dataclass
class CaReNetDual(DesignedNetwork):
    """Two paths on slices through the lesion, averaged a patient.

    Parameters
    ----------
    slices
        Axial slices, spread evenly over the lesion.
    coarse
        Pixels along an edge that the coarse path averages.
    widths
        Channels of the convolutions of each path.
    """

    slices: int = 8
    coarse: int = 4
    widths: tuple[int, ...] = (16, 32)
    spacing_mm: float = 1.25

    def _network(self, priors: list[float]) -> DualPathNetwork:
        channels = len(self._crop().channels)
        return DualPathNetwork(
            channels, self.slices, self.coarse, self.widths, self.hidden, self.dropout, priors
        )
