"""Principal components of a lesion's patches, after CIMIL-CRC, arXiv 2401.16131.

The source embeds slide patches by a pre-trained extractor, describes a patient by the principal components of
all embeddings, and adds a clinical prior (the tumour's side). Taken over: components of a patient's own bag,
so that a patient is described by how the patches vary and not by their mean alone. Open there and chosen
here: the bag's mean and its first three components, each scaled by its standard deviation and with the sign
that makes its largest loading positive; a branch a task. Changed: no extractor for MRI patches is at hand, so
a small encoder is trained along, through the mean and through the components' deviations (their directions
are held fixed in a step, because their gradient grows without bound where two deviations are equal); patches
of 16 mm, 12 mm apart, 24 epochs, losses and training of all networks here. A breast has no side that bears on
receptors, and no clinical column is common to the cohorts: none is read. No reproduction of published
numbers.
"""

from dataclasses import dataclass
from typing import ClassVar

from bench_zoo.networks.cimil.network import ComponentsNetwork
from bench_zoo.torch_parts.designed import DesignedNetwork


@dataclass
class CIMIL(DesignedNetwork):
    """Mean and principal components of the patches of lesion and surround.

    Parameters
    ----------
    patch, stride
        Edge of a patch and distance between two, in voxels.
    embedding, components
        Width of a patch's embedding, and number of components.
    widths
        Channels of the patch encoder's stages.
    """

    patch: int = 8
    stride: int = 6
    embedding: int = 16
    components: int = 3
    widths: tuple[int, ...] = (16, 32)

    reads_regions: ClassVar[bool] = True

    def _network(self, priors: list[float]) -> ComponentsNetwork:
        bag = (len(self._crop().channels), self.patch, self.stride)
        embedder = (tuple(self.widths), self.embedding, self.components)
        return ComponentsNetwork(bag, embedder, self.hidden, self.dropout, priors)
