"""The network: patches embedded one by one, the bag's mean and principal components, branches."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bench_zoo.torch_parts.bags import PatchEmbedder, instances_of, patches
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.readout import Readout


class ComponentsNetwork(TasksNetwork):
    """Outputs, shape (case, task), from crops and regions.

    Parameters
    ----------
    bag
        Channels of a crop, edge and stride of a patch.
    embedder
        Channels of the encoder's stages, width of an embedding, number of components.
    hidden, dropout, priors
        See :class:`bench_zoo.torch_parts.readout.Readout`.
    """

    def __init__(
        self,
        bag: tuple[int, int, int],
        embedder: tuple[tuple[int, ...], int, int],
        hidden: int,
        dropout: float,
        priors: Sequence[float],
    ):
        super().__init__()
        channels, self.patch, self.stride = bag
        widths, width, self.components = embedder
        self.embed = PatchEmbedder(channels, widths, width)
        self.readout = Readout((1 + self.components) * width, hidden, dropout, priors)

    def forward(self, images: Tensor, regions: Tensor) -> Tensor:
        """(case, channel, z, y, x), (case, 3, z, y, x) -> (case, task)."""
        valid = instances_of(regions, self.patch, self.stride)  # (case, place)
        bags = self.embed(patches(images, self.patch, self.stride))  # (case, place, width)
        mean, scaled = principal_components(bags, valid, self.components)
        outputs: Tensor = self.readout(torch.cat([mean, scaled.flatten(1)], dim=1))
        return outputs


def principal_components(bags: Tensor, valid: Tensor, components: int) -> tuple[Tensor, Tensor]:
    """Mean of each bag, and the directions in which it varies most, scaled by the deviation along them.

    The sign of a direction makes its largest loading positive. Gradients pass through mean and deviations,
    not through directions.

    Parameters
    ----------
    bags
        Shape (case, place, width), at least as wide as there are components.
    valid
        Which places count, bool, shape (case, place), at least one a case.

    Returns
    -------
    mean, scaled
        Shapes (case, width) and (case, component, width), the widest deviation first.
    """
    weights = valid[:, :, None] / valid.sum(dim=1)[:, None, None]
    mean = (bags * weights).sum(dim=1, keepdim=True)
    centred = bags - mean
    covariance = (centred * weights).transpose(1, 2) @ centred  # (case, width, width)
    with torch.no_grad():
        _, vectors = torch.linalg.eigh(covariance.float())
        directions = vectors.flip(2)[:, :, :components].transpose(1, 2)  # (case, component, width)
        largest = directions.gather(2, directions.abs().argmax(dim=2, keepdim=True))
        directions = (directions * largest.sign()).to(bags.dtype)
    variances = ((directions @ covariance) * directions).sum(dim=2, keepdim=True)
    # The square root has no finite slope at 0, where a bag has fewer patches than components.
    return mean[:, 0], directions * ((variances.clamp_min(0) + 1e-6).sqrt() - 1e-3)
