"""The flow of patients of an import as a figure: found, left out with the reason, kept."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from bench.files import writing
from bench.page.drawing import Drawing, drawn_in, headed_figure
from bench.page.saving import save_drawing
from bench.page.style import FAINT, MUTED, STYLES, Style, StyleName
from bench.report.layout import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_MM = 16.0
LINE_LENGTH = 34


def flow_figure(flow: Mapping[str, Any], synthetic: bool, style: Style) -> Drawing:
    """Boxes from the patients found to those kept, with one to the side for each reason to leave out.

    Parameters
    ----------
    flow
        ``import_report.json``, see :class:`bench.cohorts.importers.report.ImportReport`.
    synthetic
        Whether no patient is real.
    """
    found, kept, cases = flow["patients"]["found"], flow["patients"]["kept"], flow["cases"]["kept"]
    reasons: Mapping[str, int] = flow["reasons"]
    last = len(reasons) + 1
    figure, (axes,) = headed_figure(flow["cohort"], synthetic, style.double_mm, ROW_MM * (last + 1.5))
    _arrow(axes, (0, 0.3), (0, last - 0.4))
    _box(axes, 0, 0, f"patients found: {found}")
    for row, (reason, count) in enumerate(reasons.items(), start=1):
        _arrow(axes, (0, row), (0.6, row))
        _box(axes, 1, row, f"left out: {reason}: {count}")
    _box(axes, 0, last, f"patients kept: {kept}\ncases kept: {cases}")
    axes.set_xlim(-0.6, 1.6)
    axes.set_ylim(last + 0.5, -0.5)
    axes.set_axis_off()
    said = "; ".join(f"{reason}: {count}" for reason, count in reasons.items()) or "none"
    return Drawing(
        "flow",
        "Flow of patients",
        "Patients that the import found and kept; right: patients, studies or cases left out, by reason.",
        f"Found {found} patients; left out: {said}; kept {kept} patients with {cases} cases.",
        figure,
    )


def write_flow(flow: Mapping[str, Any], synthetic: bool, folder: Path, style: StyleName) -> list[Path]:
    """Write the flow of patients as PDF, SVG and PNG; raises BenchError where that cannot be done."""
    with writing(folder, "the figures", "--out"):
        folder.mkdir(parents=True, exist_ok=True)
        with drawn_in(STYLES[style]):
            return save_drawing(flow_figure(flow, synthetic, STYLES[style]), folder, style)


def _box(axes: "Axes", x: float, row: float, text: str) -> None:
    words = "\n".join(fill(one_line(line), LINE_LENGTH) for line in text.split("\n"))
    frame = {"boxstyle": "round,pad=0.5", "facecolor": FAINT, "edgecolor": MUTED}
    axes.text(x, row, words, ha="center", va="center", bbox=frame)


def _arrow(axes: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": MUTED})
