"""The consensus over tasks as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.inference import ALPHA
from bench.ranking import Consensus, consensus
from bench.report.cells import METHOD, NOTHING, RANK, marked_method, rank_range
from bench.report.table import Cell, Column, Table
from bench.scores import Results, Score

CONSENSUS_CSV = ("rank", "method", "mean_rank", "mean_rank_low", "mean_rank_high", "status")
MEAN_RANK = Column("mean_rank", "Mean rank [95 %]")

HOW_RANKED = (
    "Consensus rank: 1 + the number of methods with a smaller mean rank that are significantly better on at "
    f"least one ranked task (family-wise error {100 * ALPHA:.0f} % over the pairs of all ranked tasks). Mean "
    "rank: mean over these tasks of the rank on the board; a method without a rank on one of them has none."
)
HOW_SURE = (
    "Ranges are sets of ranks that hold the true ranks (Mogstad et al. 2024): of all methods on a task together "
    f"with {100 * (1 - ALPHA):.0f} %, behind the mean rank of all methods and tasks together. Best in %: share "
    "of the resamples of patients in which the method has the best value; it is no probability of being best."
)


def consensus_table(results: Results, scores: Sequence[Score]) -> Table | None:
    """One row a method over all ranked tasks, the best first; None with fewer than two of them."""
    tasks = {its.task.name: title_of(its) for its in scores if its.task.ranked and its.rank is not None}
    if len(tasks) < 2:
        return None
    rows = consensus(scores)
    columns = [RANK, METHOD, MEAN_RANK]
    columns += [Column(f"{name}_rank", title) for name, title in tasks.items()]
    columns += [Column(f"{name}_best", f"{title} best in %", wide=True) for name, title in tasks.items()]
    notes = (_finding(rows, list(tasks.values())), HOW_RANKED, HOW_SURE)
    return Table(
        title=f"Consensus: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=tuple(columns),
        rows=tuple(_cells(its, list(tasks)) for its in rows),
        brief=notes,
        notes=notes,
        records=tuple(_record(its) for its in rows),
        csv_columns=CONSENSUS_CSV,
        facts={},
    )


def title_of(score: Score) -> str:
    """The task's title as tables print it."""
    return score.task.title or score.task.name.upper()


def _cells(row: Consensus, tasks: Sequence[str]) -> Mapping[str, Cell]:
    """Cells of a row; a method without a consensus shows in the place of its mean rank why."""
    found = {
        "task": Cell("All ranked tasks"),
        "metric": Cell("consensus"),
        "rank": NOTHING if row.rank is None else Cell(str(row.rank), "good" if row.rank == 1 else ""),
        "method": Cell(marked_method(row.method, row.scores)),
        "mean_rank": Cell(row.status, "status") if row.rank is None else Cell(_mean_rank(row)),
    }
    mine = {its.task.name: its for its in row.scores}
    for task in tasks:
        found[f"{task}_rank"] = _rank(mine[task]) if task in mine else NOTHING
        found[f"{task}_best"] = _best(mine[task]) if task in mine else NOTHING
    return found


def _mean_rank(row: Consensus) -> str:
    return f"{row.mean_rank:.2f} [{row.interval.low:.1f}, {row.interval.high:.1f}]"


def _rank(score: Score) -> Cell:
    """``1 [1-4]``: the shared rank and its set."""
    return Cell(str(score.rank) if score.rank_set is None else f"{score.rank} [{rank_range(score.rank_set)}]")


def _best(score: Score) -> Cell:
    return NOTHING if score.best_share != score.best_share else Cell(f"{100 * score.best_share:.0f}")
