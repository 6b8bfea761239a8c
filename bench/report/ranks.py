"""The consensus over tasks, and the sensitivity of the order, as tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.inference import ALPHA
from bench.predictions.results import Results
from bench.ranking.consensus import Consensus, consensus
from bench.ranking.sensitivity import Sensitivity
from bench.report.columns import METHOD, NOTHING, RANK, TASK, cells, number, task_title
from bench.report.findings import consensus_finding
from bench.report.notes import BEST_IN
from bench.report.table import Column, Table, TableCell
from bench.scoring.scores import Score

CONSENSUS_CSV = ("rank", "method", "mean_rank", "mean_rank_low", "mean_rank_high", "status")
MEAN_RANK = Column("mean_rank", "Mean rank")

HOW_RANKED = (
    "Consensus rank: 1 + the number of methods with a smaller mean rank that are significantly better on at "
    f"least one ranked task (family-wise error {100 * ALPHA:.0f} % over the pairs of all ranked tasks). Mean "
    "rank: mean over these tasks of the rank on the board; a method without a rank on one of them has none. "
    "In brackets, below the others: methods that are better than the baseline on no task, at the "
    "same error rate; ranks of single tasks are in brackets as on the board."
)
TEST_AND_DESCRIPTION = (
    "The consensus rank is a test result, the mean rank a description. The family-wise error is "
    f"{100 * ALPHA:.0f} % within a task for the board's ranks, and {100 * ALPHA:.0f} % over all tasks for "
    "the consensus, which therefore requires larger differences. So a method may share consensus rank 1 "
    "although its mean rank is well above 1: it is worse on some task, but not significantly so over all "
    "tasks. This does not show that it is as good as the other methods of rank 1."
)
RANK_RANGES = (
    f"Ranges are simultaneous {100 * (1 - ALPHA):.0f} % confidence sets of the true ranks (Mogstad et al. "
    "2024): over the methods of a task; behind the mean rank, over all methods and tasks."
)


def consensus_table(results: Results, scores: Sequence[Score]) -> Table | None:
    """One row a method over all ranked tasks, the best first; None with fewer than two of them."""
    tasks = {
        score.task.name: task_title(score.task)
        for score in scores
        if score.task.ranked and score.rank is not None
    }
    if len(tasks) < 2:
        return None
    rows = consensus(scores)
    columns = [RANK, METHOD, MEAN_RANK]
    columns += [Column(f"{name}_rank", title) for name, title in tasks.items()]
    columns += [
        Column(f"{name}_best", f"{title} best in %", wide=True, spare=True) for name, title in tasks.items()
    ]
    brief = (consensus_finding(rows, list(tasks.values())), HOW_RANKED, TEST_AND_DESCRIPTION, RANK_RANGES)
    return Table(
        title=f"Leaderboard over all ranked tasks: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=tuple(columns),
        rows=tuple(_consensus_cells(row, list(tasks)) for row in rows),
        brief=brief,
        notes=(*brief, BEST_IN),
        records=tuple(_consensus_record(row) for row in rows),
        csv_columns=CONSENSUS_CSV,
        facts={},
    )


def _consensus_cells(row: Consensus, tasks: Sequence[str]) -> dict[str, TableCell]:
    """Cells of a row; a method without a consensus shows the reason in the place of its mean rank."""
    found = {
        "task": TableCell("All ranked tasks"),
        "metric": TableCell("consensus"),
        "rank": _consensus_rank(row),
        "method": TableCell(
            row.method + (" (imputed at chance)" if any(score.imputed for score in row.scores) else "")
        ),
        "mean_rank": TableCell(row.status, "status") if row.rank is None else TableCell(_mean_rank(row)),
    }
    mine = {score.task.name: cells(score) for score in row.scores}
    for task in tasks:
        shown = mine.get(task)
        found[f"{task}_rank"] = (
            TableCell(f"{shown['rank'].text} [{shown['rank_set'].text}]") if shown else NOTHING
        )
        found[f"{task}_best"] = shown["best_share"] if shown else NOTHING
    return found


def _consensus_rank(row: Consensus) -> TableCell:
    if row.rank is None:
        return NOTHING
    return (
        TableCell(str(row.rank), "good" if row.rank == 1 else "")
        if row.better
        else TableCell(f"({row.rank})")
    )


def _consensus_record(row: Consensus) -> dict[str, Any]:
    """The numbers of a row; those of the single tasks are in the rows of the board."""
    ranked = row.rank is not None
    return {
        "rank": row.rank,
        "method": row.method,
        "mean_rank": round(row.mean_rank, 6) if ranked else None,
        "mean_rank_low": round(row.interval.low, 6) if ranked else None,
        "mean_rank_high": round(row.interval.high, 6) if ranked else None,
        "better_than_constant": row.better,
        "status": row.status,
        "tasks": {
            score.task.name: {
                "rank": score.rank,
                "rank_low": None if score.rank_set is None else score.rank_set.best,
                "rank_high": None if score.rank_set is None else score.rank_set.worst,
                "best_share": None if math.isnan(score.best_fraction) else round(score.best_fraction, 6),
            }
            for score in row.scores
        },
    }


def _mean_rank(row: Consensus) -> str:
    return f"{row.mean_rank:.2f} [{row.interval.low:.1f}, {row.interval.high:.1f}]"


BOARD_FIRST = Column("board_first", "First on the board", "left", of_task=True)
CHOICE = Column("choice", "Choice", "left")
ALTERNATIVE = Column("alternative", "Alternative", "left")
TAU = Column("tau", "tau-b")
FIRST = Column("first", "First", "left")
MOVED = Column("moved", "Places that change", "left")
RERANKED = Column("reranked", "Ranks that change", "left")
SENSITIVITY_CSV = ("task", "choice", "alternative", "tau", "board_first", "first", "moved", "reranked")

HOW_SENSITIVE = (
    "Each row changes one choice of the board. tau-b: Kendall's correlation with the board's order "
    "by value (consensus: by mean rank), 1 where the order is the same. First: best by value. Places are by "
    "value among the methods of both orders, and move by chance; ranks move only where the cases separate "
    "methods, or where others join or leave."
)
MAX_NAMES = 3


def sensitivity_table(results: Results, found: Sequence[Sensitivity]) -> Table:
    """One row a task (or the consensus) and alternative."""
    return Table(
        title=f"Sensitivity of the order: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=(TASK, BOARD_FIRST, CHOICE, ALTERNATIVE, TAU, FIRST, MOVED, RERANKED),
        rows=tuple(_sensitivity_cells(row) for row in found),
        brief=(_sensitivity_finding(found), HOW_SENSITIVE),
        notes=(_sensitivity_finding(found), HOW_SENSITIVE),
        records=tuple(_sensitivity_record(row) for row in found),
        csv_columns=SENSITIVITY_CSV,
        facts={},
    )


def _sensitivity_cells(row: Sensitivity) -> dict[str, TableCell]:
    return {
        "task": TableCell("Consensus" if row.task is None else task_title(row.task)),
        "metric": TableCell("mean rank" if row.task is None else row.metric),
        "board_first": TableCell(_listed(row.board_first)),
        "choice": TableCell(row.choice),
        "alternative": TableCell(row.alternative),
        "tau": number(row.tau, 2),
        "first": TableCell(_listed(row.first), "bad" if _has_new_first(row) else ""),
        "moved": TableCell(_changes(row.moved)),
        "reranked": TableCell(_changes(row.reranked), "bad" if row.reranked else ""),
    }


def _sensitivity_record(row: Sensitivity) -> dict[str, Any]:
    return {
        "task": "consensus" if row.task is None else row.task.name,
        "choice": row.choice,
        "alternative": row.alternative,
        "tau": None if math.isnan(row.tau) else round(row.tau, 6),
        "board_first": list(row.board_first),
        "first": list(row.first),
        "moved": {name: list(pair) for name, pair in row.moved.items()},
        "reranked": {name: list(pair) for name, pair in row.reranked.items()},
    }


def _sensitivity_finding(found: Sequence[Sensitivity]) -> str:
    if not found:
        return "There is no other choice to make."
    first = sum(_has_new_first(row) for row in found)
    ranks = sum(bool(row.reranked) for row in found)
    return f"Of {len(found)} other choices, {first} put another method first by value, {ranks} change a rank."


def _has_new_first(row: Sensitivity) -> bool:
    return not set(row.first) <= set(row.board_first)


def _changes(pairs: Mapping[str, tuple[float, float]]) -> str:
    return _listed([f"{name} {was:g}→{now:g}" for name, (was, now) in pairs.items()]) if pairs else "-"


def _listed(names: Sequence[str]) -> str:
    """The names, of many the first few and a count."""
    more = len(names) - MAX_NAMES
    shown = ", ".join(names[:MAX_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown or "-"
