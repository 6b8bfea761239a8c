"""A vision transformer on one slice, after PMC12412478, the nearest rival that reads a single phase.

The source predicts HER2 levels from the largest slice of an early phase of 889 patients. Taken over: one
axial slice, the one with most lesion; a plain vision transformer. Not known and chosen here: token and layer
sizes, losses, training, augmentation (those of all networks here), all tasks at once. Changed: intensity and
mask as channels; a token is 5 mm (4 pixels), 3 layers of width 48, 24 epochs, from scratch, because no
pretrained weights ship with a package; ``weights`` takes a local file of timm's ViT of the same sizes, as the
preset ``vit2d_early`` has them (layers of ViT-S on 96 pixels). No reproduction of published numbers.
"""

from dataclasses import dataclass

from bench_zoo.networks.vit2d_early.network import SliceNetwork
from bench_zoo.torch_parts.vit import TransformerMethod


@dataclass
class ViT2DEarly(TransformerMethod):
    """A vision transformer on the axial slice with most lesion."""

    spacing_mm: float = 1.25

    def _network(self, priors: list[float]) -> SliceNetwork:
        return SliceNetwork(self._encoder(), self.width, self.hidden, self.dropout, priors)
