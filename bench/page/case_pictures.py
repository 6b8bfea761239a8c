"""Pictures of single cases: three planes round the lesion with its outline."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import binary_erosion

from bench.files import written
from bench.imaging.crop import Crop
from bench.imaging.planes import Plane, three_planes
from bench.page.drawing import drawn_in
from bench.page.style import MM, STYLES, StyleName
from bench.report.layout import one_line
from bench.report.table import Table, TableCell

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.imaging.grid import Grid

CROP = Crop(size_mm=48, spacing_mm=1)
# Pixels that a voxel of the crop gets, so that the outline is thinner than a voxel.
ENLARGED = 3
# Yellow stands out from any grey; Okabe & Ito (2008).
OUTLINE = (0.941, 0.894, 0.259)
# Of normalised intensities, whose 0 is the crop's median and 1 its 99th percentile: black and white.
WINDOW = (-0.6, 1.5)
ROW_MM = 34
# Heat from none to the peak: dark to bright, so that it is read in grey too; and how much of it lies over the
# image at the peak.
HEAT, OPAQUE = "inferno", 0.75
# How much of a region's colour lies over the image.
TINT = 0.4
Colour = tuple[float, float, float]


class ShownCrop(NamedTuple):
    """Intensities and mask of the crop that pictures show, each of shape (z, y, x), and where it lies."""

    image: np.ndarray
    mask: np.ndarray
    grid: "Grid"


def shown_crop(cohort: "Cohort", case_id: str) -> ShownCrop:
    """The crop of a case that pictures show; raises CohortError where its files cannot be used."""
    from bench.imaging.cut import cut_crop
    from bench.imaging.onto_image import grids_of_case

    source = cohort.crop_source()
    image_path, mask_path = source.paths(case_id)
    labels = source.lesion_labels.get(case_id, ())
    image, mask, _ = cut_crop(case_id, image_path, mask_path, CROP, labels)
    _, grid = grids_of_case(case_id, mask_path, CROP, labels)
    return ShownCrop(image, mask, grid)


def case_planes(cohort: "Cohort", case_id: str) -> tuple[Plane, Plane, Plane]:
    """Three planes of a case; raises CohortError where its files cannot be used."""
    shown = shown_crop(cohort, case_id)
    return three_planes(shown.image, shown.mask)


def outlined(plane: Plane, tints: Sequence[tuple[np.ndarray, Colour]] = ()) -> np.ndarray:
    """The plane in grey with the lesion's outline in colour, RGB in 0 to 1, shape (row, column, 3).

    Parameters
    ----------
    tints
        Regions, bool, shape (row, column) of the plane, each with the colour that it is tinted with.
    """
    low, high = WINDOW
    grey = np.clip((plane.image - low) / (high - low), 0, 1)
    picture = np.repeat(_enlarged(grey)[..., None], 3, axis=2)
    for region, colour in tints:
        inside = _enlarged(region) > 0
        picture[inside] = (1 - TINT) * picture[inside] + TINT * np.array(colour)
    mask = _enlarged(plane.mask) > 0
    picture[mask & ~binary_erosion(mask)] = OUTLINE
    return picture


def _enlarged(values: np.ndarray) -> np.ndarray:
    return np.kron(values, np.ones((ENLARGED, ENLARGED)))


def picture_png(planes: Sequence[Plane], heats: Sequence[Sequence[np.ndarray]] = ()) -> bytes:
    """The planes side by side as PNG, and below them each of the heat maps over them, see :func:`heated`."""
    from matplotlib.image import imsave

    rows = [[outlined(plane) for plane in planes]]
    rows += [[heated(plane, heat) for plane, heat in zip(planes, one, strict=True)] for one in heats]
    stream = BytesIO()
    imsave(stream, np.concatenate([np.concatenate(row, axis=1) for row in rows]), format="png")
    return stream.getvalue()


def heated(plane: Plane, heat: np.ndarray) -> np.ndarray:
    """The plane in grey under its heat, with the outline on top, RGB in 0 to 1, shape (row, column, 3).

    Parameters
    ----------
    heat
        0 to 1, shape (row, column) of the plane.
    """
    from matplotlib import colormaps

    picture = outlined(plane)
    large = _enlarged(np.clip(heat, 0, 1))
    colour = colormaps[HEAT](large)[..., :3]
    line = (picture == np.array(OUTLINE)).all(axis=2, keepdims=True)
    cover = OPAQUE * large[..., None]
    return np.where(line, picture, (1 - cover) * picture + cover * colour)


def write_sheet(table: Table, pictures: Mapping[str, Sequence[Plane]], path: Path) -> None:
    """Write a PNG with a row a case of a table of cases: what is predicted, and three planes.

    Raises BenchError where the file cannot be written.
    """
    from matplotlib.figure import Figure

    style = STYLES[StyleName.page]
    with drawn_in(style), written(path, "the sheet", "--sheet") as place:
        rows = len(table.rows)
        figure = Figure(figsize=(style.double_mm * MM, (ROW_MM * rows + 12) * MM), layout="constrained")
        banner = "SYNTHETIC cohort. " if table.synthetic else ""
        figure.suptitle(f"{banner}{one_line(table.title)}", x=0.01, ha="left", fontweight="bold")
        grid = figure.subplots(rows, 4, squeeze=False)
        for axes, row, record in zip(grid, table.rows, table.records, strict=True):
            axes[0].text(0, 1, _words(row), va="top", transform=axes[0].transAxes)
            for panel, plane in zip(axes[1:], pictures[str(record["case"])], strict=True):
                panel.imshow(outlined(plane), interpolation="nearest")
                panel.set_title(plane.name, fontsize="small")
            for panel in axes:
                panel.set_axis_off()
        figure.savefig(place, format="png")


def _words(row: Mapping[str, TableCell]) -> str:
    names = (
        ("", "case"),
        ("site ", "site"),
        ("truth ", "truth"),
        ("predicted ", "prediction"),
        ("threshold ", "threshold"),
        ("error ", "error"),
    )
    return "\n".join(f"{word}{one_line(row[name].text)}" for word, name in names)
