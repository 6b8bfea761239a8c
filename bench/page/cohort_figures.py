"""Figures of a cohort: prevalence, lesion sizes and intensities by site, example crops."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.files import writing
from bench.imaging.crop import Crop
from bench.imaging.intensity import INTENSITY_RANGE
from bench.inference.intervals import wilson_interval
from bench.page.case_view import CaseView, case_view, draw_planes
from bench.page.drawing import Drawing, drawn_in, faint_grid, headed_figure
from bench.page.flow import flow_figure
from bench.page.saving import save_drawing
from bench.page.style import FAINT, INK, SERIES, STYLES, Style, StyleName
from bench.report.layout import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.cohorts.cohort import Cohort

VOLUME = "lesion volume, ml"
ALL = "all sites"
# Cases of the sheet, from the smallest lesion to the largest.
EXAMPLES = 6
BINS = 60
ROW_MM, AROUND_MM, CROP_MM, PANEL_MM = 6.0, 28.0, 34.0, 45.0
PANELS = 4


def cohort_figures(
    cohort: "Cohort", cases: pd.DataFrame, flow: Mapping[str, Any] | None, style: Style
) -> Iterator[Drawing]:
    """All figures that can be drawn of a cohort.

    Parameters
    ----------
    cohort
        With labels.
    cases
        See :func:`bench.cohorts.characteristics.characteristics`; what images show is drawn where it has
        lesion volumes.
    flow
        What ``import_report.json`` of an imported cohort holds; None where there is none.
    """
    if any(task.kind == "binary" for task in cohort.tasks):
        yield prevalence_figure(cohort, style)
    if VOLUME in cases:
        yield size_figure(cohort, cases, style)
        yield intensity_figure(cohort, style)
        yield example_sheet(cohort, cases, style)
    if flow is not None:
        yield flow_figure(flow, cohort.synthetic, style)


def prevalence_figure(cohort: "Cohort", style: Style) -> Drawing:
    """Share of positive cases by site, a panel a binary task."""
    tasks = [task for task in cohort.tasks if task.kind == "binary"]
    places = [*_sites(cohort), ALL]
    figure, panels = headed_figure(
        cohort.name,
        cohort.synthetic,
        style.double_mm,
        AROUND_MM + ROW_MM * len(places),
        columns=len(tasks),
        sharex=True,
        sharey=True,
    )
    said = []
    for axes, task in zip(panels, tasks, strict=True):
        rows = prevalences(cohort, task.name)
        _draw_prevalences(axes, rows, places)
        axes.set_title(one_line(task.title), fontsize="small")
        said += [f"{task.title} at {row['site']} {row['share']:.2f}" for row in rows]
    panels[0].set_yticks(range(len(places)), [one_line(place) for place in places])
    panels[0].set_ylim(len(places) - 0.4, -0.6)
    figure.supxlabel("share of positive cases")
    return Drawing(
        "prevalence",
        "Prevalence by site",
        "Share of positive cases among those with a known label, with Wilson 95 % intervals, in which the "
        "patients are counted. At the right end of each row: patients.",
        f"Prevalence by site: {'; '.join(said)}.",
        figure,
    )


def prevalences(cohort: "Cohort", task: str) -> list[dict[str, Any]]:
    """Share of positive cases by site and over all, with its Wilson interval; sites without a label left out.

    The interval counts patients, not cases, as cases of one patient are not independent.
    """
    known = cohort.table[~np.isnan(cohort.labels(task))]
    parts = [(site, known[known["site"] == site]) for site in _sites(cohort)]
    rows = []
    for site, inside in [*parts, (ALL, known)]:
        if len(inside):
            share, patients = float(inside[task].mean()), int(inside["patient_id"].nunique())
            low, high = wilson_interval(share, patients)
            rows.append({"site": site, "share": share, "patients": patients, "low": low, "high": high})
    return rows


def _draw_prevalences(axes: "Axes", rows: Sequence[Mapping[str, Any]], places: Sequence[str]) -> None:
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    for row in rows:
        place = places.index(row["site"])
        colour = INK if row["site"] == ALL else SERIES[0]
        axes.plot([row["low"], row["high"]], [place, place], color=colour)
        axes.plot(row["share"], place, "o", color=colour, markersize=4)
        axes.text(1.02, place, str(row["patients"]), va="center", fontsize="x-small")
    axes.set_xlim(0, 1)


def size_figure(cohort: "Cohort", cases: pd.DataFrame, style: Style) -> Drawing:
    """Lesion volume by site: every case a point, with median and quartiles."""
    places = _sites(cohort)
    figure, (axes,) = headed_figure(
        cohort.name, cohort.synthetic, style.single_mm, AROUND_MM + ROW_MM * len(places)
    )
    inside = [cases.loc[cases["site"] == place, VOLUME].to_numpy(float) for place in places]
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    faint_grid(axes)
    # Points of a site are spread over its row in the order of the cases.
    for row, volumes in enumerate(inside):
        spread = row + 0.5 * ((np.arange(len(volumes)) * 0.618) % 1 - 0.5)
        axes.plot(volumes, spread, ".", color=SERIES[0], markersize=3, alpha=0.6)
        axes.plot(np.quantile(volumes, (0.25, 0.75)), [row, row], color=INK, linewidth=2)
        axes.plot(np.median(volumes), row, "|", color=INK, markersize=10, markeredgewidth=2)
    axes.set_yticks(range(len(places)), [one_line(place) for place in places])
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.set_xlabel(VOLUME)
    medians = [f"{place} {np.median(volumes):.2g}" for place, volumes in zip(places, inside, strict=True)]
    return Drawing(
        "lesion_sizes",
        "Lesion sizes by site",
        "A point a case, on a logarithmic scale; line and bar: quartiles and median.",
        f"Median {VOLUME} by site: {'; '.join(medians)}.",
        figure,
    )


def intensity_figure(cohort: "Cohort", style: Style) -> Drawing:
    """Histograms of the intensities that methods see, a panel a site, that of all sites behind it in grey."""
    places = _sites(cohort)
    edges = np.linspace(*INTENSITY_RANGE, BINS + 1)
    counted = {place: _histogram(cohort, place, edges) for place in places}
    every = np.sum(list(counted.values()), axis=0)
    columns = min(PANELS, len(places))
    rows = -(-len(places) // columns)
    figure, panels = headed_figure(
        cohort.name,
        cohort.synthetic,
        style.double_mm,
        15 + PANEL_MM * rows,
        rows,
        columns,
        sharex=True,
        sharey=True,
    )
    for axes in panels[len(places) :]:
        axes.set_axis_off()
    for axes, place in zip(panels, places, strict=False):
        axes.stairs(every / every.sum(), edges, color=FAINT, fill=True)
        axes.stairs(counted[place] / counted[place].sum(), edges, color=SERIES[0])
        axes.set_title(one_line(place), fontsize="small")
    figure.supxlabel("normalised intensity")
    figure.supylabel("share of voxels")
    middles = (edges[:-1] + edges[1:]) / 2
    means = [f"{place} {np.average(middles, weights=counts):.2f}" for place, counts in counted.items()]
    return Drawing(
        "intensities",
        "Intensities by site",
        "Voxels of the crops that methods see: 0 is a crop's median, 1 its 99th percentile. Grey: all sites.",
        f"Mean normalised intensity by site: {'; '.join(means)}.",
        figure,
    )


def _histogram(cohort: "Cohort", place: str, edges: np.ndarray) -> np.ndarray:
    """Number of voxels of the crops of a site by intensity, read a case at a time."""
    ids = cohort.table.index[cohort.table["site"] == place]
    crops = cohort.take(ids).crops(Crop(channels=("image",)))
    return np.asarray(np.sum([np.histogram(crop, edges)[0] for crop in crops], axis=0))


def example_sheet(cohort: "Cohort", cases: pd.DataFrame, style: Style) -> Drawing:
    """Cases from the smallest lesion to the largest, each with its outline and regions."""
    order = cases[VOLUME].sort_values(kind="stable").index
    chosen = order[np.unique(np.linspace(0, len(order) - 1, EXAMPLES).round().astype(int))]
    views = [case_view(cohort, str(case_id)) for case_id in chosen]
    figure, panels = headed_figure(
        cohort.name, cohort.synthetic, style.double_mm, 12 + CROP_MM * len(views), len(views), 7
    )
    for number, view in enumerate(views):
        row = panels[7 * number : 7 * number + 7]
        draw_planes(view, row[1:4], row[4:7])
        _say_whose(row[0], view)
    return Drawing(
        "examples",
        "Example cases",
        "From the smallest lesion to the largest. Yellow: outline of the lesion. Right: core (orange), rim "
        "(blue) and peritumoural region (green). Axial and coronal: the patient's left is on the right.",
        f"Three slices each of the cases {', '.join(map(str, chosen))} with outline and regions.",
        figure,
    )


def _say_whose(axes: "Axes", view: CaseView) -> None:
    lines = [view.case_id, f"site {view.facts['site']}", f"{view.facts[VOLUME]} ml"]
    words = axes.text(0, 1, "\n".join(map(one_line, lines)), va="top", transform=axes.transAxes)
    words.set_in_layout(False)
    axes.set_axis_off()


def _sites(cohort: "Cohort") -> list[str]:
    return sorted(set(map(str, cohort.sites)))


def write_cohort_figures(
    cohort: "Cohort", cases: pd.DataFrame, flow: Mapping[str, Any] | None, folder: Path
) -> list[Path]:
    """Write every figure of a cohort as PDF, SVG and PNG; raises BenchError where that cannot be done."""
    style, paths = StyleName.page, []
    with writing(folder, "the figures", "--figures"):
        folder.mkdir(parents=True, exist_ok=True)
        with drawn_in(STYLES[style]):
            for drawing in cohort_figures(cohort, cases, flow, STYLES[style]):
                paths += save_drawing(drawing, folder, style)
    return paths
