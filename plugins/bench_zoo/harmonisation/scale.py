"""Grey scales: what is learned of training crops, and how any crop is brought to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bench.errors import CohortError

Floats = NDArray[np.float32]
Voxels = NDArray[np.bool_]
# Percentiles of the image that are its landmarks: deciles between the ends of what counts.
LANDMARKS = (1.0, *(10.0 * step for step in range(1, 10)), 99.0)
# Fewer voxels of tissue say little of its mean and spread; a spread below this is none.
FEWEST, FLAT = 50, 1e-6


class Scale(Protocol):
    """A grey scale that was learned."""

    @classmethod
    def fitted(cls, crops: Iterable[tuple[Floats, Voxels]]) -> Self:
        """Learn from image and mask of training cases, each of shape (z, y, x)."""

    def apply(self, image: Floats, lesion: Voxels) -> Floats:
        """One case's image on this scale, by nothing but the case itself."""

    def as_json(self) -> dict[str, Any]:
        """Numbers, for :meth:`from_json`."""

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """What :meth:`as_json` gave."""


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of the histogram on a standard scale, piecewise linear between them.

    Nyul, Udupa and Zhang 2000 (IEEE Trans Med Imaging 19:143): each training crop is stretched so that its
    outer percentiles agree, the landmarks between are averaged. What lies beyond the outer landmarks goes on
    in a straight line. Beyond the image, where a crop is exactly 0, nothing is read and nothing changed. A
    crop that is flat stays as it is.

    Parameters
    ----------
    standard
        The landmarks, rising, one a percentile of :data:`LANDMARKS`.
    """

    standard: tuple[float, ...]

    @classmethod
    def fitted(cls, crops: Iterable[tuple[Floats, Voxels]]) -> Self:
        """Mean landmarks; raises CohortError where every crop is flat."""
        found = np.array([marks for image, _ in crops if (marks := _landmarks(image)) is not None])
        if not len(found):
            raise CohortError("intensity='nyul': the crops of all training cases are flat")
        low, high = np.median(found[:, 0]), np.median(found[:, -1])
        spans = found[:, -1:] - found[:, :1]
        stretched = low + (found - found[:, :1]) / spans * (high - low)
        return cls(tuple(map(float, np.maximum.accumulate(stretched.mean(axis=0)))))

    def apply(self, image: Floats, lesion: Voxels) -> Floats:
        """Its own landmarks moved to the standard ones."""
        marks = _landmarks(image)
        if marks is None:
            return image
        standard = np.array(self.standard)
        # Landmarks that coincide, as of a crop with one value in many voxels, are one.
        marks, places = np.unique(marks, return_index=True)
        standard = standard[places]
        moved = np.interp(image, marks, standard)
        for beyond, near, far in ((image < marks[0], 0, 1), (image > marks[-1], -1, -2)):
            slope = (standard[near] - standard[far]) / (marks[near] - marks[far])
            moved = np.where(beyond, standard[near] + slope * (image - marks[near]), moved)
        return np.where(image == 0, 0, moved).astype(np.float32)

    def as_json(self) -> dict[str, Any]:
        """The landmarks."""
        return {"standard": self.standard}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """What :meth:`as_json` gave."""
        return cls(tuple(state["standard"]))


def _landmarks(image: Floats) -> NDArray[np.float64] | None:
    """Landmarks of what lies within the image, None where it is flat."""
    inside = image[image != 0]
    if len(inside) < FEWEST:
        return None
    marks: NDArray[np.float64] = np.percentile(inside, LANDMARKS).astype(float)
    return marks if marks[-1] - marks[0] > FLAT else None


@dataclass(frozen=True)
class TissueScore:
    """Mean and standard deviation of the tissue round the lesion at those of the training cases.

    Tissue: voxels of the crop within the image and outside the lesion. A crop with too little of it, or
    without spread, stays as it is; so do voxels beyond the image.

    Parameters
    ----------
    mean, spread
        Means over the training cases.
    """

    mean: float
    spread: float

    @classmethod
    def fitted(cls, crops: Iterable[tuple[Floats, Voxels]]) -> Self:
        """Means of the tissue; raises CohortError where no crop has any."""
        found = np.array([moments for one in crops if (moments := _moments(*one)) is not None])
        if not len(found):
            raise CohortError("intensity='zscore': no training case has tissue round its lesion in the crop")
        return cls(*map(float, found.mean(axis=0)))

    def apply(self, image: Floats, lesion: Voxels) -> Floats:
        """Its z-score in tissue, in units of the training cases."""
        moments = _moments(image, lesion)
        if moments is None:
            return image
        moved = self.mean + self.spread * (image - moments[0]) / moments[1]
        return np.where(image == 0, 0, moved).astype(np.float32)

    def as_json(self) -> dict[str, Any]:
        """Mean and spread."""
        return {"mean": self.mean, "spread": self.spread}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """What :meth:`as_json` gave."""
        return cls(**state)


def _moments(image: Floats, lesion: Voxels) -> tuple[float, float] | None:
    """Mean and standard deviation in tissue, None where there is too little or no spread."""
    tissue = image[(image != 0) & ~lesion]
    if len(tissue) < FEWEST or tissue.std() <= FLAT:
        return None
    return float(tissue.mean()), float(tissue.std())
