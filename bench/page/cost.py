"""Cost against value: what a better number takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.page.drawing import Drawing, Series, faint_grid, file_name, legend_below, new_figure, series_of
from bench.page.forest import Row, valued_rows
from bench.page.style import Style
from bench.report.full_report import FullReport
from bench.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOW_READ = (
    "Value by seconds of fitting, summed over folds and averaged over training seeds, on a logarithmic axis. "
    "In colour the first methods of the board with 95 % intervals, in grey the others."
)
ENERGY_READ = (
    "Value by the energy of loading, fitting and predicting, summed over all cells, of whole processor "
    "packages and GPUs: cells that ran at the same moment each have all of it. The axis is logarithmic; in "
    "colour the first methods of the board with 95 % intervals, in grey the others."
)


@dataclass(frozen=True)
class _Cost:
    """What is drawn along the horizontal axis: its name for files, in words, its unit, and how it is read."""

    name: str
    words: str
    unit: str
    read: str


SECONDS = _Cost("cost", "seconds of fitting", "s", HOW_READ)
ENERGY = _Cost("energy", "energy, J", "J", ENERGY_READ)


def cost_figures(
    report: FullReport, task: Task, style: Style, leaders: Sequence[str]
) -> list[Drawing | None]:
    """Value by seconds of fitting and by energy on one task; None where no method has both."""
    rows = {str(row.numbers["method"]): row for row in valued_rows(report, task)}
    seconds = {label: row.numbers["fit_seconds"] for label, row in rows.items()}
    costs = report.costs.records if report.costs else ()
    joules = {str(record["method"]): record["energy_joules"] for record in costs}
    return [
        _figure(report, task, style, leaders, rows, cost, taken)
        for cost, taken in ((SECONDS, seconds), (ENERGY, joules))
    ]


def _figure(
    report: FullReport,
    task: Task,
    style: Style,
    leaders: Sequence[str],
    valued: Mapping[str, Row],
    cost: _Cost,
    taken: Mapping[str, float | None],
) -> Drawing | None:
    known = {label: float(said) for label, said in taken.items() if said and label in valued}
    rows = {label: valued[label] for label in known}
    if not rows:
        return None
    figure, (axes,) = new_figure(report, style.single_mm, style.single_mm)
    series = series_of(report, list(rows), leaders)
    for one in series:
        _draw(axes, one, rows[one.label].numbers, known[one.label])
    first = next(iter(rows.values())).cells
    axes.set(xscale="log", xlabel=cost.words, ylabel=first["metric"].text)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    faint_grid(axes)
    legend_below(figure, [one for one in reversed(series) if one.place is not None])
    said = "; ".join(
        f"{label} {known[label]:.3g} {cost.unit} {row.cells['value'].text}" for label, row in rows.items()
    )
    return Drawing(
        file_name(task.name, cost.name),
        f"{first['task'].text}: value and {cost.name}",
        cost.read,
        f"Value by {cost.words} for {first['task'].text}: {said}.",
        figure,
    )


def _draw(axes: "Axes", one: Series, numbers: Mapping[str, Any], x: float) -> None:
    """A point, with its interval where the method is one of the first."""
    colour = one.colour
    if numbers["ci_low"] is not None and one.place is not None:
        ends = (numbers["ci_low"], numbers["ci_high"])
        axes.vlines(x, *ends, color=colour, linewidth=0.9, gid=f"{one.mark}-interval")
    axes.plot(x, numbers["value"], one.marker, color=colour, markersize=4, gid=f"{one.mark}-value")
