"""Learning curves as a table: a row a size, below it the laws and who passes whom where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.inference import MIN_PATIENTS, Bootstrap, Interval
from bench.inference.learning_law import BELOW, DECAYS, NEVER
from bench.predictions.results import Results
from bench.report.columns import (
    METRIC,
    TASK,
    counted,
    estimate,
    metric_title,
    number,
    task_title,
)
from bench.report.notes import brief_notes, facts
from bench.report.table import Column, Table, TableCell
from bench.report.text import six_digits
from bench.scoring.learning import LearningCurve, LearningCurves, LearningPoint, Passing, learning_curves

COLUMNS = (
    TASK,
    METRIC,
    Column("method", "Method", "left", keys=("method", "status")),
    Column("size", "Training patients"),
    Column("value", "Value [95 %]", keys=("value", "ci_low", "ci_high")),
    Column("constant", "Baseline"),
    Column("n", "n (pos.)", of_task=True, keys=("n", "positives")),
    Column("patients", "Patients (pos.)", of_task=True, keys=("patients", "positive_patients")),
)
CSV_COLUMNS = (
    *("task", "metric", "method", "size", "value", "ci_low", "ci_high", "constant"),
    *("n", "positives", "patients", "positive_patients", "status"),
)
SIZES = (
    "Training patients: those of the training part of a fold, the median over folds. Each size holds the "
    "smaller ones, all methods learn from the same patients, and of the validation part the same share is "
    "kept. Every size is tested on the same cases, and one set of resamples serves all sizes and methods, so "
    "what is said of two of them is paired."
)
FITTED = (
    "One subset a size and one fold: how much another subset would change is in no interval, nor in the law."
)
PROCEDURES = (
    "Intervals and resamples are widened for the training cases that folds share, the more the fewer a fold "
    "learns from: they speak of the procedure, with other training cases."
)
LAW = (
    "Law: v(n) = limit - b (n / n0)^-decay for values of which higher is better, n0 the geometric mean of "
    "the sizes, by weighted least squares, with intervals from refits to the resamples; decays from "
    f"{DECAYS[0]:g} to {DECAYS[-1]:g}. It says nothing beyond the sizes that were run."
)
PASSING = (
    "Passing: the size from which on one method stays ahead up to the largest size, interpolated along the "
    "logarithm of the size; intervals are not corrected for the number of pairs. With fewer than "
    f"{MIN_PATIENTS} patients, or {MIN_PATIENTS} in a class, there is none."
)


@dataclass(frozen=True, eq=False)
class LearningReport:
    """The curves with their table."""

    curves: LearningCurves
    table: Table


def learning_report(by_size: Mapping[int, Results], bootstrap: Bootstrap = Bootstrap()) -> LearningReport:
    """Curves of results by the number of training patients; raises as :func:`learning_curves`."""
    found = learning_curves(by_size, bootstrap)
    results = by_size[max(by_size)]
    laws, passed = law_notes(found), passing_notes(found)
    reading = (SIZES, FITTED if results.variance_factor <= 1 else PROCEDURES, LAW, PASSING)
    about = brief_notes(results, ())[:2]
    rows = [(curve, point) for curve in found.curves for point in curve.points]
    table = Table(
        title=f"Learning curves: {results.cohort}, {results.split.partition(':n=')[0]}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(curve, point) for curve, point in rows),
        brief=(*passed, *laws, *about, *reading),
        notes=(*passed, *laws, *about, *reading),
        records=tuple(_record(curve, point) for curve, point in rows),
        csv_columns=CSV_COLUMNS,
        facts={
            **facts(results, bootstrap),
            "laws": [_law_record(curve) for curve in found.curves],
            "passings": [_passing_record(passing) for passing in found.passings],
        },
    )
    return LearningReport(found, table)


def law_notes(found: LearningCurves) -> list[str]:
    """The law of each curve that has one; the others by the reason why they have none."""
    said = [_law_text(curve) for curve in found.curves if curve.fitted.law is not None]
    without: dict[str, list[str]] = {}
    for curve in found.curves:
        if curve.fitted.law is None:
            without.setdefault(curve.fitted.why, []).append(f"{task_title(curve.task)} {curve.method}")
    return said + [f"No law for {', '.join(names)}: {why}." for why, names in without.items()]


def passing_notes(found: LearningCurves) -> list[str]:
    """A sentence a task and pair of methods."""
    return [passing_text(passing, found.sizes) for passing in found.passings]


def passing_text(passing: Passing, sizes: Sequence[int]) -> str:
    """Who passes whom and where, in a sentence that claims no more than the interval covers."""
    where = f"{task_title(passing.task)}: {passing.first}"
    low, high = passing.interval
    if low != low:
        return f"{where} and {passing.second} are not told apart: too few patients, or no value."
    shown = f"[{_size_text(low, sizes)}, {_size_text(high, sizes)}]"
    if high == BELOW:
        return f"{where} is ahead of {passing.second} at every size."
    if high == NEVER:
        found = _size_text(passing.size, sizes)
        return f"{where} is not shown to pass {passing.second}: by the values {found}, {shown}."
    if passing.size == BELOW:
        return (
            f"{where} is ahead of {passing.second} from {_size_text(high, sizes)} patients on at the latest."
        )
    return f"{where} passes {passing.second} at {_size_text(passing.size, sizes)} patients {shown}."


def _size_text(size: float, sizes: Sequence[int]) -> str:
    if size == BELOW:
        return f"below {sizes[0]}"
    return "not reached within these sizes" if size == NEVER else f"{size:.0f}"


def _limit(curve: LearningCurve) -> tuple[float, Interval]:
    """The limit of the law with its interval, in the metric's own direction."""
    law, interval = curve.fitted.law, curve.fitted.limit
    if law is None:
        return float("nan"), interval
    sign = curve.metric.sign
    return sign * law.limit, interval if sign > 0 else Interval(-interval.high, -interval.low)


