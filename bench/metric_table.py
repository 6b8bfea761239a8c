"""Every metric of every method and task in one table; the metrics and thresholds there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.inference import DRAW_SEED, DRAWS
from bench.metrics import Metric
from bench.registry import Registry
from bench.report import cells as columns
from bench.report.notes import DIFFERENCES, RECOVERED, brief_notes, facts, file_notes
from bench.report.table import Cell, Column, Table
from bench.scores import Results, Score, metric_scores
from bench.seeds import on_shared_seeds, seeds_note

FIGURE = Column("figure", "Metric", "left")
# Of another kind than on a board: here it belongs to a row, not to the task.
CONSTANT = Column("constant", "Constant")

CSV = (
    *("method", "task", "metric", "unit", "value", "ci_low", "ci_high", "constant", "n", "positives"),
    *("patients", "positive_patients", "seeds", "seed_sd", "rule", "status"),
)


def metric_table(
    results: Results, metrics: Sequence[Metric], draws: int = DRAWS, seed: int = DRAW_SEED
) -> Table:
    """A row a task, method and metric of its kind, with an interval and the constant predictor's value.

    Metrics of decisions are left out of the rows where a threshold is lacking, with the reason below; the
    records hold them with their status. ``draws`` and ``seed`` are those of the bootstrap.
    """
    seeds = seeds_note(results)
    results = on_shared_seeds(results)
    scores = [
        score
        for task in results.tasks
        for of_method in zip(
            *(metric_scores(results, task, its, draws, seed) for its in metrics if its.kind == task.kind),
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
        notes=(*lacking, *seeds, *_notes(results, scores, draws, seed)),
        records=tuple(_record(score, results.rule) for score in scores),
        csv_columns=CSV,
        facts=facts(results, draws, seed) | {"rule": results.rule},
    )


def metric_list(registry: Registry) -> list[dict[str, Any]]:
    """The metrics on offer, a row each."""
    return [
        {
            "metric": name,
            "kind": its.kind,
            "better": its.arrow,
            "takes": its.takes,
            "ranks": "yes" if its.ranks else "no",
            "plugin": registry.metric_plugins[name],
            "summary": its.summary,
        }
        for name, its in registry.metrics.items()
    ]


def threshold_rows(results: Results, rule: str | None = None) -> list[dict[str, Any]]:
    """Thresholds of every method, task, seed and fold, by one rule or by all."""
    return [
        {
            "method": method.label,
            "task": its.task,
            "seed": its.seed,
            "fold": its.fold,
            "threshold": None if its.reason else its.value,
            "rule": its.rule,
            "source": its.source,
            "positives": its.positives,
            "reason": its.reason,
        }
        for method in results.methods
        for its in sorted(method.thresholds, key=lambda its: (its.rule, its.task, its.seed, its.fold))
        if rule in (None, its.rule)
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


def _cells(score: Score) -> Mapping[str, Cell]:
    # The task's line on a terminal names what all its rows share: here they have no metric in common.
    cells = {**columns.cells(score), "figure": Cell(columns.metric_title(score)), "metric": Cell("")}
    return {**cells, "value": columns.NOTHING} if score.status.startswith("not scored") else cells


def _record(score: Score, rule: str) -> dict[str, Any]:
    record = columns.record(score)
    chosen = rule if score.metric.takes == "decision" else ""
    return {**{name: record[name] for name in CSV if name != "rule"}, "rule": chosen}


def _lacks_threshold(score: Score) -> bool:
    return score.metric.takes == "decision" and score.status.startswith("no threshold")


def _lacking_thresholds(scores: Sequence[Score]) -> list[str]:
    """Why the metrics of decisions are not given, a sentence a reason."""
    whose: dict[str, list[str]] = {}
    for score in scores:
        if _lacks_threshold(score):
            names = whose.setdefault(score.status.partition(": ")[2], [])
            names += [] if (name := f"{score.method} {score.task.name}") in names else [name]
    return [f"No metrics of decisions for {', '.join(names)}: {reason}." for reason, names in whose.items()]


def _notes(results: Results, scores: Sequence[Score], draws: int, seed: int) -> list[str]:
    """What a file says below, but for what is about ranks and about gains."""
    every = file_notes(results, scores, draws, seed, ranked=False)
    return [note for note in every if note not in (DIFFERENCES, RECOVERED)]
