"""Segmentation and all tasks on a shifted-window encoder, after MTS-UNET, arXiv 2503.06828.

The source reads four MRI sequences of gliomas and learns segmentation and three molecular tasks at once.
Taken over: a SWIN-UNETR-like encoder, a segmentation decoder that makes the encoding tumour-aware, a head a
task, all trained together. Weights between tasks, schedule and missing labels are open there: learnt
uncertainties (arXiv 1705.07115), masked losses and the training of all networks here. How the decoder informs
the heads is chosen here too: a head sees the deepest features' average, and the decoder's features averaged
under the predicted tumour. Changed: one phase instead of four sequences; the encoder sees the intensity
alone, the mask is what the decoder learns; two stages of 16 and 32 channels on 16 voxels an edge and 14
epochs; no weights of BrainSegFounder. The preset ``mtsunet`` has the encoder's full size. The source's code
is GPL and was not read; no reproduction of published numbers.
"""

from dataclasses import dataclass
from typing import Literal

from bench_zoo.networks.mtsunet.network import MTSNetwork
from bench_zoo.torch_parts.swin import SwinMethod


@dataclass
class MTSUNet(SwinMethod):
    """Shifted-window encoder, segmentation decoder, tumour-weighted heads."""

    balance: Literal["fixed", "uncertainty"] = "uncertainty"

    def _network(self, priors: list[float]) -> MTSNetwork:
        return MTSNetwork(self._design(), self.hidden, self.dropout, priors)
