"""The network: tumour-aware encoding, difference of two views, fusion of their logits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench_zoo.torch_parts.encoders import compact_encoder
from bench_zoo.torch_parts.readout import Readout
from bench_zoo.torch_parts.segmentation import LightDecoder, SegmentingNetwork
from bench_zoo.torch_parts.swin import SwinDesign, swin_encoder


class FoundBioNetwork(SegmentingNetwork):
    """Outputs, shape (case, task), from crops and regions; in training with the segmentation loss last.

    Parameters
    ----------
    design
        See :func:`bench_zoo.torch_parts.swin.swin_encoder`.
    view_width
        Channels of the views' encoding; 0: no difference of views.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self, design: SwinDesign, view_width: int, hidden: int, dropout: float, priors: Sequence[float]
    ):
        super().__init__()
        self.encoder = swin_encoder(1, *design)
        widths = self.encoder.widths
        self.decoder = LightDecoder(widths)
        self.readout = Readout(widths[-1], hidden, dropout, priors)
        self.difference = ViewDifference(view_width, hidden, dropout, len(priors)) if view_width else None

    def forward(self, images: Tensor, regions: Tensor) -> Tensor:
        """(case, 2, z, y, x), (case, 3, z, y, x) -> (case, task); the mask is used in training alone."""
        image = images[:, :1]
        scales = self.encoder(image)
        outputs = self.readout(scales[-1].mean(dim=(2, 3, 4)))
        if self.difference is not None:
            outputs = outputs + self.difference(image, regions.to(image.dtype))
        if not self.training:
            return outputs
        return self.with_segmentation(outputs, self.decoder(scales)[1], images[:, 1:2])


class ViewDifference(nn.Module):
    """What lesion and surround encode differently: a correction of each task's logit."""

    def __init__(self, width: int, hidden: int, dropout: float, tasks: int):
        super().__init__()
        self.encoder = compact_encoder(1, (width, 2 * width))
        self.gates = nn.ModuleList(nn.Conv3d(2 * width, 2 * width, 1) for _ in range(2))
        self.channels = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 2 * width))
        self.space = nn.Conv3d(2 * width, 1, 3, padding=1)
        self.readout = Readout(4 * width, hidden, dropout, [0.0] * tasks)

    def forward(self, image: Tensor, regions: Tensor) -> Tensor:
        """(case, 1, z, y, x), (case, 3, z, y, x) -> (case, task)."""
        lesion, surround = regions[:, :2].sum(dim=1, keepdim=True), regions[:, 2:]
        views = torch.cat([image * lesion, image * surround])
        first, second = self.encoder(views)[-1].chunk(2)  # (case, 2 width, d / 4) each
        first = first * torch.sigmoid(self.gates[0](first))
        second = second * torch.sigmoid(self.gates[1](second))
        difference = first - second
        weights = torch.sigmoid(self.channels(difference.mean(dim=(2, 3, 4))))
        difference = difference * weights[:, :, None, None, None]
        flat = (difference * torch.sigmoid(self.space(difference))).flatten(2)
        moments = torch.cat([flat.mean(dim=2), flat.abs().amax(dim=2)], dim=1)  # (case, 4 width)
        outputs: Tensor = self.readout(moments)
        return outputs
