"""Figures of predicted probabilities: ROC, precision-recall, calibration and decision curves."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import CALIBRATION_BINS
from bench.page.drawing import Drawing, Series, faint_grid, file_name, legend_below, new_figure, series_of
from bench.page.style import MUTED, Style
from bench.report.columns import task_title
from bench.report.full_report import FullReport
from bench.scoring.curves import HISTOGRAM_EDGES, THRESHOLDS, Band, Curves, TaskCurves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HALF = int(np.argmin(np.abs(THRESHOLDS - 0.5)))

BANDS = (
    "In colour the first methods of the board, in grey the others. The band belongs to the first: pointwise "
    "95 % from resamples of patients, for its fitted models."
)
ROC = (
    "Mean over folds, each weighted by its pairs of a positive and a negative case, and over training seeds: "
    f"the area below a curve, given in the legend, is the AUC that compares cases of the same fold. {BANDS}"
)
PRECISION_RECALL = (
    "Mean over folds, each weighted by its positive cases, and over training seeds: the area below a curve,"
    f" given in the legend, is the average precision. The dotted line is the prevalence. {BANDS}"
)
CALIBRATION = (
    f"Share of positive cases by mean predicted probability in {CALIBRATION_BINS} bins of equal mass; the "
    "diagonal is perfect calibration. Bars: 95 % intervals from resamples of patients. Below: how many "
    "cases have which probability. The first methods of the board alone."
)
DECISION = (
    "Net benefit (Vickers & Elkin 2006) of treating the cases above a threshold probability, mean over "
    f"training seeds; dotted: treat all, and treat none at 0. {BANDS}"
)


def probability_figures(
    report: FullReport, curves: TaskCurves, style: Style, leaders: Sequence[str]
) -> list[Drawing]:
    """The four figures of one binary task."""
    draw = (_roc, _precision_recall, _calibration, _decision)
    return [one(report, curves, style, leaders) for one in draw]


def _roc(report: FullReport, curves: TaskCurves, style: Style, leaders: Sequence[str]) -> Drawing:
    figure, axes = _square(report, style)
    axes.plot([0, 1], [0, 1], ":", color=MUTED, linewidth=0.9)
    firsts = _draw_bands(axes, report, curves, leaders, lambda one: one.roc)
    areas = [f"{curves.methods[one.label].auc:.3f}" for one in firsts]
    legend_below(figure, firsts, areas)
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    title = f"{task_title(curves.task)}: ROC"
    alt = f"ROC curves of {len(curves.methods)} methods; area of the first: {_listed(firsts, areas)}."
    return Drawing(file_name(curves.task.name, "roc"), title, ROC, alt, figure)


def _precision_recall(
    report: FullReport, curves: TaskCurves, style: Style, leaders: Sequence[str]
) -> Drawing:
    figure, axes = _square(report, style)
    axes.axhline(curves.prevalence, linestyle=":", color=MUTED, linewidth=0.9)
    firsts = _draw_bands(axes, report, curves, leaders, lambda one: one.precision_recall)
    areas = [f"{curves.methods[one.label].average_precision:.3f}" for one in firsts]
    legend_below(figure, firsts, areas)
    axes.set(xlabel="recall (sensitivity)", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    title = f"{task_title(curves.task)}: precision and recall"
    alt = (
        f"Precision-recall curves of {len(curves.methods)} methods at a prevalence of "
        f"{curves.prevalence:.2f}; area of the first: {_listed(firsts, areas)}."
    )
    return Drawing(file_name(curves.task.name, "precision_recall"), title, PRECISION_RECALL, alt, figure)


def _decision(report: FullReport, curves: TaskCurves, style: Style, leaders: Sequence[str]) -> Drawing:
    figure, axes = _square(report, style)
    axes.plot(THRESHOLDS, curves.treat_all, ":", color=MUTED, linewidth=0.9)
    axes.axhline(0, color=MUTED, linewidth=0.6)
    firsts = _draw_bands(axes, report, curves, leaders, lambda one: one.net_benefit)
    legend_below(figure, firsts)
    most = max(float(one.net_benefit.value.max()) for one in curves.methods.values())
    axes.set(
        xlabel="threshold probability",
        ylabel="net benefit",
        xlim=(0, 1),
        ylim=(-0.15 * curves.prevalence, 1.12 * max(most, curves.prevalence)),
    )
    halves = [f"{curves.methods[one.label].net_benefit.value[HALF]:.3f}" for one in firsts]
    title = f"{task_title(curves.task)}: decision curves"
    alt = (
        f"Net benefit by threshold probability of {len(curves.methods)} methods; at 0.5: "
        f"{_listed(firsts, halves)}; treating all has {curves.treat_all[HALF]:.3f}."
    )
    return Drawing(file_name(curves.task.name, "decision"), title, DECISION, alt, figure)


def _calibration(report: FullReport, curves: TaskCurves, style: Style, leaders: Sequence[str]) -> Drawing:
    figure, (above, below) = new_figure(
        report,
        style.single_mm,
        style.single_mm * 1.25,
        rows=2,
        sharex=True,
        gridspec_kw={"height_ratios": [3, 1]},
    )
    above.plot([0, 1], [0, 1], ":", color=MUTED, linewidth=0.9)
    chosen = [one for one in series_of(report, list(curves.methods), leaders) if one.place is not None]
    for one in chosen:
        _draw_calibration(above, below, one, curves.methods[one.label])
    faint_grid(above)
    above.set(ylabel="share of positive cases", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    below.set(xlabel="predicted probability", ylabel="cases")
    firsts = list(reversed(chosen))
    legend_below(figure, firsts)
    points = [_points(curves.methods[one.label].calibration) for one in firsts]
    title = f"{task_title(curves.task)}: calibration"
    alt = f"Calibration, predicted and observed share in {CALIBRATION_BINS} bins: {_listed(firsts, points)}."
    return Drawing(file_name(curves.task.name, "calibration"), title, CALIBRATION, alt, figure)


def _draw_calibration(above: "Axes", below: "Axes", one: Series, curves: Curves) -> None:
    band = curves.calibration
    if not np.isnan(band.low).any():
        above.vlines(band.x, band.low, band.high, color=one.colour, linewidth=0.8, gid=f"{one.mark}-bars")
    above.plot(
        band.x,
        band.value,
        color=one.colour,
        linestyle=one.line,
        marker=one.marker,
        markersize=3.5,
        gid=f"{one.mark}-line",
    )
    below.stairs(
        curves.histogram, HISTOGRAM_EDGES, color=one.colour, linestyle=one.line, gid=f"{one.mark}-histogram"
    )


def _square(report: FullReport, style: Style) -> "tuple[Figure, Axes]":
    figure, (axes,) = new_figure(report, style.single_mm, style.single_mm * 1.18)
    faint_grid(axes)
    return figure, axes


def _draw_bands(
    axes: "Axes",
    report: FullReport,
    curves: TaskCurves,
    leaders: Sequence[str],
    of: Callable[[Curves], Band],
) -> list[Series]:
    """Draw a curve a method, the first with a band; the leaders in the order of the board."""
    series = series_of(report, list(curves.methods), leaders)
    for one in series:
        band = of(curves.methods[one.label])
        axes.plot(
            band.x,
            band.value,
            color=one.colour,
            linestyle=one.line,
            linewidth=one.width,
            gid=f"{one.mark}-line",
        )
        if one.place == 0 and not np.isnan(band.low).any():
            axes.fill_between(
                band.x, band.low, band.high, color=one.colour, alpha=0.15, linewidth=0, gid=f"{one.mark}-band"
            )
    return [one for one in reversed(series) if one.place is not None]


def _listed(series: Sequence[Series], texts: Sequence[str]) -> str:
    return "; ".join(f"{one.label} {text}" for one, text in zip(series, texts, strict=True))


def _points(band: Band) -> str:
    return ", ".join(f"{x:.2f} {value:.2f}" for x, value in zip(band.x, band.value, strict=True))
