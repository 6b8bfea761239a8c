"""Boards: scores as tables, ranked or in the order of a run."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.inference import DRAW_SEED, DRAWS
from bench.listing import Missing
from bench.ranking import ranks_by_value
from bench.report import cells as columns
from bench.report.budgets import with_budgets
from bench.report.notes import brief_notes, column_notes, facts, file_notes, finding
from bench.report.ranks import consensus_table, sensitivity_table
from bench.report.table import Column, Table
from bench.scores import MethodResult, Results, Score, score_results
from bench.sensitivity import sensitivity

__all__ = [
    "MethodResult",
    "Results",
    "Score",
    "leaderboard",
    "result_table",
    "score_results",
    "sensitivity_board",
]

BOARD_CSV = (
    "rank",
    "method",
    "task",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "n",
    "status",
    "fit_seconds",
    "parameters",
    "rank_low",
    "rank_high",
    "best_share",
)


def result_table(results: Results, draws: int = DRAWS, seed: int = DRAW_SEED) -> Table:
    """A run's own output: one row a task and method, in the order of the run.

    ``draws`` and ``seed`` are those of the bootstrap. Raises StoreError where predictions and truth
    contradict each other.
    """
    scores = score_results(results, draws, seed)
    shown = [columns.TASK, columns.METRIC]
    shown += [columns.METHOD] if len(results.methods) != 1 else []
    shown += [columns.VALUE, columns.CASES, columns.CONSTANT, columns.GAIN, columns.CEILING, columns.SHARE]
    shown += [columns.POOLED, columns.WITHIN, columns.SEEDS]
    names = ", ".join(method.label for method in results.methods)
    return _table(
        f"{names}: {_where(results)}",
        results,
        scores,
        shown,
        tuple(columns.record(scores[0])),
        (draws, seed),
        ranked=False,
    )


def leaderboard(results: Results, draws: int = DRAWS, seed: int = DRAW_SEED) -> Table:
    """A ranked board: one row a task and method, the best first, methods without a value last.

    With several ranked tasks its summary is their consensus, see :func:`bench.ranking.consensus`.
    ``draws`` and ``seed`` are those of the bootstrap. Raises StoreError where predictions and truth
    contradict each other.
    """
    return ranked_table(results, ordered(score_results(results, draws, seed), results), (draws, seed))


def ranked_table(results: Results, scores: Sequence[Score], bootstrap: tuple[int, int]) -> Table:
    """The board of these scores, in their order; ``bootstrap`` holds draws and seed."""
    shown = [columns.TASK, columns.METRIC, columns.RANK, columns.RANK_SET, columns.METHOD, columns.VALUE]
    shown += [columns.CASES]
    shown += [columns.CONSTANT, columns.GAIN, columns.CEILING, columns.SHARE, columns.POOLED]
    shown += [columns.WITHIN, columns.SEEDS, columns.BEST, columns.TIME, columns.PARAMETERS]
    board = _table(
        f"Leaderboard: {_where(results)}", results, scores, shown, BOARD_CSV, bootstrap, ranked=True
    )
    return with_budgets(replace(board, summary=consensus_table(results, scores)), results)


def sensitivity_board(results: Results, missing: Missing, draws: int = DRAWS, seed: int = DRAW_SEED) -> Table:
    """How the order of :func:`leaderboard` changes with other choices, see :mod:`bench.sensitivity`."""
    table = sensitivity_table(results, sensitivity(results, missing, draws, seed))
    return replace(table, facts=facts(results, draws, seed) | {"missing": missing.value})


def ordered(scores: Sequence[Score], results: Results) -> list[Score]:
    """Tasks in their order; within a task by rank, then value, then name."""
    found: list[Score] = []
    for task in results.tasks:
        mine = [its for its in scores if its.task.name == task.name]
        scored = [its for its in mine if its.rank is not None]
        places = ranks_by_value(np.array([its.metric.sign * its.value for its in scored]))
        keys = [(its.rank, place, its.method) for its, place in zip(scored, places.tolist(), strict=True)]
        found += [its for _, its in sorted(zip(keys, scored, strict=True), key=lambda pair: pair[0])]
        found += sorted((its for its in mine if its.rank is None), key=lambda its: its.method)
    return found


def _where(results: Results) -> str:
    return f"{results.cohort}, {results.split}"


def _table(
    title: str,
    results: Results,
    scores: Sequence[Score],
    shown: Sequence[Column],
    csv_columns: tuple[str, ...],
    bootstrap: tuple[int, int],
    ranked: bool,
) -> Table:
    shows = f"What it shows: {finding(scores)}"
    return Table(
        title=title,
        synthetic=results.synthetic,
        columns=tuple(shown),
        rows=tuple(columns.cells(score) for score in scores),
        brief=(shows, *brief_notes(results, scores)),
        notes=(shows, *file_notes(results, scores, *bootstrap, ranked=ranked)),
        records=tuple(columns.record(score) for score in scores),
        csv_columns=csv_columns,
        facts=facts(results, *bootstrap),
        column_notes=column_notes(results),
    )
