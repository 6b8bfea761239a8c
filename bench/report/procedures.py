"""Repeated cross-validation as tables: what each method reaches, and how methods compare as procedures."""

import math
from collections.abc import Sequence
from typing import Any

from bench.comparison import Family
from bench.inference import ALPHA, FEWEST_PATIENTS
from bench.procedures import ProcedureComparison, ProcedureScore, compare_procedures, procedure_scores
from bench.report.cells import METHOD, METRIC, NOTHING, SHORT_UNITS, TASK, metric_title, number
from bench.report.notes import FINGERPRINT_DIGITS
from bench.report.table import Cell, Column, Table
from bench.sample import Results
from bench.split import Split

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
COMPARISON_COLUMNS = (
    TASK,
    METRIC,
    Column("method", "Difference of", "left"),
    Column("first", "First"),
    Column("second", "Second"),
    Column("difference", "First better by [95 %]"),
    Column("p", "p"),
    Column("adjusted_p", "Adjusted p"),
    CASES,
    Column("verdict", "Verdict", "left", wide=True),
)
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
    *("task", "metric", "first", "second", "first_value", "second_value", "difference", "ci_low", "ci_high"),
    *("p", "adjusted_p", "family_size", "repeats", "folds", "n", "positives", "status", "verdict"),
)
MEANS = "Mean: over folds and repeats, each fold a value of its own, and over training seeds."
SPREAD = (
    "Sd, lowest and highest: of the means of the repeats. All repeats test the same cases, so the spread "
    "between them is that of the cut alone, not of other patients."
)
TEST = (
    "Difference: first minus second, positive where the first is better, by the corrected resampled t-test "
    "over folds and repeats (Nadeau & Bengio 2003; Bouckaert & Frank 2004): it is about procedures, with "
    "other training cases and cuts, where `bench compare` without --repeats reads one cut. Each interval is "
    "that of its own difference."
)


