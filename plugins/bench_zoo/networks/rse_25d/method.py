"""Residual squeeze-excitation on 2.5D pictures, after the LGE-MRI work of the EMIDEC circle.

Nothing beyond an abstract could be found, and no identifier confirmed: neighbouring slices as channels,
residual blocks with squeeze-excitation, an ensemble. Taken over: those parts. Chosen here: the slice with
most lesion across each of the three axes, with two neighbours on either side; one network for the three
planes, whose features are averaged; 24 epochs; losses, training and augmentation of all networks here.
Changed: the source's heart slices are thick and of one direction, a crop is isotropic, so three planes are
read. No reproduction of published numbers.
"""

from dataclasses import dataclass

from bench_zoo.networks.rse_25d.network import SlicesNetwork
from bench_zoo.torch_parts.designed import DesignedNetwork


@dataclass
class RSE25D(DesignedNetwork):
    """Residual squeeze-excitation on the largest slices and their neighbours.

    Parameters
    ----------
    neighbours
        Slices on either side of the largest one that are channels too.
    squeeze
        Channels over those of the excitation's inner layer.
    """

    neighbours: int = 2
    squeeze: int = 4
    spacing_mm: float = 1.25

    def _network(self, priors: list[float]) -> SlicesNetwork:
        channels = len(self._crop().channels) * (2 * self.neighbours + 1)
        return SlicesNetwork(
            channels, self.neighbours, self.widths, self.squeeze, self.hidden, self.dropout, priors
        )
