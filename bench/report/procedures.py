"""Repeated cross-validation as tables: what each method reaches, and how methods compare as procedures."""

from collections.abc import Sequence
from typing import Any

from bench.inference import ALPHA, MIN_PATIENTS
from bench.predictions.results import Results
from bench.report.columns import (
    METHOD,
    METRIC,
    SHORT_UNITS,
    TASK,
    counted,
    metric_title,
    number,
    task_record,
    task_title,
)
from bench.report.notes import FINGERPRINT_DIGITS
from bench.report.pairs import PAIR_COLUMNS, PAIR_KEYS, difference_cells, difference_record, pair_title
from bench.report.table import Column, Table, TableCell
from bench.report.text import six_digits
from bench.scoring.comparison import Family
from bench.scoring.procedures import ProcedureComparison, ProcedureScore, compare_procedures, procedure_scores
from bench.splits.split import Split

CASES = Column("n", "n (pos.)", of_task=True, keys=("n", "positives"))
SCORE_COLUMNS = (
    TASK,
    METRIC,
    METHOD,
    Column("value", "Mean", keys=("value",)),
    Column("sd", "Sd of repeats", keys=("repeat_sd",)),
    Column("lowest", "Lowest", keys=("lowest",)),
    Column("highest", "Highest", keys=("highest",)),
    CASES,
)
COMPARISON_COLUMNS = (*PAIR_COLUMNS, CASES, Column("verdict", "Verdict", "left", wide=True))
SCORE_CSV = (
    "task",
    "metric",
    "method",
    "value",
    "repeat_sd",
    "lowest",
    "highest",
    "n",
    "positives",
    "status",
)
COMPARISON_CSV = (
    *PAIR_KEYS,
    *("family_size", "repeats", "folds", "n", "positives", "status", "verdict"),
)
MEANS = "Mean: over folds and repeats, each fold a value of its own, and over training seeds."
SPREAD = (
    "Sd, lowest and highest: of the means of the repeats. All repeats test the same cases, so the spread "
    "between them is that of the cut alone, not of other patients."
)
TEST = (
    "Difference: first minus second, positive where the first is better, by the corrected resampled t-test "
    "over folds and repeats (Nadeau & Bengio 2003; Bouckaert & Frank 2004): it is about procedures, with "
    "other training cases and cuts, where `bench compare` without --repeats evaluates one split. Each "
    "interval is that of its own difference."
)


def procedure_score_table(repeats: Sequence[Results], splits: Sequence[Split]) -> Table:
    """A row a task and method over all repeats."""
    results, scores = repeats[0], procedure_scores(repeats, splits)
    return _table(
        f"Repeats: {_where(results, splits)}",
        results,
        splits,
        SCORE_COLUMNS,
        [_score_cells(score) for score in scores],
        [_score_record(score) for score in scores],
        (MEANS, SPREAD, *_unit_notes(scores)),
        SCORE_CSV,
    )


def procedure_table(
    repeats: Sequence[Results],
    splits: Sequence[Split],
    reference: str | None = None,
    family: Family | None = None,
) -> Table:
    """A row a task and pair over all repeats, the verdicts below; raises as compare_procedures."""
    results = repeats[0]
    comparisons = compare_procedures(procedure_scores(repeats, splits), splits, reference, family)
    verdicts = [
        f"{task_title(comparison.first.task)}, {_pair(comparison)}: {comparison.verdict}."
        for comparison in comparisons
    ]
    size = max((comparison.family_size for comparison in comparisons), default=0)
    correction = (
        f"Adjusted p: Holm's correction for the {size} comparison(s) of a task; the verdict follows it at "
        f"{ALPHA:.2f}. With fewer than {MIN_PATIENTS} patients, or {MIN_PATIENTS} in a class, nothing "
        "is tested."
    )
    return _table(
        f"Procedures: {_where(results, splits)}",
        results,
        splits,
        COMPARISON_COLUMNS,
        [_comparison_cells(comparison) for comparison in comparisons],
        [_comparison_record(comparison) for comparison in comparisons],
        (*verdicts, TEST, correction, MEANS, *_unit_notes([comparison.first for comparison in comparisons])),
        COMPARISON_CSV,
    )


