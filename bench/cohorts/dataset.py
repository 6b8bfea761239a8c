"""Crops and labels of a cohort as torch reads them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from bench.imaging.crops import Crops


class CropDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Image and labels of each case: float32 of shape (channel, z, y, x), and float32 of shape (task,).

    Parameters
    ----------
    crops
        Of the cases, read from the crop cache when an item is asked for.
    labels
        One array of shape (case,) per task, NaN where unknown.

    Examples
    --------
    >>> import bench
    >>> from torch.utils.data import DataLoader
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> crops = cohort.dataset(bench.Crop(size_mm=40, spacing_mm=2), tasks=["er", "ki67"])
    >>> images, labels = next(iter(DataLoader(crops, batch_size=4)))
    >>> tuple(images.shape), tuple(labels.shape)
    ((4, 2, 20, 20, 20), (4, 2))
    """

    def __init__(self, crops: Crops, labels: Sequence[np.ndarray]) -> None:
        self.crops = crops
        stacked = np.stack(labels, axis=1) if labels else np.empty((len(crops), 0))
        self.labels = torch.from_numpy(stacked.astype(np.float32))

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(self.crops[index]), self.labels[index]
