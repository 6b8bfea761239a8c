"""Comparisons as a table: values, paired difference, corrected p and the verdict."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.comparison import Comparison
from bench.inference import (
    ALPHA,
    DRAW_SEED,
    DRAWS,
    FEWEST_PATIENTS,
    POWER,
    Interval,
    detectable_difference,
)
from bench.report.cells import METRIC, NOTHING, SHORT_UNITS, TASK, metric_title, number
from bench.report.notes import FINGERPRINT_DIGITS, brief_notes, facts, metric_notes
from bench.report.table import Cell, Column, Table
from bench.scores import Results

COLUMNS = (
    TASK,
    METRIC,
    Column("method", "Difference of", "left"),
    Column("first", "First"),
    Column("second", "Second"),
    Column("difference", "First better by [95 %]"),
    Column("p", "p"),
    Column("adjusted_p", "Adjusted p"),
    Column("probability", "P (first better)"),
    Column("detectable", "Detectable"),
    Column("cases_needed", "Cases needed"),
    Column("n", "n (pos.)", of_task=True),
    Column("verdict", "Verdict", "left", wide=True),
)
CSV_COLUMNS = (
    *("task", "metric", "first", "second", "first_value", "second_value", "difference", "ci_low", "ci_high"),
    *("p", "adjusted_p", "family", "probability_first_better", "detectable_difference", "cases_needed"),
    *("n", "positives", "status", "verdict"),
)


def comparison_table(
    results: Results, comparisons: Sequence[Comparison], draws: int = DRAWS, seed: int = DRAW_SEED
) -> Table:
    """A row a task and pair, the verdicts below; ``draws`` and ``seed`` are those of the bootstrap."""
    units = {its.metric.unit(its.task.unit) for its in comparisons}
    families = {its.task.name: its.family for its in comparisons if its.family}
    verdicts = tuple(f"{_title(its)}, {_pair(its)}: {its.verdict}." for its in comparisons)
    reading = (
        _difference_note(),
        _p_note(families, draws, seed),
        _planning_note(),
        *metric_notes(results, comparisons),
        *(f"{SHORT_UNITS[unit]}: {unit}." for unit in SHORT_UNITS if unit in units),
    )
    about = brief_notes(results, ())[:2]
    prints = (
        f"Fingerprints: cohort {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}, "
        f"split {results.split_fingerprint[:FINGERPRINT_DIGITS]}, split seed {results.split_seed}."
    )
    return Table(
        title=f"Comparison: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(its) for its in comparisons),
        brief=(*verdicts, *about, *reading),
        notes=(*verdicts, *about, prints, *reading),
        records=tuple(_record(its) for its in comparisons),
        csv_columns=CSV_COLUMNS,
        facts=facts(results, draws, seed),
    )


def _cells(its: Comparison) -> dict[str, Cell]:
    digits = its.metric.decimals
    compared = its.status == "ok"
    value, interval, p = its.difference
    return {
        "task": Cell(_title(its)),
        "metric": Cell(metric_title(its)),
        "method": Cell(_pair(its)),
        "first": number(its.first_value, digits),
        "second": number(its.second_value, digits),
        "difference": Cell(_estimate(value, interval, digits), _tone(its))
        if compared
        else Cell(its.status, "status"),
        "p": _p_cell(p),
        "adjusted_p": _p_cell(its.adjusted_p),
        "probability": number(its.probability, 2),
        "detectable": number(its.detectable, digits) if its.detectable > 0 else NOTHING,
        "cases_needed": NOTHING if its.cases_needed is None else Cell(str(its.cases_needed)),
        "n": Cell(str(its.n) if its.positives is None else f"{its.n} ({its.positives})"),
        "verdict": Cell(its.verdict),
    }


def _record(its: Comparison) -> dict[str, Any]:
    """All of a comparison, numbers to six significant digits, None where there is none."""
    numbers = {
        "first_value": its.first_value,
        "second_value": its.second_value,
        "difference": its.difference.value,
        "ci_low": its.difference.interval.low,
        "ci_high": its.difference.interval.high,
        "p": its.difference.p,
        "adjusted_p": its.adjusted_p,
        "standard_error": its.error,
        "probability_first_better": its.probability,
        "detectable_difference": its.detectable,
    }
    return {
        "task": its.task.name,
        "metric": its.metric.name,
        "unit": its.metric.unit(its.task.unit),
        "higher_is_better": its.metric.higher_is_better,
        "first": its.first,
        "second": its.second,
        "n": its.n,
        "positives": its.positives,
        "status": its.status,
        **{name: _six_digits(value) for name, value in numbers.items()},
        "family": its.family,
        "family_size": its.family_size,
        "cases_needed": its.cases_needed,
        "verdict": its.verdict,
    }


def _six_digits(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.6g}") + 0.0


def _difference_note() -> str:
    return (
        "Difference: first minus second on the same cases, positive where the first is better. AUC: paired "
        "DeLong over pairs of cases of the same fold, by patient; other metrics: bootstrap-t by patient. "
        "Each interval is that of its own difference, not corrected for the others. With several seeds a "
        "metric is their mean. The fitted models are taken as they are: what other training cases would "
        "change is not in the interval."
    )


def _p_note(families: Mapping[str, str], draws: int, seed: int) -> str:
    named = "; ".join(dict.fromkeys(families.values())) or "none"
    return (
        f"Adjusted p: step-down max-T over {draws} joint bootstrap resamples of patients (seed {seed}), "
        f"within a task; family: {named}. The verdict follows it at {ALPHA:.2f}; for a single comparison it "
        "is p. P (first better): share of resamples in which the first is better, ties half. With fewer than "
        f"{FEWEST_PATIENTS} patients, or {FEWEST_PATIENTS} in a class, nothing is tested."
    )


def _planning_note() -> str:
    return (
        f"Detectable: smallest true difference found with {100 * POWER:.0f} % power by one two-sided test at "
        f"{100 * ALPHA:.0f} % on these cases, {detectable_difference(1.0):.2f} standard errors of the paired "
        "difference. Cases needed: how many cases of the same composition find the observed difference, were "
        "it true, with that power."
    )


def _pair(its: Comparison) -> str:
    return f"{its.first} minus {its.second}"


def _title(its: Comparison) -> str:
    return its.task.title or its.task.name.upper()


def _p_cell(p: float) -> Cell:
    return NOTHING if math.isnan(p) else Cell("<0.001" if p < 0.001 else f"{p:.3f}")


def _estimate(value: float, interval: Interval, digits: int) -> str:
    if math.isnan(value):
        return "-"
    ends = "-" if math.isnan(interval.low) else f"{interval.low:z.{digits}f}, {interval.high:z.{digits}f}"
    return f"{value:+z.{digits}f} [{ends}]"


def _tone(its: Comparison) -> Any:
    """Colour by the verdict, so that it never contradicts it."""
    if not its.adjusted_p < ALPHA:
        return ""
    return "good" if its.difference.value > 0 else "bad"
