"""Boards of a plan on what has finished so far, computed once for each set of finished cells."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError
from bench.live.state import LivePlan
from bench.methods.named_cohort import cohort_named
from bench.methods.named_split import split_named
from bench.page.html import page
from bench.predictions.partial import on_finished_folds
from bench.predictions.results import Results
from bench.report.board import leaderboard
from bench.report.formats.html import to_html
from bench.report.stored_report import Source, stored_report
from bench.splits.config import with_size
from bench.splits.make import make_split
from bench.store.collect import results_of_store
from bench.store.store import Store

Made = Callable[[Results, Source], str]


@dataclass
class LiveBoards:
    """Boards and reports of the plans of a store.

    Each is kept until another cell has finished; of several readers one computes and the others wait.
    """

    store: Store
    sources: dict[str, Source] = field(default_factory=dict)
    made: dict[tuple[str, str], tuple[frozenset[str], str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def board(self, plan: LivePlan) -> str:
        """The board as HTML; BenchError where there is none yet, with the reason."""
        return self._once(plan, "board", lambda results, _: to_html(leaderboard(results)))

    def report(self, plan: LivePlan) -> str:
        """The whole report as a page of its own."""
        return self._once(plan, "report", lambda results, source: page(stored_report(results, source)))

    def _once(self, plan: LivePlan, kind: str, made_of: Made) -> str:
        with self.lock:
            finished, text = self.made.get((plan.plan.id, kind), (None, ""))
            if finished != plan.finished:
                source = self._source(plan)
                results = results_of_store(source.cohort, source.split, self.store)
                text = made_of(on_finished_folds(results), source)
                self.made[plan.plan.id, kind] = (plan.finished, text)
            return text

    def _source(self, plan: LivePlan) -> Source:
        if not plan.finished:
            raise BenchError("no cell has finished yet")
        if plan.plan.id not in self.sources:
            self.sources[plan.plan.id] = _source(plan, self.store)
        return self.sources[plan.plan.id]


def _source(plan: LivePlan, store: Store) -> Source:
    experiment = plan.plan.experiment
    plugins = tuple(map(Path, experiment.plugins))
    cohort = cohort_named(experiment.cohort, plugins, quiet=True, skip_broken=experiment.skip_broken)
    config = split_named(experiment.split, plugins)
    if experiment.sizes and min(experiment.sizes) > 0:
        largest = make_split(cohort, with_size(config, max(experiment.sizes)))
        return Source(cohort, largest, config, store)
    return Source(cohort, make_split(cohort, config), config, store)
