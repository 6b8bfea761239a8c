"""Shares and effects of factors as a table."""

import math
from typing import Any

from bench.inference import Bootstrap, Interval
from bench.predictions.results import Results
from bench.report.columns import METRIC, NOTHING, TASK, estimate, metric_title, number, task_title
from bench.report.notes import brief_notes, facts
from bench.report.table import Column, Table, TableCell
from bench.scoring.factors import Effect, FactorScores, Share

COLUMNS = (
    TASK,
    METRIC,
    Column("factor", "Factor", "left"),
    Column("share", "Share of variance [95 %]", keys=("share", "share_low", "share_high")),
    Column("level", "Level", "left"),
    Column("value", "Mean"),
    Column("worst_site", "Mean at worst site"),
    Column("better_by", "Better than first by", keys=("better_by", "better_low", "better_high")),
)
CSV_COLUMNS = (
    *("task", "metric", "factor", "share", "share_low", "share_high", "level", "value", "worst_site"),
    *("better_by", "better_low", "better_high", "status"),
)
NOTES = (
    "Share of variance: of the sum of squares of the rows' values, by a balanced analysis of variance; main "
    "effects, interactions of two factors (x) and the rest add up to 1. Intervals are percentiles over "
    "resamples of patients, the same for all rows. Noise of few patients counts in every share: shares of "
    "factors without an effect are not 0.",
    "Better than first by: mean paired difference from the first level at equal levels of the other factors, "
    "positive where the level is better. Intervals are of the fitted models, and not corrected for the "
    "number of levels and tasks.",
    "Mean at worst site: mean over the rows with the level of the value at the site where each is worst.",
)


def factor_table(scores: tuple[FactorScores, ...], results: Results, bootstrap: Bootstrap) -> Table:
    """A row for each share and each level, task by task."""
    records = tuple(record for one in scores for record in _records(one))
    about = (*brief_notes(results, ())[:2], *NOTES)
    return Table(
        title=f"Factors: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(record, one) for one in scores for record in _records(one)),
        brief=about,
        notes=about,
        records=records,
        csv_columns=CSV_COLUMNS,
        facts=facts(results, bootstrap),
    )


def _records(scores: FactorScores) -> list[dict[str, Any]]:
    head = {"task": scores.task.name, "metric": scores.metric.name}
    if scores.status != "ok":
        return [{**dict.fromkeys(CSV_COLUMNS), **head, "status": scores.status}]
    rows: list[dict[str, Any]] = []
    for share in scores.shares:
        rows.append(_of_share(share))
        rows += [_of_effect(effect) for effect in scores.effects if effect.factor == share.source]
    return [{**dict.fromkeys(CSV_COLUMNS), **head, **row, "status": "ok"} for row in rows]


def _of_share(share: Share) -> dict[str, Any]:
    return {"factor": share.source, **_numbers("share", share.value, share.interval)}


def _of_effect(effect: Effect) -> dict[str, Any]:
    known = {} if math.isnan(effect.worst_site) else {"worst_site": round(effect.worst_site, 6)}
    return {
        "factor": effect.factor,
        "level": effect.level,
        "value": round(effect.value, 6),
        **known,
        **_numbers("better", effect.better_by, effect.interval, "better_by"),
    }


def _numbers(name: str, value: float, interval: Interval, own: str = "") -> dict[str, float | None]:
    numbers = {own or name: value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {key: None if math.isnan(one) else round(one, 6) for key, one in numbers.items()}


def _cells(record: dict[str, Any], scores: FactorScores) -> dict[str, TableCell]:
    digits = scores.metric.decimals
    shown = {"task": TableCell(task_title(scores.task)), "metric": TableCell(metric_title(scores))}
    blank = dict.fromkeys(("factor", "share", "level", "value", "worst_site", "better_by"), NOTHING)
    if scores.status != "ok":
        return {**blank, **shown, "factor": TableCell(scores.status, "status")}
    shown["factor"] = TableCell(record["factor"])
    if record["level"] is None:
        interval = _interval(record, "share")
        return {**blank, **shown, "share": TableCell(estimate(_known(record["share"]), interval, 2))}
    worst = NOTHING if record["worst_site"] is None else number(record["worst_site"], digits)
    better = estimate(_known(record["better_by"]), _interval(record, "better"), digits)
    return {
        **blank,
        **shown,
        "level": TableCell(record["level"]),
        "value": number(record["value"], digits),
        "worst_site": worst,
        "better_by": TableCell(better) if record["better_by"] else NOTHING,
    }


def _interval(record: dict[str, Any], name: str) -> Interval:
    return Interval(_known(record[f"{name}_low"]), _known(record[f"{name}_high"]))


def _known(value: float | None) -> float:
    return math.nan if value is None else value
