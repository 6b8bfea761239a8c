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

# Points between the wiped crop and the crop at which gradients are taken, so many of them at once.
STEPS, AT_ONCE = 16, 8
# Standard deviation, in voxels, that maps are smoothed with: gradients of single voxels are noise.
SMOOTHING = 1.0


def gradient_maps(method: NetworkMethod, cohort: Cohort, tasks: Sequence[str]) -> dict[str, np.ndarray]:
    """Heat of every case on the crop grid by task, float32, at least 0, shape (case, z, y, x).

    The absolute value of :func:`integrated_gradients`, summed over the channels that show images, smoothed by
    a Gaussian of one voxel.
    """
    found = np.abs(attributions(method, cohort, tasks)).sum(axis=2)
    smooth = gaussian_filter(found, (0, 0, SMOOTHING, SMOOTHING, SMOOTHING))
    return {task: smooth[:, at] for at, task in enumerate(tasks)}


def attributions(method: NetworkMethod, cohort: Cohort, tasks: Sequence[str]) -> np.ndarray:
    """Integrated gradients of the outputs on their own scale, shape (case, task, image, z, y, x)."""
    network, run = method._fitted()
    crop = method._crop()
    shown = [at for at, name in enumerate(crop.channels) if images_in(name, cohort.images)]
    reader = FlipAveraged(network) if method.flips else network
    examples = method._examples(cohort)
    known = [target.task for target in method.targets]
    columns = [known.index(task) for task in tasks]
    with computing(run):
        reader.to(run.device).eval()
        found = []
        for case in range(len(cohort)):
            inputs = tuple(one.to(run.device) for one in examples.read(np.array([case])))
            found.append(integrated_gradients(reader, inputs, shown, columns).cpu().numpy())
    network.cpu()
    return np.stack(found) if found else np.empty((0, len(tasks), len(shown), *crop.shape), np.float32)


def integrated_gradients(
    network: nn.Module,
    inputs: Sequence[Tensor],
    shown: Sequence[int],
    columns: Sequence[int],
    steps: int = STEPS,
) -> Tensor:
    """Attributions of outputs to the voxels of one case (Sundararajan et al. 2017, arXiv 1703.01365).

    Their sum is the output for the case less that for the case whose images are 0, its median; mask and
    distance stay. Gradients are taken in the middle of ``steps`` equal parts of the straight way between.

    Parameters
    ----------
    inputs
        What the network reads: the crop, shape (1, channel, z, y, x), and what is read beside it.
    shown
        Channels of the crop that show images.
    columns
        Which outputs.

    Returns
    -------
    torch.Tensor
        Shape (output, image, z, y, x).
    """
    images, *others = inputs
    total = torch.zeros(len(columns), *images[0, shown].shape, device=images.device)
    for shares in torch.split((torch.arange(steps, device=images.device) + 0.5) / steps, AT_ONCE):
        crops = images.repeat(len(shares), 1, 1, 1, 1)
        crops[:, shown] *= shares[:, None, None, None, None]
        crops.requires_grad_()
        repeated = (one.repeat(len(shares), *[1] * (one.ndim - 1)) for one in others)
        outputs = network(crops, *repeated)
        for at, column in enumerate(columns):
            (gradient,) = torch.autograd.grad(outputs[:, column].sum(), crops, retain_graph=True)
            total[at] += gradient[:, shown].sum(dim=0)
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
