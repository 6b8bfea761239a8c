"""Crops and regions of a cohort's cases, read from disk when they are indexed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, SupportsIndex

import numpy as np

from bench.imaging.crop import CHANNELS, Crop, images_in
from bench.imaging.intensity import INTENSITY_RANGE
from bench.imaging.regions import region_masks

Index = SupportsIndex | slice | np.ndarray | list[int]


class Layer(NamedTuple):
    """A channel as it is stored, float16, shape (case, z, y, x), and what is taken from it, or None.

    ``clipped`` says whether values are cut to the range of intensities when they are read.
    """

    values: np.ndarray
    less: np.ndarray | None = None
    clipped: bool = False

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The channel of some cases, float32, shape (..., z, y, x) with the shape of ``rows`` in front."""
        found = self.values[rows].astype(np.float32)
        if self.less is not None:
            found -= self.less[rows].astype(np.float32)
        return np.asarray(np.clip(found, *INTENSITY_RANGE) if self.clipped else found)


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of the cases of a cohort, (case, channel, z, y, x), float32, read from disk when indexed.

    ``crops[i]`` and each item of a loop have shape (channel, z, y, x); a slice or an array of indices keeps
    the first axis.
    """

    layers: tuple[Layer, ...]
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths along case, channel, z, y, x."""
        return (len(self.rows), len(self.layers), *self.layers[0].values.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Index) -> np.ndarray:
        rows = np.asarray(self.rows[index])
        return np.stack([layer.read(rows) for layer in self.layers], axis=rows.ndim)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.float32, copy=False)


def crops_of(
    stored: np.ndarray,
    others: Callable[[], np.ndarray],
    rows: np.ndarray,
    crop: Crop,
    images: tuple[str, ...],
) -> Crops:
    """The channels of a crop out of what is stored.

    Parameters
    ----------
    stored
        The first image, mask and distance, shape (case, 3, z, y, x).
    others
        Gives every image, shape (case, image, z, y, x), in the unit of the first and not clipped; called
        where a channel shows more than the first image.
    rows
        Of the stored cases, in the order wanted.
    images
        Names of the images in their order.
    """
    every = others() if crop.needs_others(images) else stored[:, :0]

    def layer(channel: str) -> Layer:
        shown = images_in(channel, images)
        if shown in ((), images[:1]):
            return Layer(stored[:, CHANNELS.index(channel) if not shown else 0])
        values, *less = (every[:, images.index(name)] for name in shown)
        return Layer(values, less[0] if less else None, clipped=True)

    return Crops(tuple(map(layer, crop.channels)), rows)


@dataclass(frozen=True, eq=False)
class Regions:
    """Core, rim and peritumoural region of a cohort's cases, (case, 3, z, y, x), bool, computed when indexed.

    See :func:`bench.imaging.regions.region_masks` for the rule; indexing is that of :class:`Crops`.
    """

    distances: Crops
    core_mm: float
    rim_mm: tuple[float, float]
    surround_mm: tuple[float, float]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths along case, region, z, y, x."""
        return (len(self), 3, *self.distances.shape[2:])

    def __len__(self) -> int:
        return len(self.distances)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Index) -> np.ndarray:
        distances = self.distances[index]
        grid = distances.shape[-3:]
        masks = [
            region_masks(distance, self.core_mm, self.rim_mm, self.surround_mm)
            for distance in distances.reshape(-1, *grid)
        ]
        return np.array(masks, bool).reshape(*distances.shape[:-4], 3, *grid)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or bool, copy=False)
