"""Where a fitted network's output comes from, by integrated gradients; and the same network at random."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import images_in
from bench_zoo.torch_parts.fitted import NetworkMethod
from bench_zoo.torch_parts.heads import FlipAveraged
from bench_zoo.torch_parts.training import computing

# Points between the wiped crop and the crop at which gradients are taken.
STEPS = 24
# Standard deviation, in voxels, that maps are smoothed with: gradients of single voxels are noise.
SMOOTHING = 1.0


def gradient_maps(method: NetworkMethod, cohort: Cohort, task: str) -> np.ndarray:
    """Heat of every case on the crop grid, float32, at least 0, shape (case, z, y, x).

    The absolute value of :func:`integrated_gradients`, summed over the channels that show images, smoothed by
    a Gaussian of one voxel.
    """
    found = np.abs(attributions(method, cohort, task)).sum(axis=1)
    return gaussian_filter(found, (0, SMOOTHING, SMOOTHING, SMOOTHING))


def attributions(method: NetworkMethod, cohort: Cohort, task: str) -> np.ndarray:
    """Integrated gradients of the prediction's output on its own scale, shape (case, image, z, y, x)."""
    network, run = method._fitted()
    crop = method._crop()
    shown = [at for at, name in enumerate(crop.channels) if images_in(name, cohort.images)]
    reader = FlipAveraged(network) if method.flips else network
    examples = method._examples(cohort)
    column = [target.task for target in method.targets].index(task)
    with computing(run):
        reader.to(run.device).eval()
        found = []
        for case in range(len(cohort)):
            inputs = tuple(one.to(run.device) for one in examples.read(np.array([case])))
            found.append(integrated_gradients(reader, inputs, shown, column).cpu().numpy())
    network.cpu()
    return np.stack(found) if found else np.empty((0, len(shown), *crop.shape), np.float32)


def integrated_gradients(
    network: nn.Module, inputs: Sequence[Tensor], shown: Sequence[int], column: int, steps: int = STEPS
) -> Tensor:
    """Attributions of one output to the voxels of one case (Sundararajan et al. 2017, arXiv 1703.01365).

    Their sum is the output for the case less that for the case whose images are 0, its median; mask and
    distance stay. Gradients are taken in the middle of ``steps`` equal parts of the straight way between.

    Parameters
    ----------
    inputs
        What the network reads: the crop, shape (1, channel, z, y, x), and what is read beside it.
    shown
        Channels of the crop that show images.
    column
        Which output.

    Returns
    -------
    torch.Tensor
        Shape (image, z, y, x).
    """
    images, *others = inputs
    total = torch.zeros_like(images[0, shown])
    for step in range(steps):
        crop = images.clone()
        crop[:, shown] *= (step + 0.5) / steps
        crop.requires_grad_()
        (gradient,) = torch.autograd.grad(network(crop, *others)[:, column].sum(), crop)
        total += gradient[0, shown]
    return total / steps * images[0, shown]


def randomised(method: NetworkMethod, seed: int) -> NetworkMethod:
    """A copy whose weights, tensor by tensor, are in random order: same sizes and scales, nothing learned."""
    network, _ = method._fitted()
    other = copy.copy(method)
    other.network = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in other.network.parameters():
            order = torch.randperm(weights.numel(), generator=generator)
            weights.copy_(weights.flatten()[order].view_as(weights))
    return other
