"""Flat pictures of a crop: slices through the lesion, one by one or with their neighbours."""

import torch
from torch import Tensor

# Axes of (case, channel, z, y, x) that a plane stands across; the first gives axial slices.
ACROSS = (2, 3, 4)


def largest_slices(images: Tensor, neighbours: int, axes: tuple[int, ...] = ACROSS) -> Tensor:
    """The slice with most lesion across each axis, and its neighbours as channels.

    Parameters
    ----------
    images
        Shape (case, channel, z, y, x), equal edges; the second channel is the lesion mask.
    neighbours
        Slices on either side; beyond the crop's end the last one is repeated.
    axes
        Axes that slices stand across.

    Returns
    -------
    Tensor
        Shape (case, plane, slice x channel, row, column).
    """
    offsets = torch.arange(-neighbours, neighbours + 1, device=images.device)
    planes = []
    for axis in axes:
        turned = images.movedim(axis, 1)  # (case, slice, channel, row, column)
        best = turned[:, :, 1].sum(dim=(2, 3)).argmax(dim=1)
        chosen = (best[:, None] + offsets).clamp(0, turned.shape[1] - 1)
        rows = torch.arange(len(images), device=images.device)[:, None]
        planes.append(turned[rows, chosen].flatten(1, 2))
    return torch.stack(planes, dim=1)


def slices_through(images: Tensor, count: int) -> Tensor:
    """Axial slices spread evenly over the lesion's extent, shape (case, slice, channel, row, column).

    Parameters
    ----------
    images
        Shape (case, channel, z, y, x); the second channel is the lesion mask.
    count
        How many; a lesion of fewer slices gives some of them twice.
    """
    holds = images[:, 1].sum(dim=(2, 3)) > 0  # (case, z)
    first = holds.int().argmax(dim=1)
    last = holds.shape[1] - 1 - holds.flip(1).int().argmax(dim=1)
    share = (torch.arange(count, device=images.device) + 0.5) / count
    chosen = (first[:, None] + share * (last - first + 1)[:, None]).long()
    rows = torch.arange(len(images), device=images.device)[:, None]
    return images.transpose(1, 2)[rows, chosen.clamp_max(holds.shape[1] - 1)]
