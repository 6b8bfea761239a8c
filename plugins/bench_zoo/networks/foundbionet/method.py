"""Tumour-aware encoding and a difference of two views, after FoundBioNet, arXiv 2508.06756.

The source reads four MRI sequences of gliomas. Taken over: an encoder as in SWIN-UNETR with a segmentation
decoder trained along and a class branch on the pooled deepest features (tumour-aware feature encoding); the
difference of two gated encodings, under channel then spatial attention, pooled, with a branch of its own
(cross-modality difference); a fusion of both branches' logits (here their sum); segmentation and task losses
of equal weight; dropout in the branches. Open there and chosen here: optimiser, rate, batch, augmentation
(those of all networks here). Changed for a single phase: there is no second sequence to subtract, so the two
views are the crop under core and rim, and the crop under the peritumoural region; the encoder sees the
intensity alone, the mask is what the decoder learns; two stages of 16 and 32 channels and 14 epochs instead
of four from 48, no weights of BrainSegFounder, a branch a task. ``foundbionet_no_cmd`` leaves the difference
out. The preset ``foundbionet`` has the encoder's full size. The source's code is GPL and was not read; no
reproduction of published numbers.
"""

from dataclasses import dataclass
from typing import ClassVar

from bench_zoo.networks.foundbionet.network import FoundBioNetwork
from bench_zoo.torch_parts.swin import SwinMethod


@dataclass
class FoundBioNet(SwinMethod):
    """Shifted-window encoder with a segmentation decoder, and the difference of core and surround.

    Parameters
    ----------
    difference
        Whether the difference of the two views is read beside the encoder.
    view_width
        Channels of the views' encoding.
    """

    difference: bool = True
    view_width: int = 16

    reads_regions: ClassVar[bool] = True

    def _network(self, priors: list[float]) -> FoundBioNetwork:
        width = self.view_width if self.difference else 0
        return FoundBioNetwork(self._design(), width, self.hidden, self.dropout, priors)
