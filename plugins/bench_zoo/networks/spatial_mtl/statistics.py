"""Fixed statistics of an image by region and depth: the hand-made part of ``spatial_mtl_hybrid``."""

import torch
import torch.nn.functional as F
from torch import Tensor

from bench_zoo.torch_parts.pooling import log_volume, region_moments

BANDS = 5
# Share of its region's weight that a layer adds to its own: an empty layer shows its region's moments.
LEAK = 1e-3


def statistics_width(layers: int) -> int:
    """How many statistics a region has: mean and deviation of each band in each layer, and the volume."""
    return layers * 2 * BANDS + 1


def region_statistics(images: Tensor, masks: Tensor, extents: Tensor, layers: int) -> Tensor:
    """Moments of the image's bands in every layer of every region, and the logarithm of a volume.

    Parameters
    ----------
    images
        Intensity, mask and signed distance to the boundary in mm, shape (case, 3, z, y, x).
    masks
        Regions, shape (case, region, z, y, x).
    extents
        Whose voxels are counted as a region's volume, shape (case, region, z, y, x).
    layers
        Layers of depth that each region is cut into, at least 1.

    Returns
    -------
    Tensor
        Shape (case, region, :func:`statistics_width`); the same for every mirror image of a case.
    """
    layered = depth_layers(images[:, 2:3], masks, layers)  # (case, region, layer, z, y, x)
    moments = region_moments(image_bands(images[:, :1]), layered.flatten(1, 2))
    return torch.cat([moments.unflatten(1, layered.shape[1:3]).flatten(2), log_volume(extents)], dim=2)


def image_bands(image: Tensor) -> Tensor:
    """Fixed maps of the image whose regional moments say how bright, how uneven and how finely so.

    Intensity; mean over 3 x 3 x 3 voxels; what is left of the intensity without it; gradient magnitude of the
    mean; what is left of the mean without its own mean. Shape (case, 1, z, y, x) -> (case, 5, z, y, x).
    """
    mean = _box_mean(_padded(image))
    wide = _padded(mean)
    slopes = [
        wide[:, :, 2:, 1:-1, 1:-1] - wide[:, :, :-2, 1:-1, 1:-1],
        wide[:, :, 1:-1, 2:, 1:-1] - wide[:, :, 1:-1, :-2, 1:-1],
        wide[:, :, 1:-1, 1:-1, 2:] - wide[:, :, 1:-1, 1:-1, :-2],
    ]
    squares = slopes[0].square() + slopes[1].square() + slopes[2].square()
    # The square root has no finite slope at 0.
    gradient = (squares / 4 + 1e-8).sqrt()
    return torch.cat([image, mean, image - mean, gradient, mean - _box_mean(wide)], dim=1)


def depth_layers(distance: Tensor, masks: Tensor, layers: int) -> Tensor:
    """Cut every region into layers of equal thickness between its least and its greatest depth in that case.

    What distinguishes lesions is often a profile across the boundary (a bright rim, an enhancement that
    fades), which the mean over a region hides.

    Parameters
    ----------
    distance
        Signed distance to the lesion's boundary, shape (case, 1, z, y, x).
    masks
        Regions, shape (case, region, z, y, x).
    layers
        How many, at least 1.

    Returns
    -------
    Tensor
        Weights, shape (case, region, layer, z, y, x): 1 in the layer, and a thousandth in all of its region,
        so that a layer without a voxel shows what its region shows.
    """
    if layers == 1:
        return masks[:, :, None]
    far = torch.full_like(distance, 1e4)
    least = torch.where(masks > 0, distance, far).amin(dim=(2, 3, 4), keepdim=True)
    most = torch.where(masks > 0, distance, -far).amax(dim=(2, 3, 4), keepdim=True)
    # A region without a voxel has no depth: its thickness is taken as anything above 0.
    thickness = ((most - least) / layers).clamp_min(1e-3)
    place = ((distance - least) / thickness).floor().clamp(0, layers - 1)  # (case, region, z, y, x)
    numbers = torch.arange(layers, device=masks.device).view(-1, 1, 1, 1)
    inside = (place[:, :, None] == numbers) * masks[:, :, None]
    return inside + LEAK * masks[:, :, None]


def _padded(image: Tensor) -> Tensor:
    return F.pad(image, (1,) * 6, mode="replicate")


def _box_mean(padded: Tensor) -> Tensor:
    """Mean over 3 x 3 x 3 voxels, axis by axis, which is faster than average pooling."""
    for axis in (2, 3, 4):
        before, at, after = (padded.narrow(axis, start, padded.shape[axis] - 2) for start in range(3))
        padded = (before + at + after) / 3
    return padded