def _table(
    title: str,
    results: Results,
    splits: Sequence[Split],
    columns: tuple[Column, ...],
    rows: Sequence[dict[str, TableCell]],
    records: Sequence[dict[str, Any]],
    notes: tuple[str, ...],
    csv_columns: tuple[str, ...],
) -> Table:
    prints = ", ".join(split.fingerprint[:FINGERPRINT_DIGITS] for split in splits)
    cut = f"Fingerprints: cohort {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}, splits {prints}."
    facts = {
        "cohort": results.cohort,
        "cohort_fingerprint": results.cohort_fingerprint,
        "synthetic": results.synthetic,
        "splits": {split.name: split.fingerprint for split in splits},
    }
    return Table(
        title=title,
        synthetic=results.synthetic,
        columns=columns,
        rows=tuple(rows),
        brief=notes,
        notes=(*notes, cut),
        records=tuple(records),
        csv_columns=csv_columns,
        facts=facts,
    )


def _where(results: Results, splits: Sequence[Split]) -> str:
    return f"{results.cohort}, {splits[0].name}, {len(splits)} repeats of {len(splits[0].folds)} folds"


def _score_cells(score: ProcedureScore) -> dict[str, TableCell]:
    digits, spread = score.metric.decimals, _spread(score)
    return {
        **_task_cells(score),
        "method": TableCell(score.method),
        "value": number(spread["value"], digits)
        if score.status == "ok"
        else TableCell(score.status, "status"),
        "sd": number(spread["repeat_sd"], digits),
        "lowest": number(spread["lowest"], digits),
        "highest": number(spread["highest"], digits),
    }


def _spread(score: ProcedureScore) -> dict[str, float]:
    means = score.by_repeat
    return {
        "value": float(means.mean()),
        "repeat_sd": float(means.std(ddof=1)),
        "lowest": float(means.min()),
        "highest": float(means.max()),
    }


def _score_record(score: ProcedureScore) -> dict[str, Any]:
    return {
        **task_record(score),
        "method": score.method,
        **{name: six_digits(value) for name, value in _spread(score).items()},
        "repeats": score.folds.shape[0],
        "folds": score.folds.shape[1],
        "status": score.status,
    }


def _comparison_cells(comparison: ProcedureComparison) -> dict[str, TableCell]:
    digits = comparison.first.metric.decimals
    return {
        **_task_cells(comparison.first),
        "method": TableCell(_pair(comparison)),
        "first": number(float(comparison.first.folds.mean()), digits),
        "second": number(float(comparison.second.folds.mean()), digits),
        **difference_cells(comparison, digits),
        "verdict": TableCell(comparison.verdict),
    }


def _comparison_record(comparison: ProcedureComparison) -> dict[str, Any]:
    numbers = {
        "first_value": float(comparison.first.folds.mean()),
        "second_value": float(comparison.second.folds.mean()),
        **difference_record(comparison),
    }
    return {
        **task_record(comparison.first),
        "first": comparison.first.method,
        "second": comparison.second.method,
        **{name: six_digits(value) for name, value in numbers.items()},
        "family_size": comparison.family_size,
        "repeats": comparison.first.folds.shape[0],
        "folds": comparison.first.folds.shape[1],
        "status": comparison.status,
        "verdict": comparison.verdict,
    }


def _task_cells(score: ProcedureScore) -> dict[str, TableCell]:
    return {
        "task": TableCell(task_title(score.task)),
        "metric": TableCell(metric_title(score)),
        "n": TableCell(counted(score.n, score.positives)),
    }


def _unit_notes(scores: Sequence[ProcedureScore]) -> tuple[str, ...]:
    units = {score.metric.unit(score.task.unit) for score in scores}
    return tuple(f"{SHORT_UNITS[unit]}: {unit}." for unit in SHORT_UNITS if unit in units)


def _pair(comparison: ProcedureComparison) -> str:
    return pair_title(comparison.first.method, comparison.second.method)
