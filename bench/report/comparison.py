"""Comparisons as a table: values, paired difference, corrected p and the verdict."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.inference import (
    ALPHA,
    MIN_PATIENTS,
    POWER,
    Bootstrap,
    detectable_difference,
)
from bench.predictions.results import Results
from bench.report.columns import (
    CASES,
    NOTHING,
    PATIENTS,
    SHORT_UNITS,
    counted,
    metric_title,
    number,
    task_record,
    task_title,
)
from bench.report.findings import close_note
from bench.report.margins import with_margins
from bench.report.notes import FINGERPRINT_DIGITS, NO_INTERVAL_NOTE, brief_notes, facts, metric_notes
from bench.report.pairs import PAIR_COLUMNS, PAIR_KEYS, difference_cells, difference_record, pair_title
from bench.report.table import Column, Table, TableCell
from bench.report.text import six_digits
from bench.scoring.comparison import Comparison
from bench.scoring.seeds import seeds_note
from bench.scoring.verdicts import subject

COLUMNS = (
    *PAIR_COLUMNS,
    Column("probability", "P (first better)", spare=True),
    Column("detectable", "Detectable"),
    Column("cases_needed", "Cases needed", spare=True),
    CASES,
    PATIENTS,
    Column("verdict", "Verdict", "left", wide=True, spare=True),
)
CSV_COLUMNS = (
    *PAIR_KEYS,
    *("family", "probability_first_better", "detectable_difference", "cases_needed"),
    *("n", "positives", "patients", "positive_patients", "unclear", "status", "verdict"),
)


def comparison_table(
    results: Results,
    comparisons: Sequence[Comparison],
    bootstrap: Bootstrap = Bootstrap(),
    margins: Mapping[str, float] | None = None,
) -> Table:
    """A row a task and pair, the verdicts below; with margins by task a column says whether they are kept."""
    units = {comparison.metric.unit(comparison.task.unit) for comparison in comparisons}
    families = {comparison.task.name: comparison.family for comparison in comparisons if comparison.family}
    verdicts = tuple(
        f"{task_title(comparison.task)}, {_pair(comparison)}: {comparison.verdict}."
        for comparison in comparisons
    )
    reading = (
        _difference_note(results),
        _p_note(families, bootstrap),
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
    table = Table(
        title=f"Comparison: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(comparison) for comparison in comparisons),
        brief=(*verdicts, *about, *reading),
        notes=(*verdicts, *about, prints, *reading),
        records=tuple(_record(comparison) for comparison in comparisons),
        csv_columns=CSV_COLUMNS,
        facts=facts(results, bootstrap),
    )
    return with_margins(table, comparisons, margins) if margins else table


def _cells(comparison: Comparison) -> dict[str, TableCell]:
    digits = comparison.metric.decimals
    return {
        "task": TableCell(task_title(comparison.task)),
        "metric": TableCell(metric_title(comparison)),
        "method": TableCell(_pair(comparison)),
        "first": number(comparison.first_value, digits),
        "second": number(comparison.second_value, digits),
        **difference_cells(comparison, digits, "?" if comparison.unclear else ""),
        "probability": number(comparison.probability, 2),
        "detectable": number(comparison.detectable, digits) if comparison.detectable > 0 else NOTHING,
        "cases_needed": NOTHING
        if comparison.cases_needed is None
        else TableCell(str(comparison.cases_needed)),
        "n": TableCell(counted(comparison.n, comparison.positives)),
        "patients": TableCell(counted(comparison.patients, comparison.positive_patients)),
        "verdict": TableCell(comparison.verdict),
    }


def _record(comparison: Comparison) -> dict[str, Any]:
    """All of a comparison, numbers to six significant digits, None where there is none."""
    numbers = {
        "first_value": comparison.first_value,
        "second_value": comparison.second_value,
        **difference_record(comparison),
        "standard_error": comparison.error,
        "probability_first_better": comparison.probability,
        "detectable_difference": comparison.detectable,
    }
    return {
        **task_record(comparison),
        "first": comparison.first,
        "second": comparison.second,
        "patients": comparison.patients,
        "positive_patients": comparison.positive_patients,
        "unclear": comparison.unclear,
        "status": comparison.status,
        **{name: six_digits(value) for name, value in numbers.items()},
        "family": comparison.family,
        "family_size": comparison.family_size,
        "cases_needed": comparison.cases_needed,
        "verdict": comparison.verdict,
    }


def _mark_notes(comparisons: Sequence[Comparison]) -> list[str]:
    """What brackets without numbers and question marks mean, where there are any."""
    compared = [comparison for comparison in comparisons if comparison.status == "ok"]
    bare = any(math.isnan(comparison.difference.interval.low) for comparison in compared)
    unclear = [comparison.family_size for comparison in compared if comparison.unclear]
    return [
        *([NO_INTERVAL_NOTE] if bare else []),
        *([f"{close_note(max(unclear))}."] if unclear else []),
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


def _p_note(families: Mapping[str, str], bootstrap: Bootstrap) -> str:
    named = "; ".join(dict.fromkeys(families.values())) or "none"
    return (
        f"Adjusted p: step-down max-T over {bootstrap.draws} joint bootstrap resamples of patients (seed "
        f"{bootstrap.seed}), "
        f"within a task; family: {named}. The verdict follows it at {ALPHA:.2f}; for a single comparison it "
        "is p. P (first better): share of resamples in which the first is better, ties half. With fewer than "
        f"{MIN_PATIENTS} patients, or {MIN_PATIENTS} in a class, nothing is tested."
    )


def _planning_note() -> str:
    return (
        f"Detectable: smallest true difference found with {100 * POWER:.0f} % power by one two-sided test at "
        f"{100 * ALPHA:.0f} % on these cases, {detectable_difference(1.0):.2f} standard errors of the paired "
        "difference. Cases needed: how many cases of the same composition find the observed difference, were "
        "it true, with that power."
    )


def _pair(comparison: Comparison) -> str:
    return pair_title(comparison.first, comparison.second)
