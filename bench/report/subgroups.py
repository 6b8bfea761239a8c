"""Subgroups as a table: a row a task, method and group, then the differences between groups in words."""

import math
from collections.abc import Sequence
from typing import Any

from bench.inference import Bootstrap
from bench.predictions.results import Results
from bench.report.columns import METRIC, NOTHING, TASK, counted, estimate, metric_title, task_title
from bench.report.notes import brief_notes, facts
from bench.report.table import Column, Table, TableCell
from bench.scoring.seeds import seeds_note
from bench.scoring.sites import SiteScore
from bench.scoring.subgroups import SMALLEST_CLASS, Fairness, Gap, Subgroups

COLUMNS = (
    TASK,
    METRIC,
    Column("method", "Method", "left"),
    Column("by", "By", "left"),
    Column("group", "Group", "left"),
    Column("n", "n (pos.)"),
    Column("patients", "Patients (pos.)"),
    Column("value", "Value [95 %]"),
)
CSV_COLUMNS = (
    *("task", "metric", "method", "by", "group", "n", "positives", "patients", "positive_patients"),
    *("value", "ci_low", "ci_high", "status", "difference", "difference_low", "difference_high"),
    *("disparity", "disparity_low", "disparity_high"),
)


def subgroup_table(
    results: Results,
    found: Sequence[Subgroups],
    fairness: Sequence[Fairness],
    smallest: int,
    bootstrap: Bootstrap = Bootstrap(),
) -> Table:
    """The groups, the gaps between them, and the challenge's score."""
    said = (
        *(_finding(one) for one in found if one.worst),
        *(_fairness(one) for one in fairness),
    )
    about = (*seeds_note(results), *brief_notes(results, ())[:2], *_notes(smallest, bool(fairness)))
    pairs = [(one, group) for one in found for group in one.groups or (_blank(one),)]
    return Table(
        title=f"Subgroups: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(one, group) for one, group in pairs),
        brief=(*said, *about),
        notes=(*said, *about),
        records=tuple(_record(one, group) for one, group in pairs),
        csv_columns=CSV_COLUMNS,
        facts=facts(results, bootstrap) | {"fairness": [_fairness_record(one) for one in fairness]},
    )


def _blank(one: Subgroups) -> SiteScore:
    return SiteScore("-", 0, None, status=one.status)


def _cells(one: Subgroups, group: SiteScore) -> dict[str, TableCell]:
    shown = group.status == "ok"
    value = estimate(group.value, group.interval, one.metric.decimals) if shown else group.status
    return {
        "task": TableCell(task_title(one.task)),
        "metric": TableCell(metric_title(one)),
        "method": TableCell(one.method),
        "by": TableCell(one.by),
        "group": TableCell(group.site),
        "n": TableCell(counted(group.n, group.positives)) if group.n else NOTHING,
        "patients": TableCell(counted(group.patients, group.positive_patients)) if group.n else NOTHING,
        "value": TableCell(value, "" if shown else "status"),
    }


def _record(one: Subgroups, group: SiteScore) -> dict[str, Any]:
    numbers = {"value": group.value, "ci_low": group.interval.low, "ci_high": group.interval.high}
    for name, gap in (("difference", one.difference), ("disparity", one.disparity)):
        numbers |= {name: gap.value, f"{name}_low": gap.interval.low, f"{name}_high": gap.interval.high}
    return {
        "task": one.task.name,
        "metric": one.metric.name,
        "method": one.method,
        "by": one.by,
        "group": group.site,
        "n": group.n,
        "positives": group.positives,
        "patients": group.patients,
        "positive_patients": group.positive_patients,
        "status": group.status,
        "worst": one.worst,
        "best": one.best,
    } | {name: None if math.isnan(value) else round(value, 6) + 0.0 for name, value in numbers.items()}


def _finding(one: Subgroups) -> str:
    digits = one.metric.decimals
    start = f"{task_title(one.task)}, {one.method}, by {one.by}: "
    gap = f"{one.best} and {one.worst} differ by {_gap(one.difference, digits)}"
    if math.isnan(one.disparity.value):
        return f"{start}{gap}."
    return f"{start}{gap}; equalised-odds disparity {_gap(one.disparity, 2)}."


def _fairness(one: Fairness) -> str:
    return (
        f"{task_title(one.task)}, {one.method}: MAMA-MIA score {_gap(one.score, 3)}, of balanced accuracy "
        f"{_gap(one.accuracy, 3)} and mean disparity {_gap(one.disparity, 3)}."
    )


def _fairness_record(one: Fairness) -> dict[str, Any]:
    parts = {"balanced_accuracy": one.accuracy, "disparity": one.disparity, "score": one.score}
    return {"task": one.task.name, "method": one.method} | {
        name: [round(number, 6) for number in (gap.value, *gap.interval)] for name, gap in parts.items()
    }


def _gap(gap: Gap, digits: int) -> str:
    return estimate(gap.value, gap.interval, digits)


def _notes(smallest: int, challenge: bool) -> list[str]:
    notes = [
        f"Groups of fewer than {smallest} patients, or {SMALLEST_CLASS} of a class, are suppressed.",
        "Differences between groups: of the best and the worst, with the interval of a pair that was named "
        "beforehand (MOVER, Zou & Donner 2008); of many groups some pair differs by chance.",
        "Equalised-odds disparity: mean of the largest gaps in sensitivity and in specificity between "
        "groups, with an interval from all pairs at once, which chance alone does not keep from 0.",
    ]
    if challenge:
        notes.append(
            "MAMA-MIA score: half the balanced accuracy and half of 1 less the mean disparity over the "
            "groupings, as the challenge ranks; methods whose intervals overlap are not separated by it."
        )
    return notes
