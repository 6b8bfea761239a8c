"""Pointing scores as a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.explain.pointing import Pointing
from bench.inference import Interval
from bench.report.columns import METHOD, NOTHING, TASK, task_title
from bench.report.table import Column, Table, TableCell
from bench.splits.split import Split

COLUMNS = (
    TASK,
    Column("place", "Signal in", "left", of_task=True),
    METHOD,
    Column("gain", "Beyond even [95 %]", keys=("gain", "ci_low", "ci_high")),
    Column("learned", "Beyond random weights [95 %]", keys=("learned", "learned_low", "learned_high")),
    Column("share", "Of heat"),
    Column("even", "Of an even map"),
    Column("within", "Near the lesion"),
    Column("way", "Map by", "left"),
    Column("patients", "Patients"),
)
NUMBERS = ("gain", "ci_low", "ci_high", "learned", "learned_low", "learned_high", "share", "even", "within")
CSV_COLUMNS = ("task", "place", "method", *NUMBERS, "way", "cases", "patients")
HOW_READ = (
    "Of heat: the share of a map's heat in lesion and surround (up to 9 mm outside) that lies where the "
    "phantom hides the task's signal. Of an even map: the same of a map that is even over lesion and "
    "surround. Beyond even: the difference, mean over patients with its 95 % bootstrap interval by "
    "patients. Beyond random weights: the same against maps of the models with their weights in random "
    "order, which point to bright tissue without having learned anything. Near the lesion: share of all "
    "heat that lies in lesion and surround."
)
HOW_MADE = (
    "Where the signal is follows from the generating model, which no method can reach: the attribute "
    "that the task shifts most; core with its nodule, rim as thick as drawn, texture anywhere in the "
    "lesion, surround outside. Maps are those of the models that were tested on a case, averaged. A "
    "method's own map is one for all tasks. A model may use a signal that the map does not show, and a "
    "map may point where the model has learned nothing: read it beside the AUC."
)


def pointing_table(cohort: Cohort, split: Split, scores: Sequence[Pointing]) -> Table:
    """A row a task and method, those that point best first."""
    order = {task.name: at for at, task in enumerate(cohort.tasks)}
    ranked = sorted(scores, key=lambda score: (order[score.task.name], -score.gain, score.label))
    return Table(
        title=f"Pointing: {cohort.title or cohort.name}, {split.title or split.name}",
        synthetic=cohort.synthetic,
        columns=COLUMNS,
        rows=tuple(map(_row, ranked)),
        brief=(HOW_READ,),
        notes=(HOW_READ, HOW_MADE),
        records=tuple(map(_record, ranked)),
        csv_columns=CSV_COLUMNS,
        facts={"cohort": cohort.name, "split": split.name},
    )


def _row(score: Pointing) -> dict[str, TableCell]:
    return {
        "task": TableCell(task_title(score.task)),
        "metric": TableCell("share of heat"),
        "place": TableCell(score.place),
        "method": TableCell(score.label),
        "gain": _difference(score.gain, score.interval),
        "learned": _difference(score.learned, score.learned_interval),
        "share": TableCell(f"{score.share:.3f}"),
        "even": TableCell(f"{score.even:.3f}"),
        "within": NOTHING if np.isnan(score.within) else TableCell(f"{score.within:.2f}"),
        "way": TableCell(str(score.way)),
        "patients": TableCell(str(score.patients)),
    }


def _difference(value: float, interval: Interval) -> TableCell:
    if np.isnan(value):
        return NOTHING
    low, high = interval
    between = "" if np.isnan(low) else f" [{low:+.3f}, {high:+.3f}]"
    return TableCell(f"{value:+.3f}{between}", "good" if low > 0 else "bad" if high < 0 else "")


def _record(score: Pointing) -> dict[str, Any]:
    beyond = (score.gain, *score.interval, score.learned, *score.learned_interval)
    values = (*beyond, score.share, score.even, score.within)
    return {
        "task": score.task.name,
        "place": score.place,
        "method": score.label,
        "way": str(score.way),
        "cases": score.cases,
        "patients": score.patients,
        **{
            name: None if np.isnan(value) else round(value, 6)
            for name, value in zip(NUMBERS, values, strict=True)
        },
    }
