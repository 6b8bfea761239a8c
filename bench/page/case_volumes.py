"""Small volumes of single cases for the viewer in the page: crop, outline of the lesion, heat maps."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_erosion

from bench.imaging.intensity import INTENSITY_RANGE
from bench.page.case_pictures import WINDOW, shown_crop

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.imaging.grid import Grid

# Stored voxels are bytes.
BRIGHTEST = 255
# What the volumes of all cases of a page may take, as text; cases beyond have their picture alone.
MAX_BYTES = 16_000_000
# NiiVue (BSD-2-Clause), packed; see the README beside it.
NIIVUE = files("bench.page") / "assets" / "niivue"


@dataclass(frozen=True)
class CaseVolumes:
    """Volumes of a case as packed NIfTI on the grid of the pictures; a byte a voxel.

    Parameters
    ----------
    image, outline
        Intensities over their whole range, and the lesion's outermost voxels.
    heats
        Name of a map to its heat, 0 to 255 (the peak).
    """

    image: bytes
    outline: bytes
    heats: Mapping[str, bytes] = field(default_factory=dict)

    def to_json(self) -> str:
        """As JSON that can stand in a page, voxels in base64."""
        content = {
            "image": _text(self.image),
            "outline": _text(self.outline),
            "heats": [{"name": name, "volume": _text(heat)} for name, heat in self.heats.items()],
        }
        return json.dumps(content).replace("<", "\\u003c")


def case_volumes(cohort: "Cohort", case_id: str, heats: Mapping[str, Path] | None = None) -> CaseVolumes:
    """The volumes of a case.

    Parameters
    ----------
    heats
        Name of each heat map to its file, 0 to 1, on whatever grid, such as `bench explain` writes.

    Raises
    ------
    CohortError
        A file of the case or of a map cannot be used.
    """
    from bench.imaging.onto_image import nifti_bytes

    image, mask, grid = shown_crop(cohort, case_id)
    inside = mask > 0
    return CaseVolumes(
        nifti_bytes(as_bytes(image, *INTENSITY_RANGE), grid),
        nifti_bytes((inside & ~binary_erosion(inside)).astype(np.uint8), grid),
        {
            name: nifti_bytes(as_bytes(heat_on(case_id, path, grid), 0, 1), grid)
            for name, path in (heats or {}).items()
        },
    )


def heat_planes(cohort: "Cohort", case_id: str, heats: Mapping[str, Path]) -> list[tuple[np.ndarray, ...]]:
    """The slices of each heat map of a case that the pictures show, see :func:`case_volumes`."""
    from bench.imaging.planes import lesion_centre, slices_at

    if not heats:
        return []
    _, mask, grid = shown_crop(cohort, case_id)
    centre = lesion_centre(mask > 0)
    return [slices_at(heat_on(case_id, path, grid), centre) for path in heats.values()]


def heat_on(case_id: str, path: Path, grid: "Grid") -> np.ndarray:
    """A stored heat map on a grid, float32, shape (z, y, x)."""
    from bench.imaging.onto_image import on_grid
    from bench.imaging.volume import open_file

    file = open_file(case_id, "heat map", path)
    return on_grid(file.whole(), file.grid, grid)


def as_bytes(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values from ``low`` to ``high`` as 0 to 255, uint8."""
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * BRIGHTEST).astype(np.uint8)


def window_bytes() -> tuple[int, int]:
    """What is black and what white at first, as stored bytes."""
    low, high = (int(as_bytes(np.array(value), *INTENSITY_RANGE)) for value in WINDOW)
    return low, high


def bounded(volumes: Mapping[str, CaseVolumes], most: int = MAX_BYTES) -> dict[str, str]:
    """JSON of the first cases whose volumes together take at most so many bytes."""
    found: dict[str, str] = {}
    for case_id, one in volumes.items():
        text = one.to_json()
        most -= len(text)
        if most < 0:
            break
        found[case_id] = text
    return found


def viewer_script() -> str:
    """The packed script of the viewer in base64."""
    return _text((NIIVUE / "niivue.umd.js.gz").read_bytes())


def _text(content: bytes) -> str:
    return b64encode(content).decode("ascii")
