"""The consensus over tasks, and the sensitivity of the order, as tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.inference import ALPHA
from bench.ranking import Consensus, consensus
from bench.report.cells import METHOD, NOTHING, RANK, TASK, cells, number, task_title
from bench.report.findings import consensus_finding
from bench.report.notes import BEST_IN
from bench.report.table import Cell, Column, Table
from bench.scores import Results, Score
from bench.sensitivity import Sensitivity

CONSENSUS_CSV = ("rank", "method", "mean_rank", "mean_rank_low", "mean_rank_high", "status")
MEAN_RANK = Column("mean_rank", "Mean rank")

HOW_RANKED = (
    "Consensus rank: 1 + the number of methods with a smaller mean rank that are significantly better on at "
    f"least one ranked task (family-wise error {100 * ALPHA:.0f} % over the pairs of all ranked tasks). Mean "
    "rank: mean over these tasks of the rank on the board; a method without a rank on one of them has none. "
    "In brackets, below the others: methods that are better than the constant predictor on no task, at the "
    "same error rate; ranks of single tasks are in brackets as on the board."
)
HOW_READ = (
    "How to read them together: the consensus rank is what the cases prove, the mean rank describes. A task "
    f"allows itself {100 * ALPHA:.0f} % of errors; the consensus allows {100 * ALPHA:.0f} % for all tasks "
    "together and so asks for clearer differences. So a method may share consensus rank 1 although its mean "
    "rank is well above 1: it is behind on some task, but not so clearly that it shows among all tasks. That "
    "is no proof that it is as good as the others of rank 1."
)
HOW_SURE = (
    "Ranges hold the true ranks (Mogstad et al. 2024): of all methods on a task together with "
    f"{100 * (1 - ALPHA):.0f} %, behind the mean rank of all methods and tasks together."
)


def consensus_table(results: Results, scores: Sequence[Score]) -> Table | None:
    """One row a method over all ranked tasks, the best first; None with fewer than two of them."""
    tasks = {
        its.task.name: task_title(its.task) for its in scores if its.task.ranked and its.rank is not None
    }
    if len(tasks) < 2:
        return None
    rows = consensus(scores)
    columns = [RANK, METHOD, MEAN_RANK]
    columns += [Column(f"{name}_rank", title) for name, title in tasks.items()]
    columns += [
        Column(f"{name}_best", f"{title} best in %", wide=True, spare=True) for name, title in tasks.items()
    ]
    brief = (consensus_finding(rows, list(tasks.values())), HOW_RANKED, HOW_READ, HOW_SURE)
    return Table(
        title=f"Leaderboard over all ranked tasks: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=tuple(columns),
        rows=tuple(_consensus_cells(its, list(tasks)) for its in rows),
        brief=brief,
        notes=(*brief, BEST_IN),
        records=tuple(_consensus_record(its) for its in rows),
        csv_columns=CONSENSUS_CSV,
        facts={},
    )


def _consensus_cells(row: Consensus, tasks: Sequence[str]) -> dict[str, Cell]:
    """Cells of a row; a method without a consensus shows in the place of its mean rank why."""
    found = {
        "task": Cell("All ranked tasks"),
        "metric": Cell("consensus"),
        "rank": _consensus_rank(row),
        "method": Cell(
            row.method + (" (imputed at chance)" if any(its.imputed for its in row.scores) else "")
        ),
        "mean_rank": Cell(row.status, "status") if row.rank is None else Cell(_mean_rank(row)),
    }
    mine = {its.task.name: cells(its) for its in row.scores}
    for task in tasks:
        its = mine.get(task)
        found[f"{task}_rank"] = Cell(f"{its['rank'].text} [{its['rank_set'].text}]") if its else NOTHING
        found[f"{task}_best"] = its["best_share"] if its else NOTHING
    return found


def _consensus_rank(row: Consensus) -> Cell:
    if row.rank is None:
        return NOTHING
    return Cell(str(row.rank), "good" if row.rank == 1 else "") if row.better else Cell(f"({row.rank})")


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
            its.task.name: {
                "rank": its.rank,
                "rank_low": None if its.rank_set is None else its.rank_set.best,
                "rank_high": None if its.rank_set is None else its.rank_set.worst,
                "best_share": None if math.isnan(its.best_share) else round(its.best_share, 6),
            }
            for its in row.scores
        },
    }


def _mean_rank(row: Consensus) -> str:
    return f"{row.mean_rank:.2f} [{row.interval.low:.1f}, {row.interval.high:.1f}]"


BOARD_FIRST = Column("board_first", "First on the board", "left", of_task=True)
CHOICE = Column("choice", "Otherwise chosen", "left")
ALTERNATIVE = Column("alternative", "as", "left")
TAU = Column("tau", "tau-b")
FIRST = Column("first", "First", "left")
MOVED = Column("moved", "Places that change", "left")
RERANKED = Column("reranked", "Ranks that change", "left")
SENSITIVITY_CSV = ("task", "choice", "alternative", "tau", "board_first", "first", "moved", "reranked")

HOW_SENSITIVE = (
    "Each row makes one choice otherwise than the board. tau-b: Kendall's correlation with the board's order "
    "by value (consensus: by mean rank), 1 where the order is the same. First: best by value. Places are by "
    "value among the methods of both orders, and move by chance; ranks move only where the cases separate "
    "methods, or where others join or leave."
)
MOST_NAMES = 3


def sensitivity_table(results: Results, found: Sequence[Sensitivity]) -> Table:
    """One row a task (or the consensus) and alternative."""
    return Table(
        title=f"Sensitivity of the order: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=(TASK, BOARD_FIRST, CHOICE, ALTERNATIVE, TAU, FIRST, MOVED, RERANKED),
        rows=tuple(_sensitivity_cells(its) for its in found),
        brief=(_sensitivity_finding(found), HOW_SENSITIVE),
        notes=(_sensitivity_finding(found), HOW_SENSITIVE),
        records=tuple(_sensitivity_record(its) for its in found),
        csv_columns=SENSITIVITY_CSV,
        facts={},
    )


def _sensitivity_cells(its: Sensitivity) -> dict[str, Cell]:
    return {
        "task": Cell("Consensus" if its.task is None else task_title(its.task)),
        "metric": Cell("mean rank" if its.task is None else its.metric),
        "board_first": Cell(_listed(its.board_first)),
        "choice": Cell(its.choice),
        "alternative": Cell(its.alternative),
        "tau": number(its.tau, 2),
        "first": Cell(_listed(its.first), "bad" if _has_new_first(its) else ""),
        "moved": Cell(_changes(its.moved)),
        "reranked": Cell(_changes(its.reranked), "bad" if its.reranked else ""),
    }


def _sensitivity_record(its: Sensitivity) -> dict[str, Any]:
    return {
        "task": "consensus" if its.task is None else its.task.name,
        "choice": its.choice,
        "alternative": its.alternative,
        "tau": None if math.isnan(its.tau) else round(its.tau, 6),
        "board_first": list(its.board_first),
        "first": list(its.first),
        "moved": {name: list(pair) for name, pair in its.moved.items()},
        "reranked": {name: list(pair) for name, pair in its.reranked.items()},
    }


def _sensitivity_finding(found: Sequence[Sensitivity]) -> str:
    if not found:
        return "There is nothing to choose otherwise."
    first = sum(_has_new_first(its) for its in found)
    ranks = sum(bool(its.reranked) for its in found)
    return f"Of {len(found)} other choices, {first} put another method first by value, {ranks} change a rank."


def _has_new_first(its: Sensitivity) -> bool:
    return not set(its.first) <= set(its.board_first)


def _changes(pairs: Mapping[str, tuple[float, float]]) -> str:
    return _listed([f"{name} {was:g}→{now:g}" for name, (was, now) in pairs.items()]) if pairs else "-"


def _listed(names: Sequence[str]) -> str:
    """The names, of many the first few and a count."""
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown or "-"
