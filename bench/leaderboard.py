"""Boards: scores as tables, ranked or in the order of a run."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.confounding import explained_by_site
from bench.inference import DRAW_SEED, DRAWS
from bench.listing import Missing
from bench.ranking import ranks_by_value
from bench.report import cells as columns
from bench.report.budgets import with_budgets
from bench.report.findings import finding, flags
from bench.report.notes import brief_notes, column_notes, facts, file_notes
from bench.report.ranks import consensus_table, sensitivity_table
from bench.report.table import Column, Table
from bench.scores import MethodResult, Results, Score, score_results
from bench.seeds import on_shared_seeds, seeds_note
from bench.sensitivity import sensitivity
from bench.verdicts import is_better

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
    "patients",
    "against_constant",
)


def result_table(results: Results, draws: int = DRAWS, seed: int = DRAW_SEED) -> Table:
    """A run's own output: one row a task and method, in the order of the run.

    ``draws`` and ``seed`` are those of the bootstrap. Raises StoreError where predictions and truth
    contradict each other.
    """
    given, results = results, on_shared_seeds(results)
    scores = score_results(results, draws, seed)
    shown = [columns.TASK, columns.METRIC]
    shown += [columns.METHOD] if len(results.methods) != 1 else []
    shown += [columns.VALUE, columns.CASES, columns.PATIENTS, columns.CONSTANT, columns.GAIN, columns.CEILING]
    shown += [columns.SHARE]
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
        seeds=seeds_note(given),
    )


def leaderboard(results: Results, draws: int = DRAWS, seed: int = DRAW_SEED) -> Table:
    """A ranked board: one row a task and method, the best first, methods without a value last.

    With several ranked tasks its summary is their consensus, see :func:`bench.ranking.consensus`.
    ``draws`` and ``seed`` are those of the bootstrap. Raises StoreError where predictions and truth
    contradict each other.
    """
    shared = on_shared_seeds(results)
    return ranked_table(results, shared, ordered(score_results(shared, draws, seed), shared), (draws, seed))


def ranked_table(
    given: Results, results: Results, scores: Sequence[Score], bootstrap: tuple[int, int]
) -> Table:
    """The board of these scores, in their order.

    Parameters
    ----------
    given
        Results before their rows were brought to the same seeds.
    results, scores
        What the board shows.
    bootstrap
        Draws and seed.
    """
    shown = [columns.TASK, columns.METRIC, columns.RANK, columns.RANK_SET, columns.METHOD, columns.VALUE]
    shown += [
        columns.CASES,
        columns.PATIENTS,
        columns.CONSTANT,
        columns.GAIN,
        columns.CEILING,
        columns.SHARE,
        columns.POOLED,
    ]
    shown += [columns.WITHIN, columns.SEEDS, columns.BEST, columns.TIME, columns.PARAMETERS]
    board = _table(
        f"Leaderboard: {_where(results)}",
        results,
        scores,
        shown,
        BOARD_CSV,
        bootstrap,
        ranked=True,
        seeds=seeds_note(given),
    )
    return with_budgets(replace(board, summary=consensus_table(results, scores)), results)


def sensitivity_board(results: Results, missing: Missing, draws: int = DRAWS, seed: int = DRAW_SEED) -> Table:
    """How the order of :func:`leaderboard` changes with other choices, see :mod:`bench.sensitivity`."""
    results = on_shared_seeds(results)
    table = sensitivity_table(results, sensitivity(results, missing, draws, seed))
    return replace(table, facts=facts(results, draws, seed) | {"missing": missing.value})


def ordered(scores: Sequence[Score], results: Results) -> list[Score]:
    """Tasks in their order; within a task by rank, then value, then name.

    Methods that are not shown to be better than the constant predictor follow by value, whatever their rank.
    """
    found: list[Score] = []
    for task in results.tasks:
        mine = [its for its in scores if its.task.name == task.name]
        scored = [its for its in mine if its.rank is not None]
        places = ranks_by_value(np.array([its.metric.sign * its.value for its in scored]))
        ranks = [its.rank if task.ranked and is_better(its) else len(scored) + 1 for its in scored]
        keys = list(zip(ranks, places.tolist(), [its.method for its in scored], strict=True))
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
    seeds: tuple[str, ...],
) -> Table:
    confounded = explained_by_site(results, scores)
    shows = (finding(results, scores, confounded), *seeds)
    return Table(
        title=title,
        synthetic=results.synthetic,
        columns=tuple(shown),
        rows=tuple(columns.cells(score) for score in scores),
        brief=(*shows, *brief_notes(results, scores)),
        notes=(*shows, *file_notes(results, scores, *bootstrap, ranked=ranked)),
        records=tuple(columns.record(score) for score in scores),
        csv_columns=csv_columns,
        facts=facts(results, *bootstrap),
        column_notes=column_notes(results),
        flags=flags(scores, confounded),
    )
