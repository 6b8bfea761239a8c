"""A sheet of one explained case: three planes with the lesion's outline, and heat over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.files import written
from bench.imaging.planes import NAMES, Plane
from bench.page.case_pictures import HEAT, heated, outlined
from bench.page.drawing import drawn_in, headed_figure
from bench.page.style import STYLES, StyleName

ROW_MM, HEAD_MM, KEY_MM = 58, 12, 14


@dataclass(frozen=True, eq=False)
class HeatSheet:
    """What the sheet of a case shows.

    Parameters
    ----------
    title
        Method, case and cohort.
    synthetic
        Whether no patient is real.
    planes
        Axial, coronal and sagittal slice with the most lesion.
    heats
        What is predicted, to the heat in the same slices, 0 to 1, each of shape (row, column).
    notes
        How the maps were made, in lines.
    """

    title: str
    synthetic: bool
    planes: Sequence[Plane]
    heats: Mapping[str, Sequence[np.ndarray]]
    notes: Sequence[str]


def write_heat_sheet(sheet: HeatSheet, path: Path) -> None:
    """Write the sheet as PNG; raises BenchError where the file cannot be written."""
    from matplotlib.cm import ScalarMappable

    style = STYLES[StyleName.page]
    rows = 1 + len(sheet.heats)
    with drawn_in(style), written(path, "the sheet", "--out") as place:
        figure, panels = headed_figure(
            sheet.title,
            sheet.synthetic,
            style.double_mm,
            rows * ROW_MM + HEAD_MM + KEY_MM,
            rows=rows,
            columns=3,
        )
        for axes, plane, name in zip(panels, sheet.planes, NAMES, strict=False):
            axes.imshow(outlined(plane), interpolation="nearest")
            axes.set_title(name)
        for at, (name, heats) in enumerate(sheet.heats.items(), start=1):
            for axes, plane, heat in zip(panels[3 * at :], sheet.planes, heats, strict=False):
                axes.imshow(heated(plane, heat), interpolation="nearest")
            panels[3 * at].set_title(name, loc="left")
        for axes in panels:
            axes.set_axis_off()
        key = figure.colorbar(ScalarMappable(cmap=HEAT), ax=panels, location="bottom", shrink=0.4, aspect=40)
        key.set_label("\n".join(["heat, share of the map's peak", *sheet.notes]), loc="center")
        figure.savefig(place, format="png")
