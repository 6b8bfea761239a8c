"""A published claim as a table: a row a correlation of the two methods."""

from collections.abc import Sequence

from bench.inference import Claim
from bench.report.table import Column, Table, TableCell

COLUMNS = (
    Column("correlation", "Correlation"),
    Column("difference", "Difference [95 %]"),
    Column("error", "Standard error"),
    Column("false", "P (claim is false)"),
)
NOTES = (
    "P (claim is false): probability, with a flat prior, that the method claimed to be better is not "
    "(Christodoulou et al. 2025, arXiv 2505.04720); standard errors after Hanley & McNeil 1982.",
    "Correlation: of the two AUC over test sets, which papers do not report; methods of one kind on the same "
    "images have about 0.5 to 0.8. A claim that holds at 0 holds at all of them.",
    "One look at independent patients is assumed: the best of several methods, or of several tests, is more "
    "often a false claim than stated here.",
)


def claim_table(claims: Sequence[Claim], auc: float, than: float, n: int, positives: int) -> Table:
    """The rows of :func:`bench.inference.outperformance`."""
    return Table(
        title=f"Claim: AUC {auc:g} is better than {than:g} on {n} cases, {positives} of them positive",
        synthetic=False,
        columns=COLUMNS,
        rows=tuple(_cells(claim) for claim in claims),
        brief=NOTES,
        notes=NOTES,
        records=tuple(
            {
                "correlation": claim.correlation,
                "difference": round(claim.difference, 6),
                "ci_low": round(claim.interval.low, 6),
                "ci_high": round(claim.interval.high, 6),
                "standard_error": round(claim.error, 6),
                "probability_false": round(claim.false, 6),
            }
            for claim in claims
        ),
        csv_columns=("correlation", "difference", "ci_low", "ci_high", "standard_error", "probability_false"),
        facts={"auc": auc, "than": than, "n": n, "positives": positives},
    )


def _cells(claim: Claim) -> dict[str, TableCell]:
    low, high = claim.interval
    return {
        "correlation": TableCell(f"{claim.correlation:.2f}"),
        "difference": TableCell(f"{claim.difference:+.3f} [{low:+.3f}, {high:+.3f}]"),
        "error": TableCell(f"{claim.error:.3f}"),
        "false": TableCell(f"{claim.false:.3f}"),
    }
