"""A board by the value at each method's worst site."""

import math
from collections.abc import Sequence
from typing import Any

from bench.inference import MIN_PATIENTS, Bootstrap
from bench.predictions.results import Results
from bench.report.columns import (
    METRIC,
    NOTHING,
    TASK,
    counted,
    estimate,
    metric_title,
    number,
    task_title,
)
from bench.report.notes import brief_notes, facts
from bench.report.table import Column, Table, TableCell
from bench.scoring.seeds import seeds_note
from bench.scoring.worst_site import WorstSite, worst_sites

COLUMNS = (
    TASK,
    METRIC,
    Column("rank", "Rank"),
    Column("method", "Method", "left", keys=("method", "status")),
    Column("worst_site", "Worst site", "left"),
    Column("value", "Value there [95 %]", keys=("value", "ci_low", "ci_high")),
    Column("n", "n (pos.)", keys=("n", "positives")),
    Column("patients", "Patients (pos.)", keys=("patients", "positive_patients")),
    Column("sites", "Sites"),
    Column("overall", "All sites"),
)
CSV_COLUMNS = (
    *("rank", "method", "task", "metric", "worst_site", "value", "ci_low", "ci_high", "n", "positives"),
    *("patients", "positive_patients", "sites", "left_out", "overall", "status"),
)
NOTES = (
    f"A site counts with {MIN_PATIENTS} patients, or {MIN_PATIENTS} of either class, and an interval; the "
    "same sites count for all methods.",
    "Rows stand by their value at the worst site. Rank: 1 + the number of methods whose interval at their "
    "worst site lies wholly beyond this one's; intervals that overlap share a rank.",
    "The worst of several sites looks worse than it is, by chance alone, the more so the smaller the sites; "
    "it is no estimate for a new site, see the prediction interval of `bench sites`.",
)


def worst_site_board(results: Results, bootstrap: Bootstrap = Bootstrap()) -> Table:
    """A row a task and method: the site where it is worst, the value there, and the value over all sites.

    Raises StoreError where predictions and truth contradict each other.
    """
    rows = worst_sites(results, bootstrap)
    about = (*_left_out(rows), *seeds_note(results), *brief_notes(results, ())[:2], *NOTES)
    return Table(
        title=f"Leaderboard by the worst site: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(row) for row in rows),
        brief=about,
        notes=about,
        records=tuple(_record(row) for row in rows),
        csv_columns=CSV_COLUMNS,
        facts=facts(results, bootstrap) | {"rank_by": "worst_site"},
    )


def _left_out(rows: Sequence[WorstSite]) -> list[str]:
    """The sites that do not count, a sentence a task."""
    found = {row.task.name: row for row in rows if row.left_out}
    return [
        f"{task_title(row.task)}: too few patients for an interval at {', '.join(row.left_out)}."
        for row in found.values()
    ]


def _cells(row: WorstSite) -> dict[str, TableCell]:
    digits, site = row.metric.decimals, row.site
    shown = {
        "task": TableCell(task_title(row.task)),
        "metric": TableCell(metric_title(row)),
        "rank": NOTHING if row.rank is None else TableCell(str(row.rank), "good" if row.rank == 1 else ""),
        "method": TableCell(row.method),
        "sites": TableCell(str(len(row.sites))) if row.sites else NOTHING,
        "overall": number(row.overall, digits),
    }
    if site is None:
        return (
            shown
            | dict.fromkeys(("worst_site", "n", "patients"), NOTHING)
            | {"value": TableCell(row.status, "status")}
        )
    return shown | {
        "worst_site": TableCell(site.site),
        "value": TableCell(estimate(site.value, site.interval, digits)),
        "n": TableCell(counted(site.n, site.positives)),
        "patients": TableCell(counted(site.patients, site.positive_patients)),
    }


def _record(row: WorstSite) -> dict[str, Any]:
    site = row.site
    numbers = {"overall": row.overall} | (
        {"value": site.value, "ci_low": site.interval.low, "ci_high": site.interval.high} if site else {}
    )
    return {
        "rank": row.rank,
        "method": row.method,
        "task": row.task.name,
        "metric": row.metric.name,
        "unit": row.metric.unit(row.task.unit),
        "worst_site": site.site if site else None,
        **dict.fromkeys(("value", "ci_low", "ci_high")),
        "n": site.n if site else None,
        "positives": site.positives if site else None,
        "patients": site.patients if site else None,
        "positive_patients": site.positive_patients if site else None,
        "sites": ";".join(row.sites),
        "left_out": ";".join(row.left_out),
        "status": row.status,
    } | {name: None if math.isnan(value) else round(value, 6) + 0.0 for name, value in numbers.items()}
