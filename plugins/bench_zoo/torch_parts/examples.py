"""Crops and labels of a cohort as a network reads them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench_zoo.targets import Target, encode

# Crops of up to this many bytes are held in memory; larger ones are read from the crop cache batch by batch.
MEMORY_LIMIT = 512 * 2**20

Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Examples:
    """What a network learns from, is judged on or reads.

    Parameters
    ----------
    read
        ``read(indices)`` gives the inputs of these cases, each with the case as first axis, on the CPU.
    targets
        Shape (case, task), float32, on the model's scale, NaN where unknown.
    """

    read: Callable[[np.ndarray], Inputs]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def of_task(self, task: int) -> "Examples":
        """The same cases with the labels of one task alone, shape (case, 1)."""
        return Examples(self.read, self.targets[:, task : task + 1])


def crop_examples(cohort: Cohort, crop: Crop, targets: Sequence[Target], regions: bool) -> Examples:
    """A cohort's crops (case, channel, z, y, x) float32, and targets, NaN where the cohort is blind.

    Parameters
    ----------
    regions
        Whether core, rim and surround, (case, 3, z, y, x) bool, are read beside the crops.
    """
    cases = len(cohort)
    fits = cases * len(crop.channels) * int(np.prod(crop.shape)) * 4 <= MEMORY_LIMIT
    sources: tuple[Any, ...] = (cohort.crops(crop), *((cohort.regions(crop),) if regions else ()))
    if fits:
        sources = tuple(np.asarray(source[np.arange(cases)]) for source in sources)

    def read(indices: np.ndarray) -> Inputs:
        return tuple(torch.from_numpy(np.ascontiguousarray(source[indices])) for source in sources)

    blind = np.full((cases, len(targets)), np.nan, dtype=np.float32)
    return Examples(read, torch.from_numpy(blind if cohort.is_blind else encode(targets, cohort)))
