"""One case looked at: three planes with the lesion's outline, its regions, and what table and headers say."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from bench.cohorts.case_facts import case_facts
from bench.imaging.planes import NAMES, Plane, lesion_centre, slices_at, three_planes
from bench.imaging.regions import REGIONS, region_masks
from bench.page.case_pictures import CROP, outlined
from bench.page.drawing import drawn_in, headed_figure
from bench.page.style import STYLES, Style, StyleName
from bench.report.layout import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.cohorts.cohort import Cohort
    from bench.imaging.source import CropSource

# Core, rim and peritumoural region; Okabe & Ito (2008).
REGION_COLOURS = ((0.902, 0.624, 0.0), (0.337, 0.706, 0.914), (0.0, 0.62, 0.451))
ROW_MM, LINE_MM, HEAD_MM = 70, 5, 10
# Letters in half the width of the drawing.
LINE_LENGTH = 55


@dataclass(frozen=True, eq=False)
class CaseView:
    """What is shown of one case.

    Parameters
    ----------
    cohort, synthetic
        Name of its cohort, and whether no patient is real.
    planes
        Axial, coronal and sagittal slice through the lesion.
    regions
        Of each of these, core, rim and peritumoural region, bool, shape (3, row, column).
    facts
        Name to text.
    further
        The same slices of further images, by name; all are in the unit of the first one.
    """

    cohort: str
    synthetic: bool
    case_id: str
    planes: tuple[Plane, Plane, Plane]
    regions: tuple[np.ndarray, ...]
    facts: Mapping[str, str]
    further: Mapping[str, tuple[Plane, Plane, Plane]] = field(default_factory=dict)


def case_view(cohort: "Cohort", case_id: str) -> CaseView:
    """Look at a case; raises CohortError where there is no such case or its files cannot be used."""
    from bench.imaging.cut import cut_crop

    facts = case_facts(cohort, case_id)
    source = cohort.crop_source()
    labels = source.lesion_labels.get(case_id, ())
    image, mask, distance = cut_crop(case_id, *source.paths(case_id), CROP, labels)
    centre = lesion_centre(mask > 0)
    each = [slices_at(region, centre) for region in region_masks(distance)]
    regions = tuple(np.stack(plane) for plane in zip(*each, strict=True))
    further = _further(source, case_id, mask) if source.images[1:] else {}
    planes = three_planes(image, mask)
    return CaseView(cohort.name, cohort.synthetic, case_id, planes, regions, facts, further)


def _further(source: "CropSource", case_id: str, mask: np.ndarray) -> dict[str, tuple[Plane, Plane, Plane]]:
    """The slices of a case's further images by name."""
    from bench.imaging.cut import cut_images

    first, mask_path = source.paths(case_id)
    files = {source.images[0]: first, **source.others(case_id)}
    cut = cut_images(case_id, files, mask_path, CROP, source.lesion_labels.get(case_id, ()))
    pairs = zip(source.images[1:], cut.channels[1:], strict=True)
    return {name: three_planes(channel, mask) for name, channel in pairs}


def draw_case(view: CaseView, style: Style) -> "Figure":
    """Three planes with the outline, the same with the regions, further images, and the facts below."""
    images = 2 + len(view.further)
    words_mm = LINE_MM * (len(view.facts) // 2 + 3)
    figure, panels = headed_figure(
        f"{view.cohort}, case {view.case_id}",
        view.synthetic,
        style.double_mm,
        images * ROW_MM + words_mm + HEAD_MM,
        rows=images + 1,
        columns=3,
        height_ratios=(*[ROW_MM] * images, words_mm),
    )
    draw_planes(view, panels[:3], panels[3:6])
    for at, (name, planes) in enumerate(view.further.items(), start=2):
        _draw_image(name, planes, panels[3 * at : 3 * at + 3])
    _words(panels[3 * images :], view.facts)
    return figure


def _draw_image(name: str, planes: tuple[Plane, Plane, Plane], row: "list[Axes]") -> None:
    """The slices of a further image with the outline."""
    for axes, plane in zip(row, planes, strict=True):
        axes.imshow(outlined(plane), interpolation="nearest")
        axes.set_axis_off()
    row[0].set_title(one_line(name), fontsize="small", loc="left")


def draw_planes(view: CaseView, above: "list[Axes]", below: "list[Axes]") -> None:
    """The planes with the outline on three axes, and with the regions on three others."""
    for axes, plane in zip(above, view.planes, strict=True):
        axes.imshow(outlined(plane), interpolation="nearest")
        axes.set_title(plane.name, fontsize="small")
    for axes, plane, regions in zip(below, view.planes, view.regions, strict=True):
        tints = list(zip(regions, REGION_COLOURS, strict=True))
        axes.imshow(outlined(plane, tints), interpolation="nearest")
    for axes in (*above, *below):
        axes.set_axis_off()


def _words(panels: "list[Axes]", facts: Mapping[str, str]) -> None:
    """What the colours mean, and the facts in two columns."""
    from matplotlib.patches import Patch

    names = [*REGIONS[:2], "peritumoural region"]
    keys = [Patch(color=colour, label=name) for name, colour in zip(names, REGION_COLOURS, strict=True)]
    panels[0].legend(handles=keys, loc="upper left", ncols=3, borderaxespad=0).set_in_layout(False)
    lines = [line for name, text in facts.items() for line in wrap(one_line(f"{name}: {text}"), LINE_LENGTH)]
    half = (len(lines) + 1) // 2
    for place, part in zip((0, 1.5), (lines[:half], lines[half:]), strict=True):
        words = panels[0].text(
            place, 0.85, "\n".join(part), va="top", transform=panels[0].transAxes, linespacing=1.3
        )
        words.set_in_layout(False)
    for axes in panels:
        axes.set_axis_off()


def case_png(view: CaseView) -> bytes:
    """The drawing of a case as PNG."""
    stream = BytesIO()
    with drawn_in(STYLES[StyleName.page]):
        draw_case(view, STYLES[StyleName.page]).savefig(stream, format="png")
    return stream.getvalue()


def case_page(view: CaseView) -> str:
    """A page of HTML with the planes and the facts; it asks no address for anything."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("bench.page", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    style = (files("bench.page") / "assets" / "page.css").read_text(encoding="utf-8")
    return environment.get_template("case.html").render(
        view=view,
        style=Markup(style),
        picture=b64encode(case_png(view)).decode(),
        alt=f"{', '.join(NAMES)} slice of case {view.case_id} with the outline of the lesion and its regions",
    )
