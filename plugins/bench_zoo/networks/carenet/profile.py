"""The network of ``carenet_1d``: shells of the image, convolutions along the distance, branches."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.torch_parts.convolutions import conv_block
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.pooling import log_volume, region_moments
from bench_zoo.torch_parts.readout import Readout

# Mean and deviation of intensity and detail, and the voxel count.
MEASURES = 5


class ProfileNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops with the signed distance.

    Parameters
    ----------
    edges
        Distances between which the shells lie, in mm, increasing.
    widths
        Channels of the convolutions.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    edges: Tensor

    def __init__(
        self,
        edges: Sequence[float],
        widths: Sequence[int],
        hidden: int,
        dropout: float,
        priors: Sequence[float],
    ):
        super().__init__()
        self.register_buffer("edges", torch.tensor(edges, dtype=torch.float32))
        shells = len(edges) - 1
        self.norm = nn.BatchNorm1d(MEASURES * shells)
        pairs = zip((MEASURES, *widths[:-1]), widths, strict=True)
        self.layers = nn.Sequential(*(conv_block(1, before, after) for before, after in pairs))
        self.readout = Readout(widths[-1] * shells, hidden, dropout, priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, 3, z, y, x): intensity, mask, signed distance in mm -> (case, task)."""
        outputs: Tensor = self.readout(self.layers(self.profile(images)).flatten(1))
        return outputs

    def profile(self, images: Tensor) -> Tensor:
        """Standardised measures of every shell, shape (case, measure, shell)."""
        image = images[:, :1]
        detail = image - F.avg_pool3d(image, 3, stride=1, padding=1, count_include_pad=False)
        shells = self.shells(images[:, 2:3])
        moments = region_moments(torch.cat([image, detail], dim=1), shells)  # (case, shell, 4)
        measures = torch.cat([moments, log_volume(shells)], dim=2).transpose(1, 2)
        standardised: Tensor = self.norm(measures.flatten(1)).view_as(measures)
        return standardised

    def shells(self, distance: Tensor) -> Tensor:
        """Which shell a voxel is in, 0 or 1, (case, 1, z, y, x) -> (case, shell, z, y, x)."""
        edges = self.edges.view(1, -1, 1, 1, 1)
        return ((distance >= edges[:, :-1]) & (distance < edges[:, 1:])).to(distance.dtype)

    def relevance(self, images: Tensor) -> Tensor:
        """Grad-CAM along the profile (Selvaraju et al., arXiv 1610.02391), shape (case, z, y, x), at least 0.

        Features of the last convolution, weighted by their mean gradient and summed; absolute values added
        over tasks, because an output may rise or fall. Each shell's value is painted on the shell's voxels.
        """
        features = self.layers(self.profile(images)).detach().requires_grad_()
        outputs = self.readout(features.flatten(1))
        heat = torch.zeros_like(features[:, 0])  # (case, shell)
        for task in range(outputs.shape[1]):
            (gradient,) = torch.autograd.grad(outputs[:, task].sum(), features, retain_graph=True)
            heat += (gradient.mean(dim=2, keepdim=True) * features.detach()).sum(dim=1).abs()
        return (heat[:, :, None, None, None] * self.shells(images[:, 2:3])).sum(dim=1)
