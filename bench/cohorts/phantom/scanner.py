"""Sites and their scanners: the grid, geometry, blur, bias field, noise and intensity scale of an image."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter

FIELD_MM = 60.0
MAX_SHIFT_MM = 2.0

_AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_AXIAL_FLIPPED = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))
_SAGITTAL = ((0.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0))
_OBLIQUE = ((1.0, 0.0, 0.0), (0.0, 0.9945218954, -0.1045284633), (0.0, 0.1045284633, 0.9945218954))


@dataclass(frozen=True)
class Site:
    """A centre and its scanner.

    Parameters
    ----------
    spacing
        Voxel in mm, order (slice, row, column).
    direction
        Direction cosines as SimpleITK has them: columns are the column, row and slice axes in LPS.
    blur_mm
        In-plane point spread, standard deviation in mm; across slices ``0.4`` of the slice distance is added.
    noise
        Standard deviation of each of the two noise channels, in units of a typical lesion's enhancement.
    bias
        Logarithm of the gain between the centre of the field and its edge.
    gain
        Stored units per unit of signal.
    """

    group: Literal["internal", "external"]
    spacing: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], ...]
    vendor: str
    field_strength: float
    blur_mm: float
    noise: float
    bias: float
    gain: float

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Voxel centres along slice, row and column in mm; zero at the centre of the field."""
        counts = [int(np.ceil(FIELD_MM / step)) + 1 for step in self.spacing]
        z, y, x = (step * (np.arange(n) - (n - 1) / 2) for n, step in zip(counts, self.spacing, strict=True))
        return z, y, x


SITES: Mapping[str, Site] = {
    "A": Site("internal", (1.5, 1.0, 1.0), _AXIAL, "Aurora", 1.5, 0.7, 0.070, 0.15, 260.0),
    "B": Site("internal", (2.0, 0.9, 0.9), _AXIAL_FLIPPED, "Borealis", 3.0, 0.6, 0.060, 0.25, 410.0),
    "C": Site("internal", (1.2, 1.2, 1.2), _SAGITTAL, "Cirrus", 3.0, 0.7, 0.080, 0.20, 180.0),
    "D": Site("external", (2.4, 0.8, 0.8), _OBLIQUE, "Dioptra", 1.5, 0.8, 0.090, 0.30, 330.0),
}


def scan(signal: np.ndarray, site: Site, rng: np.random.Generator) -> np.ndarray:
    """What the site's scanner makes of a signal: int16, same shape (z, y, x).

    Blur, a log-linear bias field in a random direction, Rician noise and a gain that differs by case.
    """
    slope = rng.standard_normal(3)
    noise = site.noise * rng.lognormal(0.0, 0.2)
    gain = site.gain * rng.lognormal(0.0, 0.15)
    real, imaginary = rng.standard_normal((2, *signal.shape), dtype=np.float32)
    spread = [site.blur_mm / step for step in site.spacing]
    spread[0] = float(np.hypot(spread[0], 0.4))
    image = gaussian_filter(signal, spread, truncate=2.5)
    slope *= site.bias / (FIELD_MM / 2) / np.linalg.norm(slope)
    for ramp in (slope[k] * axis for k, axis in enumerate(np.ix_(*site.axes))):
        image *= np.exp(ramp, dtype=np.float32)
    magnitude = np.hypot(image + np.float32(noise) * real, np.float32(noise) * imaginary)
    stored: np.ndarray = np.clip(np.rint(np.float32(gain) * magnitude), 0, 32767).astype(np.int16)
    return stored


def write(array: np.ndarray, path: Path, site: Site, corner: tuple[float, ...]) -> None:
    """Write a volume (z, y, x) as NIfTI in the site's geometry; ``corner`` is its first voxel (LPS, mm)."""
    image: Any = sitk.GetImageFromArray(array)
    image.SetSpacing(site.spacing[::-1])
    image.SetDirection([cosine for row in site.direction for cosine in row])
    image.SetOrigin(corner)
    sitk.WriteImage(image, str(path), useCompression=True)
