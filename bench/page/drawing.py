"""A figure as a value: a drawing with its words; and what all figures have in common."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.page.style import FAINT, LINES, MARKERS, MM, MUTED, OTHERS, SERIES, Style
from bench.report.full_report import FullReport
from bench.report.layout import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# As many as a reader tells apart by colour, line and marker.
MAX_SERIES = len(SERIES)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure with what a reader needs beside it.

    Parameters
    ----------
    name
        Of its files, such as ``er_roc``.
    title, caption
        What it shows, and how it is read.
    alt
        The same in words and numbers, for readers who do not see it.
    """

    name: str
    title: str
    caption: str
    alt: str
    figure: "Figure"


@dataclass(frozen=True)
class Series:
    """How one method is drawn: in a colour of its own, or thin and grey."""

    label: str
    number: int
    place: int | None

    @property
    def colour(self) -> str:
        """As hexadecimal RGB."""
        return OTHERS if self.place is None else SERIES[self.place]

    @property
    def line(self) -> Any:
        """Dashes of its line."""
        return "-" if self.place is None else LINES[self.place]

    @property
    def marker(self) -> str:
        """Marker of its points."""
        return "." if self.place is None else MARKERS[self.place]

    @property
    def width(self) -> float:
        """Of its line, in points."""
        return 0.5 if self.place is None else 1.4

    @property
    def mark(self) -> str:
        """What names its lines in an SVG."""
        return f"method-{self.number}"


@contextmanager
def drawn_in(style: Style) -> Iterator[None]:
    """Draw and write with the settings of a style; a letter that a font lacks is drawn as a box."""
    import matplotlib as mpl

    settings: Any = style.settings()
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        yield


def new_figure(
    report: FullReport, width_mm: float, height_mm: float, rows: int = 1, columns: int = 1, **layout: Any
) -> tuple["Figure", "list[Axes]"]:
    """A figure that bears its cohort and split, and whether these are real, with a grid of axes.

    ``layout`` is handed to :meth:`matplotlib.figure.Figure.subplots`.
    """
    where = f"{report.cohort}, {report.split}"
    return headed_figure(where, report.synthetic, width_mm, height_mm, rows, columns, **layout)


def headed_figure(
    where: str,
    synthetic: bool,
    width_mm: float,
    height_mm: float,
    rows: int = 1,
    columns: int = 1,
    **layout: Any,
) -> tuple["Figure", "list[Axes]"]:
    """A figure under the name of what it shows, which says where no patient is real, with a grid of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_mm * MM, height_mm * MM), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **layout)
    where = one_line(where)
    if synthetic:
        figure.suptitle(f"SYNTHETIC cohort {where}", fontweight="bold", x=0.01, ha="left")
    else:
        figure.suptitle(where, color=MUTED, x=0.01, ha="left")
    return figure, list(axes.ravel())


def series_of(report: FullReport, labels: Sequence[str], leaders: Sequence[str]) -> list[Series]:
    """How to draw each of these methods, the leaders last so that they lie on top."""
    numbers = {label: number for number, label in enumerate(method_names(report))}
    drawn = [
        Series(label, numbers[label], leaders.index(label) if label in leaders else None) for label in labels
    ]
    return sorted(drawn, key=lambda one: (one.place is not None, -(one.place or 0)))


def method_names(report: FullReport) -> list[str]:
    """Every method of the board, by name."""
    return sorted({str(record["method"]) for record in report.board.records})


def legend_below(figure: "Figure", series: Sequence[Series], texts: Sequence[str] = ()) -> None:
    """Name these series below the axes, with what is said of each."""
    from matplotlib.lines import Line2D

    keys = [
        Line2D([], [], color=one.colour, linestyle=one.line, marker=one.marker, markersize=3)
        for one in series
    ]
    said = texts or [""] * len(series)
    # matplotlib would leave out a label that begins with an underscore.
    labels = [f"{text} {one_line(one.label)}" for one, text in zip(series, said, strict=True)]
    figure.legend(keys, labels, loc="outside lower left", handlelength=3)


def faint_grid(axes: "Axes") -> None:
    """Thin lines behind the data."""
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def file_name(*parts: str) -> str:
    """A name for files, of letters, digits and underscores."""
    return "_".join("".join(sign if sign.isalnum() else "_" for sign in part.lower()) for part in parts)
