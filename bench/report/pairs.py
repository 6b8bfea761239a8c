"""What tables of differences between two methods have in common, on one split or over repeats."""

from bench.inference import ALPHA
from bench.report.columns import METRIC, TASK, estimate, p_cell
from bench.report.table import Column, TableCell, Tone
from bench.scoring.comparison import Comparison
from bench.scoring.procedures import ProcedureComparison

Compared = Comparison | ProcedureComparison

PAIR_COLUMNS = (
    TASK,
    METRIC,
    Column("method", "Difference of", "left"),
    Column("first", "First"),
    Column("second", "Second"),
    Column("difference", "First better by [95 %]"),
    Column("p", "p"),
    Column("adjusted_p", "Adjusted p"),
)
PAIR_KEYS = (
    *("task", "metric", "first", "second", "first_value", "second_value", "difference", "ci_low", "ci_high"),
    *("p", "adjusted_p"),
)


def pair_title(first: str, second: str) -> str:
    """``A minus B``."""
    return f"{first} minus {second}"


def difference_cells(comparison: Compared, digits: int, mark: str = "") -> dict[str, TableCell]:
    """The difference, or why there is none, and its p; the colour follows the verdict, as the verdict p.

    ``mark`` stands behind the adjusted p.
    """
    value, interval, p = comparison.difference
    better: Tone = "good" if value > 0 else "bad"
    tone = better if comparison.adjusted_p < ALPHA else ""
    shown = TableCell(estimate(value, interval, digits, "+"), tone)
    return {
        "difference": shown if comparison.status == "ok" else TableCell(comparison.status, "status"),
        "p": p_cell(p),
        "adjusted_p": p_cell(comparison.adjusted_p, mark),
    }


def difference_record(comparison: Compared) -> dict[str, float]:
    """The numbers of a difference by the keys of its record, NaN where there is none."""
    return {
        "difference": comparison.difference.value,
        "ci_low": comparison.difference.interval.low,
        "ci_high": comparison.difference.interval.high,
        "p": comparison.difference.p,
        "adjusted_p": comparison.adjusted_p,
    }
