"""Learning curves as figures: the value by the number of training patients, with the law if there is one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.files import writing
from bench.page.drawing import (
    MAX_SERIES,
    Drawing,
    Series,
    drawn_in,
    faint_grid,
    file_name,
    headed_figure,
    legend_below,
)
from bench.page.saving import save_drawing
from bench.page.style import MUTED, STYLES, Style, StyleName
from bench.report.columns import metric_title, task_title
from bench.report.learning import LearningReport, law_notes, passing_notes
from bench.scoring.learning import LearningCurve, LearningCurves
from bench.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOW_READ = (
    "Value by the number of training patients, on a logarithmic axis, with 95 % intervals over the same "
    "tested patients at every size, drawn side by side. A smooth line is the fitted law; where the cases do "
    "not tell one, lines join the points. In colour the methods that are first at the largest size, in grey "
    "the others; dotted the baseline."
)
# How far the next method of a size is drawn beside the last, so that intervals do not cover each other.
ASIDE = 1.015


def learning_figures(
    learned: LearningReport, style: Style, numbers: Mapping[str, int] | None = None
) -> list[Drawing]:
    """A figure a task on which some method has values at two sizes.

    ``numbers`` are those by which a page marks methods; in the order of their names where left out.
    """
    tasks = dict.fromkeys(curve.task for curve in learned.curves.curves)
    drawn = (_figure(learned, task, style, numbers or {}) for task in tasks)
    return [drawing for drawing in drawn if drawing is not None]


def write_learning_figures(learned: LearningReport, folder: Path, style: StyleName) -> list[Path]:
    """Write the figures as PDF, SVG and PNG; raises BenchError where that cannot be done."""
    paths: list[Path] = []
    with writing(folder, "the figures", "--figures"), drawn_in(STYLES[style]):
        folder.mkdir(parents=True, exist_ok=True)
        for drawing in learning_figures(learned, STYLES[style]):
            paths += save_drawing(drawing, folder, style)
    return paths


def _figure(learned: LearningReport, task: Task, style: Style, numbers: Mapping[str, int]) -> Drawing | None:
    curves = [curve for curve in learned.curves.curves if curve.task == task and len(_valued(curve)[0]) > 1]
    if not curves:
        return None
    where = learned.table.title.removeprefix("Learning curves: ")
    figure, (axes,) = headed_figure(where, learned.table.synthetic, style.single_mm, style.single_mm)
    series = _series(curves, numbers)
    by_label = {curve.method: curve for curve in curves}
    _draw_baseline(axes, curves)
    for one in series:
        _draw(axes, one, by_label[one.label])
    sizes = learned.curves.sizes
    axes.set(xscale="log", xlabel="training patients", ylabel=metric_title(curves[0]))
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_xticks([], minor=True)
    faint_grid(axes)
    legend_below(figure, [one for one in reversed(series) if one.place is not None])
    title = f"{task_title(task)}: {curves[0].metric.title} by training patients"
    return Drawing(file_name(task.name, "learning"), title, HOW_READ, _in_words(curves, learned), figure)


def _series(curves: Sequence[LearningCurve], numbers: Mapping[str, int]) -> list[Series]:
    """How each method is drawn: those that are first at the largest size in colour, last and so on top."""
    first = sorted(curves, key=lambda curve: -curve.metric.sign * _valued(curve)[1][-1])
    known = {label: place for place, label in enumerate(sorted(curve.method for curve in curves))} | dict(
        numbers
    )
    series = [
        Series(curve.method, known[curve.method], place if place < MAX_SERIES else None)
        for place, curve in enumerate(first)
    ]
    return series[::-1]


def _valued(curve: LearningCurve) -> tuple[np.ndarray, np.ndarray]:
    """Sizes and values of the points that have one."""
    points = [(point.size, point.value) for point in curve.points if point.status == "ok"]
    sizes, values = np.array(points, dtype=float).reshape(-1, 2).T
    return sizes, values


def _draw(axes: "Axes", one: Series, curve: LearningCurve) -> None:
    sizes, values = _valued(curve)
    aside = ASIDE ** (one.place or 0)
    for point in curve.points if one.place is not None else ():
        (low, high), mark = point.interval, f"{one.mark}-interval"
        if not np.isnan(low):
            axes.vlines(point.size * aside, low, high, color=one.colour, linewidth=0.9, gid=mark)
    axes.plot(sizes * aside, values, one.marker, color=one.colour, markersize=4, gid=f"{one.mark}-value")
    if curve.fitted.law is not None:
        sizes = np.geomspace(sizes[0], sizes[-1], 100)
        values = curve.metric.sign * curve.fitted.law.value(sizes)
    axes.plot(
        sizes, values, linestyle=one.line, color=one.colour, linewidth=one.width, gid=f"{one.mark}-line"
    )


def _draw_baseline(axes: "Axes", curves: Sequence[LearningCurve]) -> None:
    """The baseline at each size, which is the same for all methods."""
    known = {
        point.size: point.constant
        for curve in curves
        for point in curve.points
        if not np.isnan(point.constant)
    }
    if known:
        sizes = sorted(known)
        axes.plot(sizes, [known[size] for size in sizes], ":", color=MUTED, linewidth=0.9)


def _in_words(curves: Sequence[LearningCurve], learned: LearningReport) -> str:
    values = "; ".join(
        f"{curve.method} "
        + ", ".join(f"{size:.0f}: {value:.3f}" for size, value in zip(*_valued(curve), strict=True))
        for curve in curves
    )
    passed = [one for one in learned.curves.passings if one.task == curves[0].task]
    told = LearningCurves(learned.curves.sizes, tuple(curves), tuple(passed))
    return " ".join([f"{values}.", *passing_notes(told), *law_notes(told)])
