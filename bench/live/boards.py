"""Boards of a plan on what has finished so far, computed once for each set of finished cells."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.cohorts.cohort import Cohort
from bench.errors import BenchError
from bench.live.state import LivePlan
from bench.methods.named_cohort import cohort_named
from bench.methods.named_split import split_named
from bench.page.html import page
from bench.predictions.partial import on_finished_folds
from bench.predictions.results import Results
from bench.report.board import leaderboard
from bench.report.formats.html import to_html
from bench.report.full_report import full_report
from bench.splits.make import make_split
from bench.splits.split import Split
from bench.store.collect import results_of_store
from bench.store.store import Store

Made = Callable[[Results], str]


@dataclass
class LiveBoards:
    """Boards and reports of the plans of a store.

    Each is kept until another cell has finished; of several readers one computes and the others wait.
    """

    store: Store
    protocols: dict[str, tuple[Cohort, Split]] = field(default_factory=dict)
    made: dict[tuple[str, str], tuple[frozenset[str], str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def board(self, plan: LivePlan) -> str:
        """The board as HTML; BenchError where there is none yet, with the reason."""
        return self._once(plan, "board", lambda results: to_html(leaderboard(results)))

    def report(self, plan: LivePlan) -> str:
        """The whole report as a page of its own."""
        return self._once(plan, "report", lambda results: page(full_report(results)))

    def _once(self, plan: LivePlan, kind: str, made_of: Made) -> str:
        with self.lock:
            finished, text = self.made.get((plan.plan.id, kind), (None, ""))
            if finished != plan.finished:
                text = made_of(on_finished_folds(self._results(plan)))
                self.made[plan.plan.id, kind] = (plan.finished, text)
            return text

    def _results(self, plan: LivePlan) -> Results:
        if not plan.finished:
            raise BenchError("no cell has finished yet")
        if plan.plan.id not in self.protocols:
            self.protocols[plan.plan.id] = _protocol(plan)
        cohort, split = self.protocols[plan.plan.id]
        return results_of_store(cohort, split, self.store)


def _protocol(plan: LivePlan) -> tuple[Cohort, Split]:
    experiment = plan.plan.experiment
    plugins = tuple(map(Path, experiment.plugins))
    cohort = cohort_named(experiment.cohort, plugins, quiet=True, skip_broken=experiment.skip_broken)
    return cohort, make_split(cohort, split_named(experiment.split, plugins))
