"""Cost against value: what a better number takes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.page.drawing import Drawing, Series, faint_grid, file_name, legend_below, new_figure, series_of
from bench.page.forest import valued_rows
from bench.page.style import Style
from bench.report.full_report import FullReport
from bench.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOW_READ = (
    "Value by seconds of fitting, summed over folds and averaged over training seeds, on a logarithmic axis. "
    "In colour the first methods of the board with 95 % intervals, in grey the others."
)


def cost_figure(report: FullReport, task: Task, style: Style, leaders: Sequence[str]) -> Drawing | None:
    """Value by seconds of fitting on one task; None where no method has both."""
    rows = {
        str(row.numbers["method"]): row for row in valued_rows(report, task) if row.numbers["fit_seconds"]
    }
    if not rows:
        return None
    figure, (axes,) = new_figure(report, style.single_mm, style.single_mm)
    series = series_of(report, list(rows), leaders)
    for one in series:
        _draw(axes, one, rows[one.label].numbers)
    first = next(iter(rows.values())).cells
    axes.set(xscale="log", xlabel="seconds of fitting", ylabel=first["metric"].text)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    faint_grid(axes)
    legend_below(figure, [one for one in reversed(series) if one.place is not None])
    said = "; ".join(
        f"{label} {row.numbers['fit_seconds']:.3g} s {row.cells['value'].text}" for label, row in rows.items()
    )
    return Drawing(
        file_name(task.name, "cost"),
        f"{first['task'].text}: value and cost",
        HOW_READ,
        f"Value by seconds of fitting for {first['task'].text}: {said}.",
        figure,
    )


def _draw(axes: "Axes", one: Series, numbers: Mapping[str, Any]) -> None:
    """A point, with its interval where the method is one of the first."""
    x, colour = numbers["fit_seconds"], one.colour
    if numbers["ci_low"] is not None and one.place is not None:
        ends = (numbers["ci_low"], numbers["ci_high"])
        axes.vlines(x, *ends, color=colour, linewidth=0.9, gid=f"{one.mark}-interval")
    axes.plot(x, numbers["value"], one.marker, color=colour, markersize=4, gid=f"{one.mark}-value")
