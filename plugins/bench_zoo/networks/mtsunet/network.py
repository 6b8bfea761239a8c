"""The network: shifted-window encoder, decoder, features pooled over all and under the predicted tumour."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bench_zoo.torch_parts.pooling import region_moments
from bench_zoo.torch_parts.readout import Readout
from bench_zoo.torch_parts.segmentation import LightDecoder, SegmentingNetwork
from bench_zoo.torch_parts.swin import SwinDesign, swin_encoder


class MTSNetwork(SegmentingNetwork):
    """Outputs, shape (case, task), from crops; in training with the segmentation loss as last column.

    Parameters
    ----------
    design
        See :func:`bench_zoo.torch_parts.swin.swin_encoder`.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(self, design: SwinDesign, hidden: int, dropout: float, priors: Sequence[float]):
        super().__init__()
        self.encoder = swin_encoder(1, *design)
        widths = self.encoder.widths
        self.decoder = LightDecoder(widths)
        self.readout = Readout(widths[-1] + 2 * widths[0], hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, 2, z, y, x): intensity and mask -> (case, task); the mask is used in training alone."""
        scales = self.encoder(images[:, :1])
        decoded, logits = self.decoder(scales)  # (case, width, d / 2), (case, 1, d / 2)
        tumour = region_moments(decoded, logits.sigmoid())[:, 0]  # (case, 2 width)
        deepest = scales[-1].mean(dim=(2, 3, 4))
        outputs = self.readout(torch.cat([deepest, tumour], dim=1))
        return self.with_segmentation(outputs, logits, images[:, 1:2])
