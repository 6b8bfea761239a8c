"""Everything that a report shows, as values: tables with their notes, and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from bench.predictions.results import Results
from bench.report.board import scored_board, shared_scores
from bench.report.cases import CaseReport, case_reports
from bench.report.costs import cost_table
from bench.report.learning import LearningReport
from bench.report.overtuning import tuning_table
from bench.report.sites import site_table
from bench.report.subtypes import confusion_table, subtype_table
from bench.report.table import Table
from bench.scoring.agreement import TaskAgreement, agreement_of
from bench.scoring.curves import TaskCurves, curves_of
from bench.scoring.scores import Score
from bench.scoring.sites import site_scores
from bench.scoring.subtypes.rules import find_rule, role_tasks
from bench.scoring.subtypes.scores import CELL, score_subtypes
from bench.task import Task

# The one subtype rule that needs no Ki-67 cut-off, on which laboratories do not agree.
RULE = "receptor_only"


@dataclass(frozen=True, eq=False)
class FullReport:
    """The values of a report on one cohort and split.

    Parameters
    ----------
    board
        The ranked board; its summary is the consensus.
    sites
        Values site by site; None with a single site.
    tuning
        What tuning promised and kept; None where no row was tuned.
    costs
        What methods cost; None where no record tells.
    curves, agreement
        Of the binary and of the continuous tasks.
    subtypes
        Scores of the subtypes that follow from the receptors; None where a receptor is no task of the cohort,
        or no tested case has all.
    confusions
        Confusion of the subtypes by method, the best first; without those that have no hard classes.
    cases
        Single cases, the worst first; empty where none were asked for.
    audit
        The verdicts of the audit; None where cohort and split were not at hand.
    learning
        Learning curves; None where the store has no cells of this split with fewer training patients.
    """

    cohort: str
    split: str
    synthetic: bool
    tasks: tuple[Task, ...]
    board: Table
    sites: Table | None
    tuning: Table | None
    costs: Table | None
    curves: tuple[TaskCurves, ...]
    agreement: tuple[TaskAgreement, ...]
    subtypes: Table | None = None
    confusions: Mapping[str, Table] = field(default_factory=dict)
    cases: tuple[CaseReport, ...] = ()
    audit: Table | None = None
    learning: LearningReport | None = None

    def leaders(self, task: Task, most: int) -> list[str]:
        """Methods with a value on a task, the first of the board, at most so many."""
        valued = [
            str(record["method"])
            for record in self.board.records
            if record["task"] == task.name and record["value"] is not None
        ]
        return valued[:most]


def full_report(results: Results, cases: int = 0, scores: Sequence[Score] | None = None) -> FullReport:
    """Compute the tables and curves of a report, and the predictions of so many cases.

    Parameters
    ----------
    results
        What methods predicted.
    cases
        How many cases it shows, the worst first.
    scores
        Those of :func:`bench.report.board.shared_scores` where they are known already.

    Raises
    ------
    StoreError
        There is no method, or predictions and truth contradict each other.
    """
    subtypes, confusions = _subtypes(results)
    several = results.truth.loc[list(results.tested) or results.truth.index, "site"].nunique() > 1
    return FullReport(
        cohort=results.cohort,
        split=results.split,
        synthetic=results.synthetic,
        tasks=results.tasks,
        board=scored_board(results, shared_scores(results) if scores is None else scores),
        sites=site_table(results, site_scores(results)) if several else None,
        tuning=tuning_table(results),
        costs=cost_table(results),
        subtypes=subtypes,
        confusions=confusions,
        curves=curves_of(results),
        agreement=agreement_of(results),
        cases=case_reports(results, cases) if cases else (),
    )


def _subtypes(results: Results) -> tuple[Table | None, dict[str, Table]]:
    """Scores and confusion by the rule that needs the receptors alone."""
    rule = find_rule(RULE)
    if not set(rule.roles) <= {task.name for task in results.tasks}:
        return None, {}
    roles = role_tasks(rule, results.tasks, {})
    names = [task.name for task in roles.values()]
    if not results.truth.loc[list(results.tested) or results.truth.index, names].notna().all(axis=1).any():
        return None, {}
    scored = score_subtypes(results, rule, roles, pd.DataFrame(columns=[*CELL, "spread"]))
    hard = [score for score in scored.scores if score.confusion is not None]
    best = sorted(hard, key=lambda score: -score.macro_f1.value)
    return subtype_table(results, scored), {
        score.method: confusion_table(results, scored, score.method) for score in best
    }
