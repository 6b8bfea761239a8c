"""What one image of a series says of itself: one file, or one frame of an enhanced multi-frame file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# In the order in which they are trusted to tell one phase from another.
MOMENTS = (
    "temporal position",
    "trigger time",
    "acquisition time",
    "content time",
    "acquisition number",
    "instance number",
)


@dataclass(frozen=True)
class Rescaling:
    """From stored numbers to intensities: ``stored * slope + intercept``, then ``/ divisor``.

    Philips writes the divisor apart: without it, phases that the scanner scaled differently for display are
    not comparable.
    """

    slope: float = 1.0
    intercept: float = 0.0
    divisor: float = 1.0


@dataclass(frozen=True)
class Image:
    """One slice at one moment.

    ``position`` (3,) and ``orientation`` (6,) are mm and cosines in the patient (LPS), ``spacing`` is mm
    between rows and between columns; ``moments`` has the entries of :data:`MOMENTS` that the header has;
    ``seconds`` counts from an arbitrary midnight, None where no time is given. ``contrast`` says whether the
    header names a contrast agent, None where it has no such field; ``space`` is its frame of reference,
    ``laterality`` the breast (L, R or empty).
    """

    path: str
    frame: int
    uid: str
    series: str
    series_number: int
    rows: int
    columns: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    moments: Mapping[str, float]
    seconds: float | None
    rescaling: Rescaling
    kind: tuple[str, ...]
    description: str = field(repr=False)
    contrast: bool | None
    acquisition: Mapping[str, str]
    burnt_in: bool
    space: str = field(repr=False)
    laterality: str

    @property
    def normal(self) -> np.ndarray:
        """Unit vector from slice to slice, shape (3,)."""
        row, column = np.array(self.orientation).reshape(2, 3)
        crossed = np.cross(row, column)
        return np.asarray(crossed / np.linalg.norm(crossed))

    @property
    def height(self) -> float:
        """Place along the normal in mm."""
        return float(self.normal @ np.array(self.position))