def procedure_score_table(repeats: Sequence[Results], splits: Sequence[Split]) -> Table:
    """A row a task and method over all repeats."""
    results, scores = repeats[0], procedure_scores(repeats, splits)
    return _table(
        f"Repeats: {_where(results, splits)}",
        results,
        splits,
        SCORE_COLUMNS,
        [_score_cells(its) for its in scores],
        [_score_record(its) for its in scores],
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
    verdicts = [f"{_title(its.first)}, {_pair(its)}: {its.verdict}." for its in comparisons]
    size = max((its.family_size for its in comparisons), default=0)
    correction = (
        f"Adjusted p: Holm's correction for the {size} comparison(s) of a task; the verdict follows it at "
        f"{ALPHA:.2f}. With fewer than {FEWEST_PATIENTS} patients, or {FEWEST_PATIENTS} in a class, nothing "
        "is tested."
    )
    return _table(
        f"Procedures: {_where(results, splits)}",
        results,
        splits,
        COMPARISON_COLUMNS,
        [_comparison_cells(its) for its in comparisons],
        [_comparison_record(its) for its in comparisons],
        (*verdicts, TEST, correction, MEANS, *_unit_notes([its.first for its in comparisons])),
        COMPARISON_CSV,
    )


def _table(
    title: str,
    results: Results,
    splits: Sequence[Split],
    columns: tuple[Column, ...],
    rows: Sequence[dict[str, Cell]],
    records: Sequence[dict[str, Any]],
    notes: tuple[str, ...],
    csv_columns: tuple[str, ...],
) -> Table:
    prints = ", ".join(its.fingerprint[:FINGERPRINT_DIGITS] for its in splits)
    cut = f"Fingerprints: cohort {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}, splits {prints}."
    facts = {
        "cohort": results.cohort,
        "cohort_fingerprint": results.cohort_fingerprint,
        "synthetic": results.synthetic,
        "splits": {its.name: its.fingerprint for its in splits},
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


def _score_cells(its: ProcedureScore) -> dict[str, Cell]:
    digits, spread = its.metric.decimals, _spread(its)
    return {
        **_task_cells(its),
        "method": Cell(its.method),
        "value": number(spread["value"], digits) if its.status == "ok" else Cell(its.status, "status"),
        "sd": number(spread["repeat_sd"], digits),
        "lowest": number(spread["lowest"], digits),
        "highest": number(spread["highest"], digits),
    }


def _spread(its: ProcedureScore) -> dict[str, float]:
    means = its.by_repeat
    return {
        "value": float(means.mean()),
        "repeat_sd": float(means.std(ddof=1)),
        "lowest": float(means.min()),
        "highest": float(means.max()),
    }


def _score_record(its: ProcedureScore) -> dict[str, Any]:
    return {
        **_task_record(its),
        "method": its.method,
        **{name: _known(value) for name, value in _spread(its).items()},
        "repeats": its.folds.shape[0],
        "folds": its.folds.shape[1],
        "status": its.status,
    }


def _comparison_cells(its: ProcedureComparison) -> dict[str, Cell]:
    digits, (value, (low, high), p) = its.first.metric.decimals, its.difference
    ends = "-" if math.isnan(low) else f"{low:z.{digits}f}, {high:z.{digits}f}"
    return {
        **_task_cells(its.first),
        "method": Cell(_pair(its)),
        "first": number(float(its.first.folds.mean()), digits),
        "second": number(float(its.second.folds.mean()), digits),
        "difference": Cell(f"{value:+z.{digits}f} [{ends}]", _tone(its))
        if its.status == "ok"
        else Cell(its.status, "status"),
        "p": _p_cell(p),
        "adjusted_p": _p_cell(its.adjusted_p),
        "verdict": Cell(its.verdict),
    }


def _comparison_record(its: ProcedureComparison) -> dict[str, Any]:
    return {
        **_task_record(its.first),
        "first": its.first.method,
        "second": its.second.method,
        "first_value": _known(float(its.first.folds.mean())),
        "second_value": _known(float(its.second.folds.mean())),
        "difference": _known(its.difference.value),
        "ci_low": _known(its.difference.interval.low),
        "ci_high": _known(its.difference.interval.high),
        "p": _known(its.difference.p),
        "adjusted_p": _known(its.adjusted_p),
        "family_size": its.family_size,
        "repeats": its.first.folds.shape[0],
        "folds": its.first.folds.shape[1],
        "status": its.status,
        "verdict": its.verdict,
    }


def _task_cells(its: ProcedureScore) -> dict[str, Cell]:
    cases = str(its.n) if its.positives is None else f"{its.n} ({its.positives})"
    return {"task": Cell(_title(its)), "metric": Cell(metric_title(its)), "n": Cell(cases)}


def _task_record(its: ProcedureScore) -> dict[str, Any]:
    return {
        "task": its.task.name,
        "metric": its.metric.name,
        "unit": its.metric.unit(its.task.unit),
        "higher_is_better": its.metric.higher_is_better,
        "n": its.n,
        "positives": its.positives,
    }


def _unit_notes(scores: Sequence[ProcedureScore]) -> tuple[str, ...]:
    units = {its.metric.unit(its.task.unit) for its in scores}
    return tuple(f"{SHORT_UNITS[unit]}: {unit}." for unit in SHORT_UNITS if unit in units)


def _title(its: ProcedureScore) -> str:
    return its.task.title or its.task.name.upper()


def _pair(its: ProcedureComparison) -> str:
    return f"{its.first.method} minus {its.second.method}"


def _known(value: float) -> float | None:
    """Six significant digits, None where there is no value."""
    return None if math.isnan(value) else float(f"{value:.6g}") + 0.0


def _p_cell(p: float) -> Cell:
    return NOTHING if math.isnan(p) else Cell("<0.001" if p < 0.001 else f"{p:.3f}")


def _tone(its: ProcedureComparison) -> Any:
    """Colour by the verdict, so that it never contradicts it."""
    if not its.adjusted_p < ALPHA:
        return ""
    return "good" if its.difference.value > 0 else "bad"
