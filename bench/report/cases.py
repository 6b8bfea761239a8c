"""Single cases: the worst of one method as a table, and all predictions of chosen cases."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import UsageError, unknown_name
from bench.inference import Bootstrap
from bench.predictions.results import Results
from bench.predictions.thresholds import reaches
from bench.report.columns import NOTHING, TASK, task_title
from bench.report.notes import brief_notes, facts
from bench.report.table import Column, Table, TableCell
from bench.scoring.cases import TaskCases, relative, task_cases

COLUMNS = (
    TASK,
    Column("case", "Case", "left"),
    Column("site", "Site", "left"),
    Column("fold", "Fold"),
    Column("truth", "Truth"),
    Column("prediction", "Prediction (sd)"),
    Column("threshold", "Threshold"),
    Column("error", "Error"),
    Column("image", "Image", "left", wide=True, spare=True),
)
HOW_READ = (
    "Prediction: mean over training seeds, with the standard deviation between them. Threshold: mean over "
    "seeds of the one from which a case is called positive. Error: absolute difference of prediction and "
    "truth, which is 1 or 0 for a binary task."
)


@dataclass(frozen=True, eq=False)
class CaseReport:
    """What all methods predict for one case.

    Parameters
    ----------
    error, disagreement
        Mean over the tasks of its rank among all cases, in 0 to 1, by mean error and by standard deviation
        between methods.
    truths
        Text by task.
    predictions
        Method to task to cell; a decision that the threshold makes wrong is ``bad``.
    """

    case_id: str
    site: str
    error: float
    disagreement: float
    truths: Mapping[str, str]
    predictions: Mapping[str, Mapping[str, TableCell]]


def worst_cases(
    results: Results, task: str, method: str, count: int, images: Mapping[str, str] | None = None
) -> Table:
    """The cases on which one method is farthest off on one task, the worst first.

    Parameters
    ----------
    images
        Path of the image by case id, where there are images.

    Raises
    ------
    UsageError
        There is no such task, or the method has no value on it.
    """
    cases = _cases_of(results, task)
    if method not in cases.methods:
        raise unknown_name(f"method with a value for {task}", method, cases.methods)
    order = np.argsort(-cases.error(method), kind="stable")[:count]
    return Table(
        title=f"Worst cases of {method} for {task_title(cases.task)}: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple(_cells(cases, method, int(place), images or {}) for place in order),
        brief=(HOW_READ, *brief_notes(results, ())[:2]),
        notes=(HOW_READ, *brief_notes(results, ())[:2]),
        records=tuple(_record(cases, method, int(place), images or {}) for place in order),
        csv_columns=("task", "method", "case", "site", "fold", "truth", *NUMBERS, "image"),
        facts={name: fact for name, fact in facts(results, Bootstrap()).items() if name != "statistics"},
    )


def case_reports(results: Results, count: int) -> tuple[CaseReport, ...]:
    """The cases on which the methods are farthest off over all tasks, the worst first."""
    found = task_cases(results)
    errors = _mean_rank(found, [relative(cases.mean_error) for cases in found])
    disagreements = _mean_rank(found, [relative(cases.disagreement) for cases in found])
    worst = sorted(errors, key=lambda case_id: (-errors[case_id], case_id))[:count]
    return tuple(_case_report(found, case_id, errors[case_id], disagreements[case_id]) for case_id in worst)


def _case_report(found: Sequence[TaskCases], case_id: str, error: float, disagreement: float) -> CaseReport:
    placed = [(cases, cases.case_ids.index(case_id)) for cases in found if case_id in cases.case_ids]
    labels = dict.fromkeys(label for cases, _ in placed for label in cases.methods)
    return CaseReport(
        case_id,
        placed[0][0].site[placed[0][1]],
        error,
        disagreement,
        {task_title(cases.task): f"{cases.truth[place]:g}" for cases, place in placed},
        {
            label: {
                task_title(cases.task): _prediction(cases, label, place)
                for cases, place in placed
                if label in cases.methods
            }
            for label in labels
        },
    )


def _prediction(cases: TaskCases, label: str, place: int) -> TableCell:
    """The prediction, of a binary task with the threshold's decision where there is one."""
    said = cases.methods[label]
    value, cut = float(said.prediction[place]), float(said.threshold[place])
    if cases.task.kind != "binary":
        return TableCell(f"{value:.1f}")
    if math.isnan(cut):
        return TableCell(f"{value:.2f}")
    positive = bool(reaches(np.array(value), np.array(cut)))
    wrong = positive != bool(cases.truth[place] == 1)
    return TableCell(f"{value:.2f} {'≥' if positive else '<'} {cut:.2f}", "bad" if wrong else "")


def _mean_rank(found: Sequence[TaskCases], ranks: Iterable[np.ndarray]) -> dict[str, float]:
    """Mean over the tasks that know a case's label, by case id."""
    said: dict[str, list[float]] = {}
    for cases, values in zip(found, ranks, strict=True):
        for case_id, value in zip(cases.case_ids, values, strict=True):
            said.setdefault(case_id, []).append(float(value))
    return {case_id: float(np.mean(values)) for case_id, values in said.items()}


def _cases_of(results: Results, task: str) -> TaskCases:
    named = {cases.task.name: cases for cases in task_cases(results)}
    if task in named:
        return named[task]
    if task in {one.name for one in results.tasks}:
        raise UsageError(f"no method has a value for {task}, so it has no worst cases")
    raise unknown_name("task", task, [one.name for one in results.tasks])


NUMBERS = ("prediction", "seed_sd", "threshold", "error")


def _record(cases: TaskCases, method: str, place: int, images: Mapping[str, str]) -> dict[str, object]:
    said = cases.methods[method]
    numbers = (
        said.prediction[place],
        said.spread[place],
        said.threshold[place],
        cases.error(method)[place],
    )
    return {
        "task": cases.task.name,
        "method": method,
        "case": cases.case_ids[place],
        "site": cases.site[place],
        "fold": cases.fold[place],
        "truth": float(cases.truth[place]),
        "image": images.get(cases.case_ids[place], ""),
    } | {
        name: None if np.isnan(value) else round(float(value), 6)
        for name, value in zip(NUMBERS, numbers, strict=True)
    }


def _cells(cases: TaskCases, method: str, place: int, images: Mapping[str, str]) -> dict[str, TableCell]:
    said = cases.methods[method]
    digits = 2 if cases.task.kind == "binary" else 1
    spread, cut = said.spread[place], said.threshold[place]
    image = images.get(cases.case_ids[place], "")
    return {
        "task": TableCell(task_title(cases.task)),
        "metric": TableCell(f"absolute error {cases.task.unit}".rstrip()),
        "method": TableCell(method),
        "case": TableCell(cases.case_ids[place]),
        "site": TableCell(cases.site[place]),
        "fold": TableCell(str(cases.fold[place])),
        "truth": TableCell(f"{cases.truth[place]:g}"),
        "prediction": TableCell(
            f"{said.prediction[place]:.{digits}f}" + ("" if np.isnan(spread) else f" ({spread:.{digits}f})")
        ),
        "threshold": NOTHING if np.isnan(cut) else TableCell(f"{cut:.{digits}f}"),
        "error": TableCell(f"{cases.error(method)[place]:.{digits}f}"),
        "image": TableCell(image) if image else NOTHING,
    }