def _law_text(curve: LearningCurve) -> str:
    law = curve.fitted.law
    limit = estimate(*_limit(curve), curve.metric.decimals)
    decay = estimate(float("nan") if law is None else law.decay, curve.fitted.decay, 2)
    return f"{task_title(curve.task)}, {curve.method}: limit {limit}, decay {decay}."


def _cells(curve: LearningCurve, point: LearningPoint) -> dict[str, TableCell]:
    digits = curve.metric.decimals
    value = TableCell(estimate(point.value, point.interval, digits))
    return {
        "task": TableCell(task_title(curve.task)),
        "metric": TableCell(metric_title(curve)),
        "method": TableCell(curve.method),
        "size": TableCell(str(point.size)),
        "value": value if point.status == "ok" else TableCell(point.status, "status"),
        "constant": number(point.constant, digits),
        "n": TableCell(counted(curve.n, curve.positives)),
        "patients": TableCell(counted(curve.patients, curve.positive_patients)),
    }


def _record(curve: LearningCurve, point: LearningPoint) -> dict[str, Any]:
    return {
        **_about(curve),
        "method": curve.method,
        "size": point.size,
        "value": six_digits(point.value),
        "ci_low": six_digits(point.interval.low),
        "ci_high": six_digits(point.interval.high),
        "constant": six_digits(point.constant),
        "n": curve.n,
        "positives": curve.positives,
        "patients": curve.patients,
        "positive_patients": curve.positive_patients,
        "status": point.status,
    }


def _about(one: LearningCurve | Passing) -> dict[str, Any]:
    return {
        "task": one.task.name,
        "metric": one.metric.name,
        "higher_is_better": one.metric.higher_is_better,
    }


def _law_record(curve: LearningCurve) -> dict[str, Any]:
    law, (limit, (low, high)) = curve.fitted.law, _limit(curve)
    return {
        **_about(curve),
        "method": curve.method,
        "limit": six_digits(limit),
        "limit_low": six_digits(low),
        "limit_high": six_digits(high),
        "decay": None if law is None else six_digits(law.decay),
        "decay_low": six_digits(curve.fitted.decay.low),
        "decay_high": six_digits(curve.fitted.decay.high),
        "why_none": curve.fitted.why,
    }


def _passing_record(passing: Passing) -> dict[str, Any]:
    """Sizes as numbers or in a word: JSON has no infinity."""
    ends = {"size": passing.size, "low": passing.interval.low, "high": passing.interval.high}
    words = {BELOW: "below", NEVER: "not reached"}
    return {
        **_about(passing),
        "first": passing.first,
        "second": passing.second,
        **{name: words.get(end, six_digits(end)) for name, end in ends.items()},
    }
