"""Boards: scores as tables, ranked or in the order of a run."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.inference import Bootstrap
from bench.inference.ranks import ranks_by_value
from bench.predictions.results import MethodResult, Results
from bench.predictions.treatment import Missing
from bench.ranking.sensitivity import sensitivity
from bench.report import columns as columns
from bench.report.contract import with_contracts
from bench.report.findings import finding, flags
from bench.report.images import images_used
from bench.report.notes import brief_notes, column_notes, facts, file_notes
from bench.report.overtuning import with_budgets
from bench.report.ranks import consensus_table, sensitivity_table
from bench.report.table import Column, Table
from bench.scoring.confounding import explained_by_site
from bench.scoring.scores import Score, score_results
from bench.scoring.seeds import on_shared_seeds, seeds_note
from bench.scoring.verdicts import is_better

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


def result_table(results: Results, bootstrap: Bootstrap = Bootstrap()) -> Table:
    """A run's own output: one row a task and method, in the order of the run.

    Raises StoreError where predictions and truth
    contradict each other.
    """
    given, results = results, on_shared_seeds(results)
    scores = score_results(results, bootstrap)
    shown = [columns.TASK, columns.METRIC]
    shown += [columns.METHOD] if len(results.methods) != 1 else []
    shown += [columns.VALUE, columns.CASES, columns.PATIENTS, columns.CONSTANT, columns.GAIN, columns.CEILING]
    shown += [columns.SKILL]
    shown += [columns.POOLED, columns.WITHIN, columns.SEEDS]
    names = ", ".join(method.label for method in results.methods)
    return _table(
        f"{names}: {_where(results)}",
        results,
        scores,
        shown,
        tuple(columns.record(scores[0])),
        bootstrap,
        ranked=False,
        seeds=seeds_note(given),
    )


def leaderboard(results: Results, bootstrap: Bootstrap = Bootstrap()) -> Table:
    """A ranked board: one row a task and method, the best first, methods without a value last.

    With several ranked tasks its summary is their consensus, see :func:`bench.ranking.consensus.consensus`.
    Raises StoreError where predictions and truth
    contradict each other.
    """
    return scored_board(results, shared_scores(results, bootstrap), bootstrap)


def shared_scores(results: Results, bootstrap: Bootstrap = Bootstrap()) -> tuple[Score, ...]:
    """The scores of a board: of every row by the seeds that all rows have."""
    return score_results(on_shared_seeds(results), bootstrap)


def scored_board(results: Results, scores: Sequence[Score], bootstrap: Bootstrap = Bootstrap()) -> Table:
    """:func:`leaderboard` of results whose :func:`shared_scores` are known."""
    shared = on_shared_seeds(results)
    return ranked_table(results, shared, ordered(scores, shared), bootstrap)


def ranked_table(given: Results, results: Results, scores: Sequence[Score], bootstrap: Bootstrap) -> Table:
    """The board of these scores, in their order.

    Parameters
    ----------
    given
        Results before their rows were brought to the same seeds.
    results, scores
        What the board shows.
    bootstrap
        What the scores were computed with.
    """
    shown = [columns.TASK, columns.METRIC, columns.RANK, columns.RANK_SET, columns.METHOD, columns.VALUE]
    shown += [
        columns.CASES,
        columns.PATIENTS,
        columns.CONSTANT,
        columns.GAIN,
        columns.CEILING,
        columns.SKILL,
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
    board = with_budgets(replace(board, summary=consensus_table(results, scores)), results)
    return with_contracts(board, results)


def sensitivity_board(results: Results, missing: Missing, bootstrap: Bootstrap = Bootstrap()) -> Table:
    """How the order of :func:`leaderboard` changes with other choices (:mod:`bench.ranking.sensitivity`)."""
    results = on_shared_seeds(results)
    table = sensitivity_table(results, sensitivity(results, missing, bootstrap))
    return replace(table, facts=facts(results, bootstrap) | {"missing": missing.value})


def ordered(scores: Sequence[Score], results: Results) -> list[Score]:
    """Tasks in their order; within a task by rank, then value, then name.

    Methods that are not shown to be better than the baseline follow by value, whatever their rank.
    """
    found: list[Score] = []
    for task in results.tasks:
        mine = [score for score in scores if score.task.name == task.name]
        scored = [score for score in mine if score.rank is not None]
        places = ranks_by_value(np.array([score.metric.sign * score.value for score in scored]))
        ranks = [score.rank if task.ranked and is_better(score) else len(scored) + 1 for score in scored]
        keys = list(zip(ranks, places.tolist(), [score.method for score in scored], strict=True))
        found += [one for _, one in sorted(zip(keys, scored, strict=True), key=lambda pair: pair[0])]
        found += sorted((score for score in mine if score.rank is None), key=lambda score: score.method)
    return found


def _where(results: Results) -> str:
    images = images_used(results)
    return f"{results.cohort}, {results.split}{', images ' if images else ''}{' and '.join(images)}"


def _table(
    title: str,
    results: Results,
    scores: Sequence[Score],
    shown: Sequence[Column],
    csv_columns: tuple[str, ...],
    bootstrap: Bootstrap,
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
        notes=(*shows, *file_notes(results, scores, bootstrap, ranked=ranked)),
        records=tuple(columns.record(score) for score in scores),
        csv_columns=csv_columns,
        facts=facts(results, bootstrap),
        column_notes=column_notes(results),
        flags=flags(scores, confounded),
    )
