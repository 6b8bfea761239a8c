"""Values site by site as a table."""

import math
from collections.abc import Sequence
from typing import Any

from bench.inference import DRAW_SEED, DRAWS
from bench.report.cells import METRIC, NOTHING, TASK, counted, estimate, metric_title, task_title
from bench.report.notes import FINGERPRINT_DIGITS, brief_notes, facts
from bench.report.table import Cell, Column, Table
from bench.scores import Results
from bench.seeds import seeds_note
from bench.sites import FEWEST_IN_CLASS, FEWEST_SITES, SiteScore, SiteScores

COLUMNS = (
    TASK,
    METRIC,
    Column("method", "Method", "left"),
    Column("site", "Site", "left"),
    Column("n", "n (pos.)"),
    Column("patients", "Patients (pos.)"),
    Column("value", "Value [95 %]"),
    Column("remark", "Remark", "left"),
)
CSV_COLUMNS = (
    *("task", "metric", "method", "site", "n", "positives", "patients", "positive_patients"),
    *("value", "ci_low", "ci_high", "worst", "status", "tau", "i_squared", "sites_in_tau", "pooled_auc"),
)
NOTES = (
    "AUC counts pairs of cases of the same fold; `within sites` those of the same fold and site, `all sites` "
    "those of the same fold. AUC intervals are DeLong's by patient on the logit scale, others "
    "from the bootstrap of patients, bootstrap-t for the MAE. A site with fewer than "
    f"{FEWEST_IN_CLASS} cases of a class has no AUC.",
    "Tau: standard deviation between the sites' true values beyond sampling error (DerSimonian & Laird "
    "1986), on the logit scale for the AUC, in the task's unit otherwise; given from "
    f"{FEWEST_SITES} sites on, and very uncertain with few. I2: share of the observed variance that is no "
    "sampling error.",
)


def site_table(
    results: Results, scores: Sequence[SiteScores], draws: int = DRAWS, seed: int = DRAW_SEED
) -> Table:
    """A row a task, method and site, then within and over all sites; the spread in words below."""
    findings = tuple(_finding(its) for its in scores if its.sites)
    about = (*seeds_note(results), *brief_notes(results, ())[:2])
    prints = (
        f"Fingerprints: cohort {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}, "
        f"split {results.split_fingerprint[:FINGERPRINT_DIGITS]}, split seed {results.split_seed}; "
        f"{draws} bootstrap resamples of patients (seed {seed})."
    )
    return Table(
        title=f"Sites: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(its, row) for its in scores for row in _rows(its)),
        brief=(*findings, *about, *NOTES),
        notes=(*findings, *about, prints, *NOTES),
        records=tuple(_record(its, row) for its in scores for row in _rows(its)),
        csv_columns=CSV_COLUMNS,
        facts=facts(results, draws, seed),
    )


def _rows(scores: SiteScores) -> list[SiteScore]:
    """The sites, then the summaries; a single row with the status for a method without a value."""
    summaries = [its for its in (scores.within, scores.overall) if its is not None]
    return [*scores.sites, *summaries] or [SiteScore("-", 0, None, status=scores.status)]


def _cells(scores: SiteScores, row: SiteScore) -> dict[str, Cell]:
    return {
        "task": Cell(task_title(scores.task)),
        "metric": Cell(metric_title(scores)),
        "method": Cell(scores.method),
        "site": Cell(row.site),
        "n": Cell(counted(row.n, row.positives)) if row.n else NOTHING,
        "patients": Cell(counted(row.patients, row.positive_patients)) if row.n else NOTHING,
        "value": _value(scores, row),
        "remark": Cell(_remark(scores, row)),
    }


def _value(scores: SiteScores, row: SiteScore) -> Cell:
    """A site without a value is a gap in the method's row of sites, a method without one has failed."""
    if row.status != "ok":
        return NOTHING if scores.status == "ok" else Cell(row.status, "status")
    return Cell(estimate(row.value, row.interval, scores.metric.decimals))


def _remark(scores: SiteScores, row: SiteScore) -> str:
    if scores.status == "ok" and row.status != "ok":
        return row.status
    return "worst" if _is_worst(scores, row) else "-"


def _is_worst(scores: SiteScores, row: SiteScore) -> bool:
    return row in scores.sites and row.site == scores.worst


def _record(scores: SiteScores, row: SiteScore) -> dict[str, Any]:
    numbers = {
        "value": row.value,
        "ci_low": row.interval.low,
        "ci_high": row.interval.high,
        "standard_error": row.error,
        "tau": scores.spread.tau,
        "i_squared": scores.spread.share,
        "pooled_auc": scores.pooled,
    }
    return {
        "task": scores.task.name,
        "metric": scores.metric.name,
        "unit": scores.metric.unit(scores.task.unit),
        "method": scores.method,
        "site": row.site,
        "n": row.n,
        "positives": row.positives,
        "patients": row.patients,
        "positive_patients": row.positive_patients,
        "worst": _is_worst(scores, row),
        "status": row.status,
        "sites_in_tau": scores.spread.sites,
    } | {name: None if math.isnan(value) else round(value, 6) + 0.0 for name, value in numbers.items()}


def _finding(scores: SiteScores) -> str:
    """Worst site, range and spread: one sentence a task and method."""
    digits = scores.metric.decimals
    low, high = scores.range
    valued = sum(not math.isnan(its.value) for its in scores.sites)
    start = f"{task_title(scores.task)}, {scores.method}: "
    if valued < 2:
        return f"{start}a value at {valued} of {len(scores.sites)} sites, so there is no spread."
    worst = f"worst at {scores.worst}, {low:.{digits}f} to {high:.{digits}f} over {valued} sites; "
    return f"{start}{worst}{_spread(scores)}."


def _spread(scores: SiteScores) -> str:
    tau, share, count = scores.spread
    if math.isnan(tau):
        return f"tau needs {FEWEST_SITES} sites with a standard error, there are {count}"
    scale = "on the logit scale" if scores.metric.name == "auc" else scores.metric.unit(scores.task.unit)
    return f"between sites tau {tau:.2f} {scale}".rstrip() + f", I2 {100 * share:.0f} %, {count} sites"
