"""Confusion of the molecular subtypes as maps."""

from typing import TYPE_CHECKING

import numpy as np

from bench.page.drawing import MAX_SERIES, Drawing, new_figure
from bench.page.style import LETTERS, MAP, Style
from bench.report.full_report import FullReport
from bench.report.layout import one_line
from bench.report.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOW_READ = (
    "Per cent of each true class (row) that a method puts into each class (column), mean over training "
    "seeds; the diagonal is right. The methods with the best macro-F1."
)
# White letters on cells darker than this.
DARK = 0.55
ROW_MM, AROUND_MM = 13, 34


def confusion_figure(report: FullReport, style: Style) -> Drawing | None:
    """A map a method; None where no method has hard classes."""
    chosen = dict(list(report.confusions.items())[:MAX_SERIES])
    if not chosen:
        return None
    trues = list(dict.fromkeys(str(record["true"]) for record in next(iter(chosen.values())).records))
    figure, panels = new_figure(
        report, style.double_mm, AROUND_MM + ROW_MM * len(trues), columns=len(chosen), sharey=True
    )
    for axes, (label, table) in zip(panels, chosen.items(), strict=True):
        _draw(axes, table, trues)
        axes.set_title(one_line(label), fontsize="small")
    panels[0].set_ylabel("true class")
    figure.supxlabel("predicted class")
    said = "; ".join(f"{label}: {_diagonal(table)}" for label, table in chosen.items())
    return Drawing(
        "subtypes_confusion",
        "Confusion of subtypes",
        HOW_READ,
        f"Per cent of each true class that is predicted as it is. {said}.",
        figure,
    )


def _draw(axes: "Axes", table: Table, trues: list[str]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    predicted = list(dict.fromkeys(str(record["predicted"]) for record in table.records))
    shares = np.full((len(trues), len(predicted)), np.nan)
    for record in table.records:
        if record["share"] is not None:
            shares[trues.index(str(record["true"])), predicted.index(str(record["predicted"]))] = record[
                "share"
            ]
    colours = LinearSegmentedColormap.from_list("share", MAP)
    axes.pcolormesh(np.ma.masked_invalid(shares), vmin=0, vmax=1, cmap=colours)
    for (row, column), share in np.ndenumerate(shares):
        if not np.isnan(share):
            colour = LETTERS[int(share > DARK)]
            middle = (column + 0.5, row + 0.5)
            axes.text(*middle, f"{100 * share:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(np.arange(len(predicted)) + 0.5, predicted, rotation=90)
    axes.set_yticks(np.arange(len(trues)) + 0.5, trues)
    axes.set_ylim(len(trues), 0)


def _diagonal(table: Table) -> str:
    right = [record for record in table.records if record["true"] == record["predicted"]]
    return ", ".join(
        f"{record['true']} {'-' if record['share'] is None else format(100 * record['share'], '.0f')} "
        f"of {record['n']}"
        for record in right
    )
