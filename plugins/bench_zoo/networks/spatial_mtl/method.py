"""Spatial multi-task learning of biomarkers, re-implemented from the abstract of arXiv 2601.07001.

The abstract names the parts: multi-scale 3D features, spatial attention, weighting of tumour core, rim and
surrounding tissue, a shared trunk with one branch a biomarker. There was no more to work from, so this claims
no reproduction of the paper's numbers. What the abstract leaves open, and what is chosen here:

* Input: a cube round the lesion, intensity and lesion mask as channels. The defaults suit a CPU; the preset
  ``gpu`` is 1 mm in a 96 mm cube with a residual backbone.
* Scales: every stage of the encoder (1/2, 1/4, 1/8 of the resolution).
* Attention: at each scale one map in [0, 1] for all tasks, from receptive fields of 1, 3 and 5 voxels. The
  features are multiplied by it, and so weighted go on to the next stage and to the pooling.
* Regions: core, rim and surround from the signed distance to the lesion's boundary. Mixtures of each scale's
  features are pooled in each to mean and standard deviation (the deviation is how texture survives pooling).
* Trunk and branches: pooled features are standardised over the training batches and mixed region by region in
  the shared trunk; a task weights the regions by a softmax and has a hidden layer of its own.
* Losses: cross-entropy of a logit; absolute error of the standardised logit of a continuous label, so that
  the median is predicted. Missing labels do not count. Each loss is divided by that of the constant
  prediction, or weighted by learnt uncertainty.
* Training: see :func:`bench_zoo.torch_parts.training.fit_network`.

``spatial_mtl_hybrid`` is the same network with fixed statistics of the image beside the learnt features, of
which the abstract says nothing: mean and deviation of five fixed maps (intensity, local mean, detail,
gradient magnitude, coarse detail) in layers of depth within each region, and the region's volume. They go
through the trunk and by a linear path to every output. See :mod:`bench_zoo.networks.spatial_mtl.statistics`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import CHANNELS, Crop
from bench.methods.search_space import Categorical, Float
from bench_zoo.networks.spatial_mtl.network import SEEN, Design, SpatialNetwork
from bench_zoo.torch_parts.examples import Examples
from bench_zoo.torch_parts.fitted import NetworkMethod
from bench_zoo.torch_parts.heads import TaskNetworks
from bench_zoo.torch_parts.training import computing


@dataclass
class SpatialMTL(NetworkMethod):
    """Spatial multi-task network; every part is a switch, so that an ablation is a variant.

    Crop, losses, training and augmentation: see :class:`bench_zoo.torch_parts.fitted.NetworkMethod`.

    Parameters
    ----------
    backbone
        ``compact``, or any timm_3d model whose stages can be told apart.
    attention
        Spatial attention, which weights the features of each scale; without it every voxel counts alike.
    roi_weighting
        Pooling by region with weights learnt a task; without it the whole crop is one region.
    regions
        Which of ``core``, ``rim`` and ``surround``.
    pooled
        Mixtures of its features that each scale hands to the pooling.
    statistics
        Fixed statistics of the image beside the learnt features, with a linear path to the outputs
        (``spatial_mtl_hybrid``).
    layers
        Layers of equal thickness that each region is cut into for the statistics.
    """

    attention: bool = True
    roi_weighting: bool = True
    regions: tuple[str, ...] = ("core", "rim", "surround")
    pooled: int = 4
    statistics: bool = False
    layers: int = 4

    reads_regions: ClassVar[bool] = True

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """That of every network method, and the number of mixtures."""
        return {**super().search_space(), "pooled": Categorical((2, 4, 8, 16))}

    def explain(self, cohort: Cohort) -> np.ndarray:
        """Where each case's outputs come from: (case, z, y, x) on the crop grid, 0 to 1 (the case's peak).

        See :meth:`bench_zoo.networks.spatial_mtl.network.SpatialNetwork.relevance`.
        """
        network, run = self._fitted()
        examples = self._examples(cohort)
        with computing(run):
            network.to(run.device)
            maps = [_heat(network, examples, case, run.device) for case in range(len(cohort))]  # type: ignore[arg-type]
        network.cpu()
        return np.stack(maps) if maps else np.empty((0, *self._crop().shape), dtype=np.float32)

    def _crop(self) -> Crop:
        return Crop(self.size_mm, self.spacing_mm, CHANNELS if self.statistics else CHANNELS[:SEEN])

    def _network(self, priors: list[float]) -> SpatialNetwork:
        design = Design(
            self.backbone,
            tuple(self.widths),
            self.attention,
            self.roi_weighting,
            tuple(self.regions),
            self.statistics,
            self.layers,
            self.pooled,
            self.hidden,
            self.dropout,
        )
        return SpatialNetwork(design, priors)


def _heat(network: SpatialNetwork | TaskNetworks, examples: Examples, case: int, device: str) -> np.ndarray:
    """Relevance of one case over its peak, shape (z, y, x)."""
    inputs = (tensor.to(device) for tensor in examples.read(np.array([case])))
    heat = network.relevance(*inputs)[0].cpu().numpy()
    return np.asarray(heat / max(float(heat.max()), 1e-12))
