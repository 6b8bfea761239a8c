"""Figures of a continuous task: predicted against true values, and Bland-Altman plots."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.page.drawing import Drawing, Series, faint_grid, file_name, new_figure, series_of
from bench.page.style import INK, MUTED, Style
from bench.report.columns import task_title
from bench.report.full_report import FullReport
from bench.report.layout import one_line
from bench.scoring.agreement import Agreement, TaskAgreement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCATTER = (
    "Every tested case with a known label, once a training seed: prediction by truth. The dotted line is "
    "equality. The first methods of the board."
)
BLAND_ALTMAN = (
    "Difference (prediction minus truth) by the mean of both, every tested case once a training seed. Lines:"
    " mean difference and 95 % limits of agreement (Bland & Altman 1986), means over training seeds. The "
    "first methods of the board. A prediction that varies less than the truth slopes downwards here."
)


def agreement_figures(
    report: FullReport, agreement: TaskAgreement, style: Style, leaders: Sequence[str]
) -> list[Drawing]:
    """Both figures of one continuous task."""
    return [
        _scatter(report, agreement, style, leaders),
        _bland_altman(report, agreement, style, leaders),
    ]


def _scatter(report: FullReport, agreement: TaskAgreement, style: Style, leaders: Sequence[str]) -> Drawing:
    figure, panels, firsts = _panels(report, agreement, style, leaders)
    unit = _unit(agreement)
    for axes, one in zip(panels, firsts, strict=True):
        rows = agreement.methods[one.label].predictions
        truth = np.tile(agreement.truth, len(rows))
        _dots(axes, one, truth, rows.ravel())
        axes.axline((float(truth.mean()), float(truth.mean())), slope=1, color=MUTED, linestyle=":")
    figure.supxlabel(f"truth{unit}")
    panels[0].set_ylabel(f"prediction{unit}")
    title = f"{task_title(agreement.task)}: prediction and truth"
    alt = (
        f"Scatter plots of prediction by truth for {len(agreement.truth)} cases: "
        f"{'; '.join(f'{one.label} {_ranges(agreement, one)}' for one in firsts)}."
    )
    return Drawing(file_name(agreement.task.name, "scatter"), title, SCATTER, alt, figure)


def _bland_altman(
    report: FullReport, agreement: TaskAgreement, style: Style, leaders: Sequence[str]
) -> Drawing:
    figure, panels, firsts = _panels(report, agreement, style, leaders)
    unit = _unit(agreement)
    for axes, one in zip(panels, firsts, strict=True):
        found = agreement.methods[one.label]
        differences = found.predictions - agreement.truth
        _dots(axes, one, ((found.predictions + agreement.truth) / 2).ravel(), differences.ravel())
        for value, line in ((found.bias, "-"), (found.lower, "--"), (found.upper, "--")):
            axes.axhline(value, color=INK, linestyle=line, linewidth=0.8)
    figure.supxlabel(f"mean of both{unit}")
    panels[0].set_ylabel(f"prediction - truth{unit}")
    title = f"{task_title(agreement.task)}: Bland-Altman"
    said = "; ".join(f"{one.label} {_limits(agreement.methods[one.label])}" for one in firsts)
    alt = f"Bland-Altman plots, mean difference and limits of agreement: {said}."
    return Drawing(file_name(agreement.task.name, "bland_altman"), title, BLAND_ALTMAN, alt, figure)


def _panels(
    report: FullReport, agreement: TaskAgreement, style: Style, leaders: Sequence[str]
) -> "tuple[Figure, list[Axes], list[Series]]":
    """A figure with a panel for each of the leaders."""
    series = series_of(report, list(agreement.methods), leaders)
    firsts = [one for one in reversed(series) if one.place is not None]
    figure, axes = new_figure(
        report, style.double_mm, style.double_mm * 0.36, columns=len(firsts), sharex=True, sharey=True
    )
    for panel, one in zip(axes, firsts, strict=True):
        panel.set_title(one_line(one.label), fontsize="small")
        faint_grid(panel)
    return figure, axes, firsts


def _dots(axes: "Axes", one: Series, x: np.ndarray, y: np.ndarray) -> None:
    axes.plot(
        x,
        y,
        one.marker,
        color=one.colour,
        markersize=2.2,
        alpha=0.45,
        markeredgewidth=0,
        gid=f"{one.mark}-cases",
    )


def _unit(agreement: TaskAgreement) -> str:
    return f" ({agreement.task.unit})" if agreement.task.unit else ""


def _limits(found: Agreement) -> str:
    return f"{found.bias:+.1f} [{found.lower:.1f}, {found.upper:.1f}]"


def _ranges(agreement: TaskAgreement, one: Series) -> str:
    rows = agreement.methods[one.label].predictions
    return (
        f"predicts {rows.min():.1f} to {rows.max():.1f} where the truth is {agreement.truth.min():.1f} to "
        f"{agreement.truth.max():.1f}"
    )
