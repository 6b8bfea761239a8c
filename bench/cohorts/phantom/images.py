"""The images of a phantom: a case rendered, scanned and written."""

from pathlib import Path

import numpy as np

from bench.cohorts.phantom.anatomy import draw_structure, render
from bench.cohorts.phantom.draw import Lesion, image_stream
from bench.cohorts.phantom.scanner import MAX_SHIFT_MM, SITES, scan, write
from bench.cohorts.phantom.scenarios import ATTRIBUTES


def image_path(lesion: Lesion, kind: str) -> str:
    """Path of a case's ``image`` or ``mask`` inside the cohort folder."""
    return f"images/{lesion.case_id}_{kind}.nii.gz"


def quantities(lesion: Lesion) -> dict[str, float]:
    """Physical quantity of every attribute of a lesion."""
    pairs = zip(ATTRIBUTES.items(), lesion.parameters, strict=True)
    return {name: attribute.quantity(parameter) for (name, attribute), parameter in pairs}


def render_case(lesion: Lesion, seed: int) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Image (int16) and mask (uint8), shape (slice, row, column), and the first voxel's place (LPS, mm)."""
    site = SITES[lesion.site]
    rng = image_stream(seed, lesion)
    signal, mask = render(draw_structure(rng, site.axes, MAX_SHIFT_MM), quantities(lesion))
    corner = tuple(float(c) for c in np.round(rng.uniform(-80, 80, 3), 2))
    return scan(signal, site, rng), mask.astype(np.uint8), corner


def write_case(lesion: Lesion, seed: int, folder: Path) -> None:
    """Render one case into the cohort folder."""
    image, mask, corner = render_case(lesion, seed)
    for kind, array in (("image", image), ("mask", mask)):
        write(array, folder / image_path(lesion, kind), SITES[lesion.site], corner)
