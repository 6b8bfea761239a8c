"""All figures of a report, and their files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.files import writing
from bench.page.agreement import agreement_figures
from bench.page.cost import cost_figures
from bench.page.drawing import MAX_SERIES, Drawing, drawn_in, method_names
from bench.page.forest import forest
from bench.page.learning import learning_figures
from bench.page.probability import probability_figures
from bench.page.saving import ENDINGS, save_drawing
from bench.page.sites import site_forest
from bench.page.style import STYLES, StyleName
from bench.page.subtypes import confusion_figure
from bench.report.full_report import FullReport
from bench.task import Task


def figures_of(report: FullReport, style: StyleName = StyleName.page) -> Iterator[Drawing]:
    """All figures, in the order of the tasks."""
    for task in report.tasks:
        yield from task_figures(report, task, style)
    yield from subtype_figures(report, style)
    yield from learned_figures(report, style)


def task_figures(report: FullReport, task: Task, style: StyleName = StyleName.page) -> Iterator[Drawing]:
    """The figures of one task."""
    chosen, leaders = STYLES[style], report.leaders(task, MAX_SERIES)
    with drawn_in(chosen):
        drawings: list[Drawing | None] = [forest(report, task, chosen, leaders)]
        for curves in report.curves:
            if curves.task == task:
                drawings += probability_figures(report, curves, chosen, leaders)
        for agreement in report.agreement:
            if agreement.task == task:
                drawings += agreement_figures(report, agreement, chosen, leaders)
        drawings += [site_forest(report, task, chosen, leaders), *cost_figures(report, task, chosen, leaders)]
    yield from (drawing for drawing in drawings if drawing is not None)


def subtype_figures(report: FullReport, style: StyleName = StyleName.page) -> Iterator[Drawing]:
    """The confusion of subtypes; nothing where no method has hard classes."""
    with drawn_in(STYLES[style]):
        drawing = confusion_figure(report, STYLES[style])
    yield from [drawing] if drawing is not None else []


def learned_figures(report: FullReport, style: StyleName = StyleName.page) -> Iterator[Drawing]:
    """The learning curves; nothing where there are none."""
    if report.learning is None:
        return
    numbers = {label: number for number, label in enumerate(method_names(report))}
    with drawn_in(STYLES[style]):
        drawings = learning_figures(report.learning, STYLES[style], numbers)
    yield from drawings


def write_figures(
    report: FullReport, folder: Path, style: StyleName, endings: Sequence[str] = ENDINGS
) -> list[Path]:
    """Write every figure into a folder, once an ending; BenchError where that cannot be done."""
    written = []
    with writing(folder, "the figures", "--out"):
        folder.mkdir(parents=True, exist_ok=True)
        for drawing in figures_of(report, style):
            written += save_drawing(drawing, folder, style, endings)
    return written
