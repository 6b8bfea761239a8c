"""How figures look: sizes and fonts of a page and of three journals, and colours that all tell apart."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MM = 1 / 25.4

# After Okabe & Ito (2008), darkened to a contrast of at least 3 : 1 on white (WCAG 2.1, 1.4.11). In the order
# of the board; each goes with a line and a marker of its own.
SERIES = ("#0072b2", "#c44e00", "#007a5a", "#a8457f")
LINES = ("-", "--", "-.", (0, (1, 1.2)))
MARKERS = ("o", "s", "^", "D")

INK, MUTED, FAINT, OTHERS = "#1a1a1a", "#5c5c5c", "#dcdcdc", "#8f8f8f"
# Cells of a map, none to all, and the letters on either end; the same on a dark page.
MAP, LETTERS = ("#fafafa", "#00568a"), ("#111111", "#fefefe")


class StyleName(StrEnum):
    """Whose rules a figure follows."""

    page = "page"
    nature = "nature"
    radiology = "radiology"
    ieee = "ieee"


@dataclass(frozen=True)
class Style:
    """Widths, type and resolution of figures.

    Parameters
    ----------
    single_mm, double_mm
        Width of a figure of one and of two columns.
    families
        Fonts, the first that is installed is used; DejaVu comes with matplotlib.
    points
        Size of the type.
    dots
        Of a PNG, an inch.
    """

    single_mm: float
    double_mm: float
    families: tuple[str, ...]
    points: float
    dots: int

    def settings(self) -> dict[str, Any]:
        """The matplotlib settings of the style."""
        return {
            "font.family": self._installed(),
            "font.size": self.points,
            "axes.titlesize": self.points,
            "axes.labelsize": self.points,
            "legend.fontsize": self.points - 1,
            "xtick.labelsize": self.points - 1,
            "ytick.labelsize": self.points - 1,
            "figure.titlesize": self.points,
            "figure.labelsize": self.points,
            "axes.linewidth": 0.6,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "lines.linewidth": 1.2,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "text.color": INK,
            "legend.frameon": False,
            "savefig.dpi": self.dots,
            # Editable text in PDF and SVG; names of methods and sites are no formulas.
            "pdf.fonttype": 42,
            "svg.fonttype": "none",
            # Ids that are the same each time.
            "svg.hashsalt": "dcebench",
            "text.parse_math": False,
        }

    def _installed(self) -> list[str]:
        from matplotlib.font_manager import get_font_names

        there = set(get_font_names())
        return [family for family in self.families if family in there]


# Widths and sizes of type as the guides for authors ask for them: Nature, Springer (European Radiology and
# other radiological journals) and IEEE Transactions.
SANS = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans")
STYLES = {
    StyleName.page: Style(110, 220, ("DejaVu Sans",), 9, 150),
    StyleName.nature: Style(89, 183, SANS, 7, 600),
    StyleName.radiology: Style(84, 174, SANS, 8, 600),
    StyleName.ieee: Style(88.9, 181.9, ("Times New Roman", "Liberation Serif", "DejaVu Serif"), 8, 600),
}
