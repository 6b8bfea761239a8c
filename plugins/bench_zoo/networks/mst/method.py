"""Medical Slice Transformer, after arXiv 2411.15802 (code under MIT).

Taken over: every axial slice goes through one 2D vision transformer; the slices' vectors, with a class token
last, pass one pre-norm transformer layer with rotary positions and a feed-forward layer of factor 1; the
class token gives the outputs. The source reads lesions, not receptors, so tasks, masks and losses are left
open: a branch a task with the losses, training and augmentation of all networks here (the source: AdamW 1e-6,
batch 1, early stopping). Changed: the source's encoder is DINOv2 ViT-S/14 with its weights, which no package
ships; the default is a vision transformer of 2 layers and width 48 from scratch on slices of 20 pixels with
tokens of 8 mm, 10 epochs, intensity and mask as channels. The preset ``mst`` has the encoder's size;
``weights`` takes a local file. No reproduction of published numbers.
"""

from dataclasses import dataclass

from bench_zoo.networks.mst.network import SlicesTransformer
from bench_zoo.torch_parts.vit import TransformerMethod


@dataclass
class MST(TransformerMethod):
    """All axial slices through one vision transformer, mixed by attention.

    Parameters
    ----------
    slice_heads
        Heads of the attention between slices.
    """

    depth: int = 2
    slice_heads: int = 4
    epochs: int = 10

    def _network(self, priors: list[float]) -> SlicesTransformer:
        return SlicesTransformer(
            self._encoder(), self.width, self.slice_heads, self.hidden, self.dropout, priors
        )
