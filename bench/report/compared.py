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
    detectable_difference,
)
from bench.report.cells import (
    CASES,
    METRIC,
    NOTHING,
    PATIENTS,
    SHORT_UNITS,
    TASK,
    counted,
    estimate,
    metric_title,
    number,
    task_title,
)
from bench.report.notes import FINGERPRINT_DIGITS, NO_INTERVAL_NOTE, brief_notes, facts, metric_notes
from bench.report.table import Cell, Column, Table
from bench.scores import Results
from bench.seeds import seeds_note
from bench.verdicts import subject

COLUMNS = (
    TASK,
    METRIC,
    Column("method", "Difference of", "left"),
    Column("first", "First"),
    Column("second", "Second"),
    Column("difference", "First better by [95 %]"),
    Column("p", "p"),
    Column("adjusted_p", "Adjusted p"),
    Column("probability", "P (first better)", spare=True),
    Column("detectable", "Detectable"),
    Column("cases_needed", "Cases needed", spare=True),
    CASES,
    PATIENTS,
    Column("verdict", "Verdict", "left", wide=True, spare=True),
)
CSV_COLUMNS = (
    *("task", "metric", "first", "second", "first_value", "second_value", "difference", "ci_low", "ci_high"),
    *("p", "adjusted_p", "family", "probability_first_better", "detectable_difference", "cases_needed"),
    *("n", "positives", "patients", "positive_patients", "unclear", "status", "verdict"),
)


def comparison_table(
    results: Results, comparisons: Sequence[Comparison], draws: int = DRAWS, seed: int = DRAW_SEED
) -> Table:
    """A row a task and pair, the verdicts below; ``draws`` and ``seed`` are those of the bootstrap."""
    units = {its.metric.unit(its.task.unit) for its in comparisons}
    families = {its.task.name: its.family for its in comparisons if its.family}
    verdicts = tuple(f"{task_title(its.task)}, {_pair(its)}: {its.verdict}." for its in comparisons)
    reading = (
        _difference_note(results),
        _p_note(families, draws, seed),
        _planning_note(),
        *metric_notes(results, comparisons),
        *_mark_notes(comparisons),
        *(f"{SHORT_UNITS[unit]}: {unit}." for unit in SHORT_UNITS if unit in units),
    )
    about = (*seeds_note(results), *brief_notes(results, ())[:2])
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
        "task": Cell(task_title(its.task)),
        "metric": Cell(metric_title(its)),
        "method": Cell(_pair(its)),
        "first": number(its.first_value, digits),
        "second": number(its.second_value, digits),
        "difference": Cell(estimate(value, interval, digits, "+"), _tone(its))
        if compared
        else Cell(its.status, "status"),
        "p": _p_cell(p),
        "adjusted_p": _p_cell(its.adjusted_p, "?" if its.unclear else ""),
        "probability": number(its.probability, 2),
        "detectable": number(its.detectable, digits) if its.detectable > 0 else NOTHING,
        "cases_needed": NOTHING if its.cases_needed is None else Cell(str(its.cases_needed)),
        "n": Cell(counted(its.n, its.positives)),
        "patients": Cell(counted(its.patients, its.positive_patients)),
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
        "patients": its.patients,
        "positive_patients": its.positive_patients,
        "unclear": its.unclear,
        "status": its.status,
        **{name: _six_digits(value) for name, value in numbers.items()},
        "family": its.family,
        "family_size": its.family_size,
        "cases_needed": its.cases_needed,
        "verdict": its.verdict,
    }


def _six_digits(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.6g}") + 0.0


def _mark_notes(comparisons: Sequence[Comparison]) -> list[str]:
    """What brackets without numbers and question marks mean, where there are any."""
    compared = [its for its in comparisons if its.status == "ok"]
    bare = any(math.isnan(its.difference.interval.low) for its in compared)
    open_p = "?: the most resamples that are drawn leave open whether p is below 5 %; read as not separable."
    return [
        *([NO_INTERVAL_NOTE] if bare else []),
        *([open_p] if any(its.unclear for its in compared) else []),
    ]


def _difference_note(results: Results) -> str:
    fitted = "what other training cases would change is not in the interval"
    trained = "what other training cases would change is in the interval"
    return (
        "Difference: first minus second on the same cases, positive where the first is better. AUC: paired "
        "DeLong over pairs of cases of the same fold, by patient; other metrics: bootstrap-t by patient. "
        "Each interval is that of its own difference, not corrected for the others. With several seeds a "
        f"metric is their mean. Verdicts speak of {subject(results.variance_factor)}: "
        f"{fitted if results.variance_factor <= 1 else trained}."
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


def _p_cell(p: float, mark: str = "") -> Cell:
    return NOTHING if math.isnan(p) else Cell(f"<0.001{mark}" if p < 0.001 else f"{p:.3f}{mark}")


def _tone(its: Comparison) -> Any:
    """Colour by the verdict, so that it never contradicts it."""
    if not its.adjusted_p < ALPHA:
        return ""
    return "good" if its.difference.value > 0 else "bad"
