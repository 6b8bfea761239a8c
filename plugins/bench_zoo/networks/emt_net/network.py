"""The network: compact encoder, pooled to branches on one side, decoded to the mask on the other."""

from collections.abc import Sequence

from torch import Tensor

from bench_zoo.torch_parts.encoders import compact_encoder
from bench_zoo.torch_parts.readout import Readout
from bench_zoo.torch_parts.segmentation import LightDecoder, SegmentingNetwork


class EMTNetwork(SegmentingNetwork):
    """Outputs, shape (case, task), from crops; in training with the segmentation loss as last column.

    Parameters
    ----------
    widths
        Channels of the encoder's stages.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(self, widths: Sequence[int], hidden: int, dropout: float, priors: Sequence[float]):
        super().__init__()
        self.encoder = compact_encoder(1, widths)
        self.decoder = LightDecoder(widths)
        self.readout = Readout(widths[-1], hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, 2, z, y, x): intensity and mask -> (case, task); the mask is used in training alone."""
        scales = self.encoder(images[:, :1])  # (case, width, d / 2), (case, width, d / 4) ...
        outputs = self.readout(scales[-1].mean(dim=(2, 3, 4)))
        if not self.training:
            return outputs
        _, logits = self.decoder(scales)  # (case, 1, d / 2)
        return self.with_segmentation(outputs, logits, images[:, 1:2])
