"""Segmentation beside classification on a light encoder, after EMT-NET, arXiv 2201.04795.

The source classifies 2D breast ultrasound with a light backbone, a segmentation branch beside it, and a
numerically stable loss with one knob between sensitivity and specificity. Taken over: those three. Not stated
in the abstract and chosen here: the compact 3D encoder of the other networks, a decoder of one convolution a
scale, Dice plus cross-entropy of weight 1, and the formula of the knob: cross-entropy of a logit in which
positive cases weigh twice the sensitivity and negative ones twice the rest (see
:mod:`bench_zoo.networks.emt_net.loss`). At the default 0.5 that is plain cross-entropy, whose probabilities
are calibrated; other values shift them on purpose. Changed for this input: 3D crops, of which the encoder
sees the intensity alone, because the mask is what the branch learns; all tasks at once; losses and training
of all networks here. No reproduction of published numbers.
"""

from dataclasses import dataclass, replace

from torch import nn

from bench_zoo.networks.emt_net.loss import KnobLoss
from bench_zoo.networks.emt_net.network import EMTNetwork
from bench_zoo.targets import Target
from bench_zoo.torch_parts.examples import Examples
from bench_zoo.torch_parts.losses import balanced_loss
from bench_zoo.torch_parts.segmentation import SegmentingMethod, WithLastColumn
from bench_zoo.torch_parts.training import Part


@dataclass
class EMTNet(SegmentingMethod):
    """A light encoder with a segmentation branch.

    Parameters
    ----------
    sensitivity
        Between 0 and 1: above 0.5 positive cases of a binary task weigh more than negative ones.
    """

    sensitivity: float = 0.5

    def _network(self, priors: list[float]) -> EMTNetwork:
        return EMTNetwork(self.widths, self.hidden, self.dropout, priors)

    def _part(
        self, network: nn.Module, learn: Examples, judged: Examples, targets: tuple[Target, ...]
    ) -> Part:
        part = super()._part(network, learn, judged, targets)
        balanced = balanced_loss(targets, learn.targets, self.balance)
        knob = KnobLoss(balanced, self.sensitivity)
        return replace(part, loss=WithLastColumn(knob, self.segmentation))
