"""Multiple-instance learning over patches, after Goncalves et al., arXiv 2404.16397.

The source predicts the activity of pathways from bags of slide patches with three aggregators: attention
with one branch, attention with a branch a class, and TransMIL (arXiv 2106.00908). Taken over: these three,
gated attention (arXiv 1802.04712), a dropout of 0.25. Left open for such an input and chosen here: a bag is
the crop's patches of 16 mm, 12 mm apart, of which a quarter or more is lesion or peritumoural region; the
branches of the multi-branch row are the tasks, which are learnt together. Changed: the source's patches are
embedded by frozen networks (ResNet-50, PLIP, CONCH), whose weights fit no MRI patch, so a small encoder is
trained along; TransMIL's approximate attention is exact, because a bag has at most 27 patches where a slide
has thousands; 24 epochs, where the source has 200 and 300, with the losses and the training of all networks
here. The source's repository holds GPL parts: no code of it was read. No reproduction of published numbers.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from bench_zoo.networks.tiph_mil.network import BagDesign, BagNetwork
from bench_zoo.torch_parts.designed import DesignedNetwork


@dataclass
class TiphMIL(DesignedNetwork):
    """Attention over the patches of lesion and surround.

    Parameters
    ----------
    aggregator
        ``single``: one weighting of the patches for all tasks; ``branches``: one a task; ``transformer``:
        layers in which patches attend to each other, and a class token.
    patch, stride
        Edge of a patch and distance between two, in voxels.
    embedding
        Width of a patch's embedding.
    widths
        Channels of the patch encoder's stages.
    """

    aggregator: Literal["single", "branches", "transformer"] = "single"
    patch: int = 8
    stride: int = 6
    embedding: int = 64
    widths: tuple[int, ...] = (16, 32)
    dropout: float = 0.25

    reads_regions: ClassVar[bool] = True

    def _network(self, priors: list[float]) -> BagNetwork:
        crop = self._crop()
        design = BagDesign(
            len(crop.channels), crop.shape, self.patch, self.stride, tuple(self.widths), self.embedding
        )
        return BagNetwork(design, self.aggregator, self.hidden, self.dropout, priors)
