"""Every metric of every method and task in one table; the metrics and thresholds there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.inference import Bootstrap
from bench.methods.registry import Registry
from bench.metrics import Metric
from bench.predictions.results import Results
from bench.report import columns as columns
from bench.report.notes import DIFFERENCES, SKILL, brief_notes, facts, file_notes
from bench.report.table import Column, Table, TableCell
from bench.scoring.scores import Score, metric_scores
from bench.scoring.seeds import on_shared_seeds, seeds_note

FIGURE = Column("figure", "Metric", "left")
# Of another kind than on a board: here it belongs to a row, not to the task.
CONSTANT = Column("constant", "Baseline")

CSV = (
    *("method", "task", "metric", "unit", "value", "ci_low", "ci_high", "constant", "n", "positives"),
    *("patients", "positive_patients", "seeds", "seed_sd", "rule", "status"),
)


def metric_table(results: Results, metrics: Sequence[Metric], bootstrap: Bootstrap = Bootstrap()) -> Table:
    """A row a task, method and metric of its kind, with an interval and the baseline's value.

    Metrics of decisions are left out of the rows where a threshold is lacking, with the reason below; the
    records hold them with their status..
    """
    seeds = seeds_note(results)
    results = on_shared_seeds(results)
    scores = [
        score
        for task in results.tasks
        for of_method in zip(
            *(
                metric_scores(results, task, metric, bootstrap)
                for metric in metrics
                if metric.kind == task.kind
            ),
            strict=True,
        )
        for score in of_method
    ]
    lacking = _lacking_thresholds(scores)
    return Table(
        title=f"Metrics: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=(
            columns.TASK,
            columns.METHOD,
            FIGURE,
            columns.VALUE,
            CONSTANT,
            columns.CASES,
            columns.PATIENTS,
            columns.SEEDS,
        ),
        rows=tuple(_cells(score) for score in _shown(scores)),
        brief=(*lacking, *seeds, *brief_notes(results, scores)[:2]),
        notes=(*lacking, *seeds, *_notes(results, scores, bootstrap)),
        records=tuple(_record(score, results.rule) for score in scores),
        csv_columns=CSV,
        facts=facts(results, bootstrap) | {"rule": results.rule},
    )


def metric_list(registry: Registry) -> list[dict[str, Any]]:
    """The metrics on offer, a row each."""
    return [
        {
            "metric": name,
            "kind": metric.kind,
            "better": metric.arrow,
            "input": metric.input,
            "ranks": "yes" if metric.ranks else "no",
            "plugin": registry.metric_plugins[name],
            "summary": metric.summary,
        }
        for name, metric in registry.metrics.items()
    ]


def threshold_rows(results: Results, rule: str | None = None) -> list[dict[str, Any]]:
    """Thresholds of every method, task, seed and fold, by one rule or by all."""
    return [
        {
            "method": method.label,
            "task": threshold.task,
            "seed": threshold.seed,
            "fold": threshold.fold,
            "threshold": None if threshold.reason else threshold.value,
            "rule": threshold.rule,
            "source": threshold.source,
            "positives": threshold.positives,
            "reason": threshold.reason,
        }
        for method in results.methods
        for threshold in sorted(
            method.thresholds,
            key=lambda threshold: (threshold.rule, threshold.task, threshold.seed, threshold.fold),
        )
        if rule in (None, threshold.rule)
    ]


def _shown(scores: Sequence[Score]) -> list[Score]:
    """Scores that get a row: one a method and task for a reason that all its metrics share."""
    reasons = set()
    shown = []
    for score in scores:
        key = (score.task.name, score.method, score.status)
        if score.status == "ok" or not (key in reasons or _lacks_threshold(score)):
            shown.append(score)
        reasons.add(key)
    return shown


def _cells(score: Score) -> Mapping[str, TableCell]:
    # The task's line on a terminal names what all its rows share: here they have no metric in common.
    cells = {
        **columns.cells(score),
        "figure": TableCell(columns.metric_title(score)),
        "metric": TableCell(""),
    }
    return {**cells, "value": columns.NOTHING} if score.status.startswith("not scored") else cells


def _record(score: Score, rule: str) -> dict[str, Any]:
    record = columns.record(score)
    chosen = rule if score.metric.input == "decision" else ""
    return {**{name: record[name] for name in CSV if name != "rule"}, "rule": chosen}


def _lacks_threshold(score: Score) -> bool:
    return score.metric.input == "decision" and score.status.startswith("no threshold")


def _lacking_thresholds(scores: Sequence[Score]) -> list[str]:
    """Why the metrics of decisions are not given, a sentence a reason."""
    whose: dict[str, list[str]] = {}
    for score in scores:
        if _lacks_threshold(score):
            names = whose.setdefault(score.status.partition(": ")[2], [])
            names += [] if (name := f"{score.method} {score.task.name}") in names else [name]
    return [f"No metrics of decisions for {', '.join(names)}: {reason}." for reason, names in whose.items()]


def _notes(results: Results, scores: Sequence[Score], bootstrap: Bootstrap) -> list[str]:
    """The notes of a file without those on ranks and on gains."""
    every = file_notes(results, scores, bootstrap, ranked=False)
    return [note for note in every if note not in (DIFFERENCES, SKILL)]
