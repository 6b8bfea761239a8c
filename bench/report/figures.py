"""Figures of a tuned row's studies, as PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import parameter
from bench.files import writing
from bench.methods.search_space import OBJECTIVE
from bench.predictions.results import MethodResult, Results
from bench.tuning.history import FoldStudy, importance_rows
from bench.tuning.overtuning import tuning_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HISTORY, IMPORTANCES = "history.png", "importances.png"
DPI = 150
# Okabe and Ito's colours, which readers with any colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", ":", "-.")


def write_figures(
    studies: Sequence[FoldStudy], method: MethodResult, results: Results, folder: Path
) -> list[Path]:
    """Write both figures into a folder, and return their files; BenchError where that cannot be done."""
    drawn = {
        HISTORY: history_figure(studies, _title(method, results)),
        IMPORTANCES: importance_figure(studies, _title(method, results)),
    }
    with writing(folder, "the figures", parameter("out")):
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in drawn.items():
            figure.savefig(folder / name, dpi=DPI)
    return [folder / name for name in drawn]


def history_figure(studies: Sequence[FoldStudy], title: str) -> "Figure":
    """Inner score by trial with the running best, a colour a fold and a line style a seed."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _axes(height=4.8)
    seeds = sorted({study.seed for study in studies})
    for study in studies:
        colour, style = COLOURS[study.fold % len(COLOURS)], LINES[seeds.index(study.seed) % len(LINES)]
        values = _values(study)
        axes.plot(values, "o", color=colour, alpha=0.45, markersize=4)
        best = np.fmax.accumulate(values)
        axes.step(range(len(best)), best, where="post", color=colour, linestyle=style, label=study.name)
    _mark_unfinished(axes, studies)
    axes.set_xlabel("trial (0: defaults)")
    axes.set_ylabel(f"inner score ({OBJECTIVE}; 0: baseline, 1: perfect)")
    axes.set_title(f"{title}\ninner score by trial (points) and best so far (lines)", fontsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return figure


def importance_figure(studies: Sequence[FoldStudy], title: str) -> "Figure":
    """Importance of each parameter: a bar for the mean over cells, a point a cell."""
    rows = list(reversed(importance_rows(studies)))
    figure, axes = _axes(height=1.6 + 0.4 * max(len(rows), 1))
    axes.barh([row["parameter"] for row in rows], [row["importance"] for row in rows], color="#B0C4DE")
    for place, row in enumerate(rows):
        each = list(row["cells"].values())
        axes.plot(each, [place] * len(each), "o", color=COLOURS[0], markersize=4)
    if not rows:
        axes.text(0.5, 0.5, "too few completed trials", ha="center", transform=axes.transAxes)
    axes.set_xlim(0, 1)
    axes.set_xlabel("importance (fANOVA; bar: mean, points: cells)")
    axes.set_title(f"{title}\nshare of the inner score's variance by parameter", fontsize=10)
    return figure


def _values(study: FoldStudy) -> np.ndarray:
    """Inner score of each trial, NaN where it did not complete."""
    return np.array(
        [trial.value if trial.state.name == "COMPLETE" else np.nan for trial in study.trials], dtype=float
    )


def _axes(height: float) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _mark_unfinished(axes: "Axes", studies: Sequence[FoldStudy]) -> None:
    """Pruned and failed trials on the lower edge: they have no inner score."""
    for state, marker in (("PRUNED", "|"), ("FAIL", "x")):
        numbers = [trial.number for study in studies for trial in study.trials if trial.state.name == state]
        if numbers:
            place: Any = axes.get_xaxis_transform()
            label = {"PRUNED": "pruned", "FAIL": "failed"}[state]
            axes.plot(numbers, [0.02] * len(numbers), marker, color="#555555", transform=place, label=label)


def _title(method: MethodResult, results: Results) -> str:
    tuning = tuning_of(method)
    note = "" if tuning is None or tuning.reproducible else ", not reproducible"
    synthetic = "SYNTHETIC cohort " if results.synthetic else ""
    return f"{method.label}{note}, {synthetic}{results.cohort}, {results.split}"
