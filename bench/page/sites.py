"""Forest plots of the sites."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.page.drawing import Drawing, Series, file_name, new_figure, series_of
from bench.page.forest import AROUND_MM, ROW_MM, Row
from bench.page.style import FAINT, Style
from bench.report.full_report import FullReport
from bench.report.layout import one_line
from bench.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOW_READ = (
    "Value of each of the first methods of the board at each site, with 95 % intervals. Within sites "
    "compares cases of the same site alone; a method that falls there has learned which site a case is from."
    " A site with too few cases of a class has no value."
)


def site_forest(report: FullReport, task: Task, style: Style, leaders: Sequence[str]) -> Drawing | None:
    """A panel a method with a row a site; None where there are no sites to compare."""
    rows = _rows(report, task, leaders)
    if not rows:
        return None
    places = list(dict.fromkeys(str(row.numbers["site"]) for row in rows))
    series = list(reversed(series_of(report, list(leaders), leaders)))
    figure, panels = new_figure(
        report,
        style.double_mm,
        AROUND_MM + ROW_MM * len(places),
        columns=len(series),
        sharex=True,
        sharey=True,
    )
    for axes, one in zip(panels, series, strict=True):
        _draw_panel(axes, one, [row for row in rows if row.numbers["method"] == one.label], places)
    figure.supxlabel(rows[0].cells["metric"].text)
    panels[0].set_yticks(range(len(places)), [one_line(place) for place in places])
    panels[0].set_ylim(len(places) - 0.4, -0.6)
    said = "; ".join(
        f"{row.numbers['method']} at {row.numbers['site']} {row.cells['value'].text}" for row in rows
    )
    task_name, metric = rows[0].cells["task"].text, rows[0].cells["metric"].text
    return Drawing(
        file_name(task.name, "sites"),
        f"{task_name}: {metric} by site",
        HOW_READ,
        f"Forest plots of {metric} for {task_name} by site: {said}.",
        figure,
    )


def _rows(report: FullReport, task: Task, leaders: Sequence[str]) -> list[Row]:
    if report.sites is None:
        return []
    pairs = (Row(*pair) for pair in zip(report.sites.rows, report.sites.records, strict=True))
    return [row for row in pairs if row.numbers["task"] == task.name and row.numbers["method"] in leaders]


def _draw_panel(axes: "Axes", one: Series, rows: Sequence[Row], places: Sequence[str]) -> None:
    """The sites of one method that have a value."""
    axes.set_title(one_line(one.label), fontsize="small")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    for number in (row.numbers for row in rows if row.numbers["value"] is not None):
        place = places.index(str(number["site"]))
        if number["ci_low"] is not None:
            ends = [number["ci_low"], number["ci_high"]]
            axes.plot(ends, [place, place], color=one.colour, linewidth=1.2, gid=f"{one.mark}-interval")
        axes.plot(number["value"], place, one.marker, color=one.colour, markersize=4, gid=f"{one.mark}-value")
