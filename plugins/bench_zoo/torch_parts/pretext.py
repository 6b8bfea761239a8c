"""Masked volumes: an encoder learns, without labels, to fill in blocks that were taken out of a crop.

After masked autoencoders (He et al., arXiv 2111.06377) and SparK (Tian et al., arXiv 2301.03580), which masks
images for convolutional encoders. Taken over: most blocks are removed, and the loss counts removed voxels
alone. Chosen here: blocks of a fifth of the edge, 60 % removed, their intensity set to 0; a decoder of one
linear layer and one transposed convolution a scale; AdamW with the schedule of all networks here. Changed: no
sparse convolutions, so an encoder may tell where blocks are missing. Only cases that are handed in are read,
which are a fold's training cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.methods.method import Run
from bench_zoo.torch_parts.examples import Examples, Inputs
from bench_zoo.torch_parts.training import Part, Schedule, computing, fit_network

BLOCKS = 5
REMOVED = 0.6
REDUCED = 16


class Inpainter(nn.Module):
    """An encoder of crops and what makes voxels of its features.

    Parameters
    ----------
    encoder
        (case, channel, z, y, x) -> (case, width).
    width
        Number of features.
    shape
        Of a crop, voxels along z, y, x.
    """

    def __init__(self, encoder: nn.Module, width: int, shape: Sequence[int]):
        super().__init__()
        self.encoder = encoder
        self.shape = tuple(shape)
        self.coarse = nn.Linear(width, REDUCED * BLOCKS**3)
        self.fine = nn.Sequential(
            nn.Conv3d(REDUCED, REDUCED, 3, padding=1),
            nn.GELU(),
            nn.Conv3d(REDUCED, 1, 3, padding=1),
        )

    def forward(self, hidden: Tensor, removed: Tensor, images: Tensor) -> Tensor:
        """Squared error of the removed voxels by case, (case, 1); all arguments (case, channel, z, y, x)."""
        coarse = self.coarse(self.encoder(hidden)).view(-1, REDUCED, BLOCKS, BLOCKS, BLOCKS)
        painted = self.fine(nn.functional.interpolate(coarse, size=self.shape, mode="trilinear"))
        square = (painted - images[:, :1]).square() * removed
        return square.flatten(1).sum(1, keepdim=True) / removed.flatten(1).sum(1, keepdim=True)


@dataclass(frozen=True)
class _Removal:
    """Takes blocks out of the intensity of a batch; the mask of the lesion stays."""

    shape: tuple[int, ...]

    def __call__(self, inputs: Inputs, generator: torch.Generator) -> Inputs:
        images = inputs[-1]
        score = torch.rand(len(images), BLOCKS**3, generator=generator)
        cut = score.kthvalue(round(REMOVED * BLOCKS**3), dim=1, keepdim=True).values
        blocks = (score <= cut).float().view(-1, 1, BLOCKS, BLOCKS, BLOCKS)
        removed = nn.functional.interpolate(blocks, size=self.shape, mode="nearest")
        hidden = torch.cat([images[:, :1] * (1 - removed), images[:, 1:]], dim=1)
        return hidden, removed, images


class _MeanError(nn.Module):
    """Mean over cases of what the inpainter says is its error."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(case, 1), and targets that are not read; a scalar."""
        return outputs.mean()


def pretrain(
    encoder: nn.Module, width: int, shape: Sequence[int], train: Examples, schedule: Schedule, run: Run
) -> Inpainter:
    """Train an encoder on crops without labels; it ends on the CPU, within what is returned.

    Parameters
    ----------
    encoder, width, shape
        See :class:`Inpainter`.
    train
        Crops; their targets are not read.
    schedule, run
        See :func:`bench_zoo.torch_parts.training.fit_network`; the last epoch's average stands.
    """
    unlabelled = Examples(train.read, torch.full((len(train), 1), torch.nan))
    nobody = Examples(train.read, unlabelled.targets[:0])
    with computing(run):
        inpainter = Inpainter(encoder, width, shape)
    part = Part(inpainter, _MeanError(), _untold, unlabelled, nobody)
    fit_network(part, schedule, run, _Removal(tuple(shape)))
    return inpainter


def _untold(outputs: Tensor, targets: Tensor) -> Tensor:
    """No validation case is asked: the last epoch stands."""
    return torch.tensor(torch.nan)
