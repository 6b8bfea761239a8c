"""All figures of a report, and their files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.files import writing
from bench.page.agreement import agreement_figures
from bench.page.cost import cost_figure
from bench.page.drawing import MAX_SERIES, Drawing, drawn_in
from bench.page.forest import forest
from bench.page.probability import probability_figures
from bench.page.sites import site_forest
from bench.page.style import STYLES, StyleName
from bench.page.subtypes import confusion_figure
from bench.report.full_report import FullReport
from bench.task import Task

ENDINGS = ("pdf", "svg", "png")
# Without a date equal figures give equal files.
UNDATED: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None},
    "svg": {"Date": None},
    "png": {},
}


def figures_of(report: FullReport, style: StyleName = StyleName.page) -> Iterator[Drawing]:
    """All figures, in the order of the tasks."""
    for task in report.tasks:
        yield from task_figures(report, task, style)
    yield from subtype_figures(report, style)


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
        drawings += [site_forest(report, task, chosen, leaders), cost_figure(report, task, chosen, leaders)]
    yield from (drawing for drawing in drawings if drawing is not None)


def subtype_figures(report: FullReport, style: StyleName = StyleName.page) -> Iterator[Drawing]:
    """The confusion of subtypes; nothing where no method has hard classes."""
    with drawn_in(STYLES[style]):
        drawing = confusion_figure(report, STYLES[style])
    yield from [drawing] if drawing is not None else []


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


def save_drawing(
    drawing: Drawing, folder: Path, style: StyleName, endings: Sequence[str] = ENDINGS
) -> list[Path]:
    """Write one figure into a folder that is there, once an ending; the paths."""
    paths = [folder / f"{drawing.name}.{ending}" for ending in endings]
    for path, ending in zip(paths, endings, strict=True):
        with drawn_in(STYLES[style]):
            drawing.figure.savefig(path, metadata=UNDATED[ending] | {"Title": drawing.title})
    return paths
