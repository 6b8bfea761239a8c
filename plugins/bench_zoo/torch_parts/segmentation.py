"""Segmentation learnt beside the tasks: a light decoder, and a loss that rides on the outputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.targets import Target
from bench_zoo.torch_parts.convolutions import conv_block
from bench_zoo.torch_parts.designed import DesignedNetwork
from bench_zoo.torch_parts.examples import Examples
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.training import Part


class LightDecoder(nn.Module):
    """From features at several scales to features, and a logit of the lesion, at the finest of them.

    Parameters
    ----------
    widths
        Channels of the scales, finest first.
    """

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        pairs = list(zip(widths[1:], widths, strict=False))
        self.merges = nn.ModuleList(conv_block(3, below + at, at) for below, at in pairs)
        self.last = nn.Conv3d(widths[0], 1, 1)

    def forward(self, scales: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """One (case, width, d) a scale, finest first -> (case, width, d), (case, 1, d) of the finest."""
        features = scales[-1]
        for at in range(len(scales) - 2, -1, -1):
            wider = F.interpolate(features, size=scales[at].shape[2:], mode="nearest")
            features = self.merges[at](torch.cat([wider, scales[at]], dim=1))
        return features, self.last(features)


def dice_and_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Soft Dice loss plus cross-entropy of each case, shape (case, 1).

    Parameters
    ----------
    logits
        Shape (case, 1, d).
    mask
        The lesion at the crop's resolution, shape (case, 1, z, y, x); averaged down to that of the logits.
    """
    truth = F.adaptive_avg_pool3d(mask, logits.shape[2:]).flatten(1)
    logits = logits.flatten(1).float()
    chance = logits.sigmoid()
    overlap = 2 * (chance * truth).sum(dim=1) + 1
    dice = overlap / (chance.sum(dim=1) + truth.sum(dim=1) + 1)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(dim=1)
    return (1 - dice + entropy)[:, None]


class SegmentingNetwork(TasksNetwork):
    """A network that adds, while it trains, a last column to its outputs: each case's segmentation loss."""

    def with_segmentation(self, outputs: Tensor, logits: Tensor, mask: Tensor) -> Tensor:
        """(case, task) -> (case, task + 1) in training, unchanged otherwise."""
        if not self.training:
            return outputs
        return torch.cat([outputs, dice_and_entropy(logits, mask)], dim=1)


class WithLastColumn(nn.Module):
    """The loss of the tasks, plus ``weight`` times the mean of the outputs' last column."""

    def __init__(self, tasks: nn.Module, weight: float):
        super().__init__()
        self.tasks, self.weight = tasks, weight

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(case, task + 1), (case, task) -> a scalar."""
        loss: Tensor = self.tasks(outputs[:, :-1], targets)
        return loss + self.weight * outputs[:, -1].mean()


@dataclass
class SegmentingMethod(DesignedNetwork):
    """A method whose network learns the lesion's mask beside the tasks.

    Parameters
    ----------
    segmentation
        Weight of the segmentation loss beside that of the tasks; 0 leaves the decoder untrained.
    """

    segmentation: float = 1.0

    def _part(
        self, network: nn.Module, learn: Examples, judged: Examples, targets: tuple[Target, ...]
    ) -> Part:
        part = super()._part(network, learn, judged, targets)
        return replace(part, loss=WithLastColumn(part.loss, self.segmentation))
