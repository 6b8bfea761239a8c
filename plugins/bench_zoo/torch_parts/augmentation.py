"""Changes of a training batch that leave its labels true; drawing them is apart from applying them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# One orientation serves a group of cases: turning a block of memory once is far cheaper than case by case.
CASES_PER_ORIENTATION = 8


@dataclass(frozen=True)
class Augmentation:
    """What is done to one batch.

    Parameters
    ----------
    orientations
        One of the cube's 48 symmetries for each group of cases: the order of the spatial axes, and the axes
        flipped.
    gain, offset
        Intensity is multiplied by ``gain`` and raised by ``offset``, shape (case,).
    noise
        Standard deviation of white noise added to the intensity, shape (case,).
    """

    orientations: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    gain: Tensor
    offset: Tensor
    noise: Tensor


def draw_augmentation(cases: int, strength: float, generator: torch.Generator) -> Augmentation:
    """Draw an augmentation for a batch.

    Parameters
    ----------
    cases
        Number of cases in the batch.
    strength
        1 gives gains of about 10 %, offsets and noise of about 0.05 of the normalised intensity; 0 leaves the
        intensity alone. Orientations are drawn at any strength above 0.
    generator
        Source of randomness, on the CPU whatever the device trains.
    """
    groups = -(-cases // CASES_PER_ORIENTATION) if strength > 0 else 0
    orientations = tuple(_draw_orientation(generator) for _ in range(groups))
    jitter = torch.randn(3, cases, generator=generator) * strength
    return Augmentation(orientations, torch.exp(0.1 * jitter[0]), 0.05 * jitter[1], 0.05 * jitter[2].abs())


def apply_augmentation(
    augmentation: Augmentation, images: Tensor, others: Sequence[Tensor], generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Augmented images (case, channel, z, y, x), intensity as first channel, and others turned alike."""
    images, *turned = (_orient(tensor, augmentation) for tensor in (images, *others))
    gain, offset, noise = (
        value.to(images.device).view(-1, 1, 1, 1)
        for value in (augmentation.gain, augmentation.offset, augmentation.noise)
    )
    images = images.clone()
    grain = torch.randn(images[:, 0].shape, generator=generator).to(images.device)
    images[:, 0] = images[:, 0] * gain + offset + noise * grain
    return (images, *turned)


def _draw_orientation(generator: torch.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    order = torch.randperm(3, generator=generator)
    flips = torch.rand(3, generator=generator) < 0.5
    return tuple((2 + order).tolist()), tuple((2 + flips.nonzero()[:, 0]).tolist())


def _orient(tensor: Tensor, augmentation: Augmentation) -> Tensor:
    if not augmentation.orientations:
        return tensor
    groups = tensor.split(CASES_PER_ORIENTATION)
    turned = [
        group.permute(0, 1, *order).flip(flips)
        for group, (order, flips) in zip(groups, augmentation.orientations, strict=True)
    ]
    return torch.cat(turned)
