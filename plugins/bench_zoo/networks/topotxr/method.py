"""Two streams whose spatial attention is pulled to loops and voids, after TopoTxR, arXiv 2411.03464.

Taken over: loops and voids of long persistence in the sublevel sets of the intensity; two streams of 3D
convolutions, one for either kind, whose spatial attention is pulled toward their voxels by a mean squared
error of weight 0.01; both streams joined before the classifier. Open there and chosen here: a structure is
drawn at its birth and death voxels (representative cycles have no part in gudhi); a persistence of 0.1 of the
normalised intensity; attention behind the second stage; cross-entropy as all networks here have it, not the
source's focal loss. Changed: the source reads the parenchyma of a whole breast at 256 voxels an edge; a crop
shows the lesion and its surround, so what the source says of parenchyma does not carry over; three stages of
12 to 48 channels on crops of 40 mm at 2 mm and 16 epochs, intensity and mask as channels. Persistence is
computed once a case, before training, by gudhi (MIT). The preset ``topotxr`` has the source's five stages.
The source's code is GPL and was not read; no reproduction of published numbers.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from bench.cohorts.cohort import Cohort
from bench_zoo.networks.topotxr.network import TwoStreamNetwork
from bench_zoo.targets import Target
from bench_zoo.topology.persistence import drawn_structures
from bench_zoo.torch_parts.designed import DesignedNetwork
from bench_zoo.torch_parts.examples import Examples, Inputs
from bench_zoo.torch_parts.segmentation import WithLastColumn
from bench_zoo.torch_parts.training import Part


@dataclass
class TopoTxR(DesignedNetwork):
    """Two streams, one pulled to loops and one to voids.

    Parameters
    ----------
    persistence
        Least life of a structure, in units of the normalised intensity.
    pull
        Weight of the squared error between attention and structures; 0 leaves the attention free.
    """

    persistence: float = 0.1
    pull: float = 0.01
    widths: tuple[int, ...] = (12, 24, 48)
    epochs: int = 16

    def _examples(self, cohort: Cohort) -> Examples:
        """Crops, and loops and voids beside them, (case, 2, z, y, x) bool."""
        crops = super()._examples(cohort)
        images = (image[0] for image in cohort.crops(self._crop()))
        drawn = [drawn_structures(image, self.persistence) for image in images]
        structures = torch.from_numpy(np.stack(drawn)) if drawn else torch.empty(0)

        def read(indices: np.ndarray) -> Inputs:
            return (*crops.read(indices), structures[torch.from_numpy(np.asarray(indices))])

        return Examples(read, crops.targets)

    def _network(self, priors: list[float]) -> TwoStreamNetwork:
        channels = len(self._crop().channels)
        return TwoStreamNetwork(channels, self.widths, self.hidden, self.dropout, priors)

    def _part(
        self, network: nn.Module, learn: Examples, judged: Examples, targets: tuple[Target, ...]
    ) -> Part:
        part = super()._part(network, learn, judged, targets)
        return replace(part, loss=WithLastColumn(part.loss, self.pull))
