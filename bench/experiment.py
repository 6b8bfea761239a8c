"""The sentence as a whole: cohort, split, fit, predict, score, rank."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cells import Cell, Choice, plan
from bench.cohorts.catalogue import open_cohort
from bench.cohorts.cohort import Cohort
from bench.config import Experiment, choose_methods
from bench.cores import AUTO, crowded, jobs_named
from bench.errors import UsageError
from bench.executors.work import Work
from bench.inner import inner_splits
from bench.limits import Limits, cell_limits
from bench.listing import Format
from bench.metrics import Metric
from bench.names import unknown_name
from bench.plans import StoredPlan, keep_plan
from bench.ranking_metric import ranking_metrics
from bench.registry import load_registry
from bench.report import print_results
from bench.results import results_of_cells
from bench.run_view import RunView, run_view
from bench.runner import Settings, device_named, unmet_need
from bench.split import Split, load_split_config, make_split, split_to_json
from bench.store import Store

EXECUTORS = ("workers", "here", "slurm")


@dataclass(frozen=True)
class Plan:
    """An experiment with everything looked up: what will run on what, and what cannot."""

    experiment: Experiment
    cohort: Cohort
    split: Split
    choices: Mapping[str, Choice]
    cells: tuple[Cell, ...]
    skipped: Mapping[str, str]
    store: Store
    settings: Settings
    jobs: int
    limits: Limits
    metrics: Mapping[str, Metric]
    inner_splits: Mapping[str, Split]
    inner_cells: tuple[Cell, ...]

    @property
    def every_cell(self) -> tuple[Cell, ...]:
        """The cells that are scored, then those that thresholds are chosen on."""
        return self.cells + self.inner_cells

    def missing(self) -> list[Cell]:
        """Cells that have not ended well."""
        return [cell for cell in self.every_cell if not self.store.is_done(cell)]

    def to_run(self, retry: Collection[str] = ()) -> tuple[list[Cell], dict[str, int]]:
        """Cells without a record or with a status to retry, and how many others ended badly, by status."""
        records = [(cell, self.store.record(cell)) for cell in self.missing()]
        wanted = [cell for cell, record in records if record is None or record["status"] in retry]
        bad = [record["status"] for _, record in records if record is not None]
        return wanted, Counter(status for status in bad if status not in retry)

    def work(self, cells: Iterable[Cell], jobs: int = 1, patient: bool = True) -> Work:
        """These cells with what running them takes."""
        return Work(
            cells=tuple(cells),
            choices=self.choices,
            cohort=self.cohort,
            splits={self.split.name: self.split, **self.inner_splits},
            store=self.store,
            settings=self.settings,
            plugins=self.experiment.plugins,
            limits=self.limits,
            jobs=jobs,
            patient=patient,
        )

    def split_of(self, cell: Cell) -> Split:
        """The split that the cell belongs to: the one that is scored, or an inner one."""
        return self.inner_splits.get(cell.split, self.split)


def make_plan(
    experiment: Experiment, quiet: bool = False, open_cases: Callable[..., Cohort] = open_cohort
) -> Plan:
    """Look everything up; raises UsageError, CohortError or SplitError before anything runs.

    ``open_cases`` opens the cohort, in the way of :func:`bench.cohorts.catalogue.open_cohort`.
    """
    executor_named(experiment)
    registry = load_registry(Path(file) for file in experiment.plugins)
    choices = choose_methods(registry, experiment)
    config = load_split_config(experiment.split)
    cohort = open_cases(experiment.cohort, quiet, experiment.skip_broken)
    for case_id, fault in cohort.skipped_cases.items():
        print(f"left out as broken: {case_id}: {fault}", file=sys.stderr)
    metrics = ranking_metrics(cohort.tasks, experiment.metric, map(Path, experiment.plugins))
    split = make_split(cohort, config)
    _require_learning(split)
    skipped = {its.label: reason for its in choices if (reason := unmet_need(its, cohort))}
    runnable = [its for its in choices if its.label not in skipped]
    inner = inner_splits(cohort, split, experiment.inner_folds)
    settings = Settings(device_named(experiment.device), experiment.threads)
    jobs = jobs_named(experiment.jobs, settings.threads, experiment.memory_limit, settings.device)
    return Plan(
        experiment=experiment,
        cohort=cohort,
        split=split,
        choices={its.label: its for its in choices},
        cells=tuple(plan(cohort, split, runnable, experiment.seeds)),
        skipped=skipped,
        store=Store(Path(experiment.store)),
        settings=settings,
        jobs=jobs,
        limits=cell_limits(experiment.cell_timeout, experiment.memory_limit, jobs),
        metrics=metrics,
        inner_splits=inner,
        inner_cells=tuple(
            cell for its in inner.values() for cell in plan(cohort, its, runnable, experiment.seeds)
        ),
    )


def _require_learning(split: Split) -> None:
    """Raise UsageError for a split that tests every case."""
    if not split.learns:
        raise UsageError(
            f"split {split.name!r} tests every case and leaves none to learn from, so no method can be "
            f"fitted: submit predictions made elsewhere (`bench submit FILE --split {split.name}`), or use "
            "another split (see `bench splits`)"
        )


def run_experiment(experiment: Experiment, quiet: bool, wanted: Format, retry: Collection[str] = ()) -> bool:
    """Run what is missing, print the result table; whether every cell ended well.

    Parameters
    ----------
    retry
        Statuses of earlier bad ends that run again.
    """
    planned = make_plan(experiment, quiet)
    stored = write_plan(planned)
    cells, kept = planned.to_run(retry)
    if kept:
        listed = ", ".join(f"{count} {status}" for status, count in kept.items())
        print(f"not run again: {listed}; --retry {','.join(kept)} does it", file=sys.stderr)
    with run_view(len(cells), quiet) as view:
        work = planned.work(cells, planned.jobs)
        execute(work, view, stored, retry)
    results = results_of_cells(planned.cohort, planned.split, planned.cells, planned.store, planned.skipped)
    print_results(replace(results, metrics=planned.metrics), wanted)
    return not view.bad and not kept and not planned.skipped


def write_plan(planned: Plan) -> StoredPlan:
    """Keep plan and splits in the store, before the first cell runs."""
    for split in (planned.split, *planned.inner_splits.values()):
        planned.store.keep_split(planned.cohort.name, split.name, split.fingerprint, split_to_json(split))
    return keep_plan(planned.store, planned.experiment, planned.every_cell, planned.skipped)


def execute(work: Work, view: RunView, stored: StoredPlan, retry: Collection[str]) -> None:
    """Run cells where the plan's executor runs them."""
    name = executor_named(stored.experiment)
    if name == "here":
        from bench.executors.here import run_here

        run_here(work, view)
    elif name == "workers":
        from bench.executors.workers import run_in_workers

        if (warning := crowded(work.jobs, work.settings.threads)) is not None:
            view.say(warning)
        run_in_workers(work, view)
    else:
        from bench.executors.slurm import run_on_slurm

        run_on_slurm(work, stored.id, stored.experiment.resources, tuple(retry), view)


def executor_named(experiment: Experiment) -> str:
    """The executor that an experiment or ``$BENCH_EXECUTOR`` asks for; raises UsageError for another name."""
    name = experiment.executor or os.environ.get("BENCH_EXECUTOR") or EXECUTORS[0]
    if name not in EXECUTORS:
        raise unknown_name("executor", name, EXECUTORS)
    if name == "slurm" and experiment.jobs == AUTO:
        raise UsageError("--jobs auto counts the cores of this machine; with --executor slurm give a number")
    return name
