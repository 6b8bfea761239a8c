"""Values site by site as a table."""

import math
from collections.abc import Sequence
from typing import Any

from bench.inference import Bootstrap
from bench.inference.heterogeneity import MIN_SITES
from bench.predictions.results import Results
from bench.report.columns import METRIC, NOTHING, TASK, counted, estimate, metric_title, task_title
from bench.report.notes import FINGERPRINT_DIGITS, brief_notes, facts
from bench.report.table import Column, Table, TableCell
from bench.scoring.seeds import seeds_note
from bench.scoring.sites import MIN_IN_CLASS, SiteScore, SiteScores

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
    *("new_site_low", "new_site_high"),
)
NOTES = (
    "AUC counts pairs of cases of the same fold; `within sites` those of the same fold and site, `all sites` "
    "those of the same fold. AUC intervals are DeLong's by patient on the logit scale, others "
    "from the bootstrap of patients, bootstrap-t for the MAE. A site with fewer than "
    f"{MIN_IN_CLASS} cases of a class has no AUC.",
    "Tau: standard deviation between the sites' true values beyond sampling error (DerSimonian & Laird "
    "1986), on the logit scale for the AUC, in the task's unit otherwise; given from "
    f"{MIN_SITES} sites on, and very uncertain with few. I2: share of the observed variance that is no "
    "sampling error. A new site: 95 % prediction interval of the true value at another site of this kind "
    "(Nagashima et al. 2019), were the sites drawn at random.",
)


def site_table(results: Results, scores: Sequence[SiteScores], bootstrap: Bootstrap = Bootstrap()) -> Table:
    """A row a task, method and site, then within and over all sites; the spread in words below."""
    findings = tuple(_finding(score) for score in scores if score.sites)
    about = (*seeds_note(results), *brief_notes(results, ())[:2])
    prints = (
        f"Fingerprints: cohort {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}, "
        f"split {results.split_fingerprint[:FINGERPRINT_DIGITS]}, split seed {results.split_seed}; "
        f"{bootstrap.draws} bootstrap resamples of patients (seed {bootstrap.seed})."
    )
    return Table(
        title=f"Sites: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(score, row) for score in scores for row in _rows(score)),
        brief=(*findings, *about, *NOTES),
        notes=(*findings, *about, prints, *NOTES),
        records=tuple(_record(score, row) for score in scores for row in _rows(score)),
        csv_columns=CSV_COLUMNS,
        facts=facts(results, bootstrap),
    )


def _rows(scores: SiteScores) -> list[SiteScore]:
    """The sites, then the summaries; a single row with the status for a method without a value."""
    summaries = [one for one in (scores.within, scores.overall) if one is not None]
    return [*scores.sites, *summaries] or [SiteScore("-", 0, None, status=scores.status)]


def _cells(scores: SiteScores, row: SiteScore) -> dict[str, TableCell]:
    return {
        "task": TableCell(task_title(scores.task)),
        "metric": TableCell(metric_title(scores)),
        "method": TableCell(scores.method),
        "site": TableCell(row.site),
        "n": TableCell(counted(row.n, row.positives)) if row.n else NOTHING,
        "patients": TableCell(counted(row.patients, row.positive_patients)) if row.n else NOTHING,
        "value": _value(scores, row),
        "remark": TableCell(_remark(scores, row)),
    }


def _value(scores: SiteScores, row: SiteScore) -> TableCell:
    """A site without a value is a gap in the method's row of sites, a method without one has failed."""
    if row.status != "ok":
        return NOTHING if scores.status == "ok" else TableCell(row.status, "status")
    return TableCell(estimate(row.value, row.interval, scores.metric.decimals))


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
        "i_squared": scores.spread.i_squared,
        "new_site_low": scores.spread.new_site.low,
        "new_site_high": scores.spread.new_site.high,
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
    valued = sum(not math.isnan(site.value) for site in scores.sites)
    start = f"{task_title(scores.task)}, {scores.method}: "
    if valued < 2:
        return f"{start}a value at {valued} of {len(scores.sites)} sites, so there is no spread."
    worst = f"worst at {scores.worst}, {low:.{digits}f} to {high:.{digits}f} over {valued} sites; "
    return f"{start}{worst}{_spread(scores)}."


def _spread(scores: SiteScores) -> str:
    tau, share, count, (low, high) = scores.spread
    if math.isnan(tau):
        return f"tau needs {MIN_SITES} sites with a standard error, there are {count}"
    scale = "on the logit scale" if scores.metric.is_auc else scores.metric.unit(scores.task.unit)
    digits = scores.metric.decimals
    new = f"; a new site: {low:.{digits}f} to {high:.{digits}f}"
    return f"between sites tau {tau:.2f} {scale}".rstrip() + f", I2 {100 * share:.0f} %, {count} sites{new}"
