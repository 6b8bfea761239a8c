"""Forest plots: the values of a board with their intervals, and the ranks that the cases leave open."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.page.drawing import Drawing, Series, file_name, new_figure, series_of
from bench.page.style import FAINT, INK, MUTED, Style
from bench.report.full_report import FullReport
from bench.report.layout import one_line
from bench.report.table import TableCell
from bench.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_MM, AROUND_MM = 4.6, 24
HOW_READ = (
    "Points are values with their 95 % intervals, in the order of the board; on the right each rank with the "
    "ranks that the cases do not rule out (95 %). Intervals that overlap do not say that methods are equal: "
    "ranks come from paired differences on the same cases."
)


class Row(NamedTuple):
    """A row of a board: its cells and its numbers."""

    cells: Mapping[str, TableCell]
    numbers: Mapping[str, Any]


def forest(report: FullReport, task: Task, style: Style, leaders: Sequence[str]) -> Drawing | None:
    """Values and ranks of the methods on one task; None where none has a value."""
    rows = valued_rows(report, task)
    if not rows:
        return None
    drawn = {one.label: one for one in series_of(report, [_name(row) for row in rows], leaders)}
    ranked = rows[0].numbers["rank"] is not None
    figure, axes = new_figure(
        report,
        style.double_mm,
        AROUND_MM + ROW_MM * len(rows),
        columns=2 if ranked else 1,
        sharey=True,
        gridspec_kw={"width_ratios": [3, 1.4]} if ranked else None,
    )
    _draw_values(axes[0], rows, drawn)
    if ranked:
        _draw_ranks(axes[1], rows, drawn)
    return Drawing(
        file_name(task.name, "forest"),
        f"{rows[0].cells['task'].text}: {rows[0].cells['metric'].text} of each method",
        HOW_READ,
        _in_words(rows),
        figure,
    )


def valued_rows(report: FullReport, task: Task) -> list[Row]:
    """The rows of a task that have a value, in the order of the board."""
    pairs = zip(report.board.rows, report.board.records, strict=True)
    return [
        Row(cells, numbers)
        for cells, numbers in pairs
        if numbers["task"] == task.name and numbers["value"] is not None
    ]


def _draw_values(axes: "Axes", rows: Sequence[Row], drawn: Mapping[str, Series]) -> None:
    for place, row in enumerate(rows):
        one, number = drawn[_name(row)], row.numbers
        if number["ci_low"] is not None:
            ends = [number["ci_low"], number["ci_high"]]
            axes.plot(ends, [place, place], color=one.colour, linewidth=1.2, gid=f"{one.mark}-interval")
        axes.plot(number["value"], place, one.marker, color=one.colour, markersize=4, gid=f"{one.mark}-value")
    _reference(axes, rows[0].numbers["constant"], ":", "baseline")
    _reference(axes, rows[0].numbers["ceiling"], "--", "oracle")
    axes.set_yticks(range(len(rows)), [one_line(_name(row)) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(_better(rows[0]))
    axes.grid(axis="x", color=FAINT, linewidth=0.5)


def _reference(axes: "Axes", value: float | None, line: str, name: str) -> None:
    """A line from top to bottom with its name above; nothing where there is no such value."""
    if value is None:
        return
    axes.axvline(value, color=MUTED, linestyle=line, linewidth=0.9)
    above: Any = axes.get_xaxis_transform()
    axes.text(value, 1.01, name, transform=above, ha="center", va="bottom", color=MUTED, fontsize="small")


def _draw_ranks(axes: "Axes", rows: Sequence[Row], drawn: Mapping[str, Series]) -> None:
    from matplotlib.ticker import MaxNLocator

    for place, row in enumerate(rows):
        one, number = drawn[_name(row)], row.numbers
        ends = [number["rank_low"], number["rank_high"]]
        axes.plot(ends, [place, place], color=one.colour, linewidth=1.2, gid=f"{one.mark}-ranks")
        face = one.colour if number["against_constant"] == "better" else "none"
        axes.plot(
            number["rank"],
            place,
            one.marker if one.place is not None else "o",
            color=one.colour,
            markerfacecolor=face,
            markersize=4,
            gid=f"{one.mark}-rank",
        )
    axes.set_xlim(0.4, len(rows) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("rank; filled: beats baseline")
    axes.tick_params(axis="y", length=0, labelleft=False, labelcolor=INK)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)


def _better(row: Row) -> str:
    """The metric, and to which side it is better."""
    side = "further right is better" if row.numbers["higher_is_better"] else "further left is better"
    return f"{row.cells['metric'].text}, {side}"


def _in_words(rows: Sequence[Row]) -> str:
    values = "; ".join(
        f"{_name(row)} {row.cells['value'].text}"
        + (f", rank {row.cells['rank'].text} of {row.cells['rank_set'].text}" if row.numbers["rank"] else "")
        for row in rows
    )
    return (
        f"Forest plot of {rows[0].cells['metric'].text} for {rows[0].cells['task'].text}, baseline "
        f"{rows[0].cells['constant'].text}, oracle {rows[0].cells['ceiling'].text}. {values}."
    )


def _name(row: Row) -> str:
    return str(row.numbers["method"])
