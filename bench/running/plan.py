"""The plan of a run: cohort, splits, methods and the cells that they make."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError, parameter, unknown_name
from bench.methods.named_cohort import cohort_named
from bench.methods.named_split import split_named
from bench.methods.ranking_metric import ranking_metrics
from bench.methods.registry import load_registry
from bench.methods.variant import Variant
from bench.metrics import Metric
from bench.progress import note, warn
from bench.running.cores import AUTO, jobs_named
from bench.running.environments import with_environments
from bench.running.executors.batch import Work
from bench.running.experiment import Experiment, choose_methods, on_table
from bench.running.limits import Limits, cell_limits
from bench.running.run_cell import Compute, device_named, unmet_need
from bench.running.stored_plan import StoredPlan, keep_plan
from bench.splits.config import SplitConfig, with_size
from bench.splits.inner import inner_splits
from bench.splits.make import make_split
from bench.splits.repeats import repeated_splits
from bench.splits.split import Split, split_to_json
from bench.store.cell import Cell, cells_of
from bench.store.store import MACHINE, OK, Store

EXECUTORS = ("workers", "here", "slurm", "dask")


@dataclass(frozen=True)
class Plan:
    """An experiment with everything looked up: what will run on what, and what cannot."""

    experiment: Experiment
    cohort: Cohort
    splits: tuple[Split, ...]
    variants: Mapping[str, Variant]
    cells: tuple[Cell, ...]
    skipped: Mapping[str, str]
    store: Store
    compute: Compute
    jobs: int
    limits: Limits
    metrics: Mapping[str, Metric]
    inner_splits: Mapping[str, Split]
    inner_cells: tuple[Cell, ...]

    @property
    def split(self) -> Split:
        """The split as it was asked for; the others are repeats of it."""
        return self.splits[0]

    @property
    def every_cell(self) -> tuple[Cell, ...]:
        """The cells that are scored, then those that thresholds are chosen on."""
        return self.cells + self.inner_cells

    def missing(self) -> list[Cell]:
        """Cells that are not completed."""
        return [cell for cell in self.every_cell if not self.store.is_done(cell)]

    def to_run(
        self, retry: Collection[str] = (), among: Collection[str] = ()
    ) -> tuple[list[Cell], dict[str, int]]:
        """Cells without a record or with a status to retry, and how many others have failed, by status.

        Those of which the machine was at fault are always tried again. Of cells with ids ``among`` these
        alone, where any is given: records of others are not read.
        """
        retry = {*retry, MACHINE}
        cells = [cell for cell in self.every_cell if not among or cell.id in among]
        records = [(cell, self.store.record(cell)) for cell in cells]
        wanted = [cell for cell, record in records if record is None or record.status in retry]
        ended = [record.status for _, record in records if record is not None]
        return wanted, Counter(status for status in ended if status not in {*retry, OK})

    def work(self, cells: Iterable[Cell], jobs: int = 1, patient: bool = True) -> Work:
        """These cells with what running them takes."""
        return Work(
            cells=tuple(cells),
            variants=self.variants,
            cohort=self.cohort,
            splits={**{split.name: split for split in self.splits}, **self.inner_splits},
            store=self.store,
            compute=self.compute,
            plugins=self.experiment.plugins,
            limits=self.limits,
            jobs=jobs,
            patient=patient,
        )

    def split_of(self, cell: Cell) -> Split:
        """The split that the cell belongs to: one that is scored, or an inner one."""
        return {**{split.name: split for split in self.splits}, **self.inner_splits}[cell.split]


def make_plan(
    experiment: Experiment,
    quiet: bool = False,
    open_cases: Callable[..., Cohort] = cohort_named,
    builds: bool = True,
) -> Plan:
    """Look everything up; raises UsageError, CohortError or SplitError before anything runs.

    ``open_cases`` opens the cohort, in the way of :func:`bench.methods.named_cohort.cohort_named`. Without
    ``builds`` the cells of a method whose environment is not built are named without its packages.
    """
    executor_named(experiment)
    plugins = [Path(file) for file in experiment.plugins]
    registry = load_registry(plugins)
    variants = choose_methods(registry, experiment)
    config = split_named(experiment.split, plugins)
    cohort = open_cases(experiment.cohort, plugins, quiet=quiet, skip_broken=experiment.skip_broken)
    for case_id, fault in cohort.skipped_cases.items():
        warn(f"left out as invalid: {case_id}: {fault}")
    if cohort.feature_file is not None and not cohort.has_volumes:
        experiment, stand_ins = on_table(registry, experiment)
        for name, other in stand_ins.items():
            warn(f"{other} runs in place of {name}: {cohort.name} has a feature table and no images")
        variants = choose_methods(registry, experiment) if stand_ins else variants
    variants = with_environments(variants, partial(note, quiet=quiet)) if builds else variants
    metrics = ranking_metrics(cohort.tasks, experiment.metric, plugins)
    return plan_of(experiment, cohort, _splits(experiment, cohort, config), variants, metrics)


def _splits(experiment: Experiment, cohort: Cohort, config: SplitConfig) -> tuple[Split, ...]:
    """The split with its repeats, or with each number of training patients that is asked for."""
    if not experiment.sizes:
        return repeated_splits(cohort, config, experiment.repeats)
    return tuple(make_split(cohort, with_size(config, size) if size else config) for size in experiment.sizes)


def plan_of_variants(experiment: Experiment, variants: Sequence[Variant], quiet: bool = False) -> Plan:
    """The plan of an experiment whose rows are these; raises as :func:`make_plan`."""
    executor_named(experiment)
    plugins = [Path(file) for file in experiment.plugins]
    config = split_named(experiment.split, plugins)
    cohort = cohort_named(experiment.cohort, plugins, quiet=quiet, skip_broken=experiment.skip_broken)
    names = tuple(dict.fromkeys(variant.spec.name for variant in variants))
    return plan_of(
        replace(experiment, methods=names),
        cohort,
        repeated_splits(cohort, config, 1),
        with_environments(variants, partial(note, quiet=quiet)),
        ranking_metrics(cohort.tasks, experiment.metric, plugins),
    )


def plan_of(
    experiment: Experiment,
    cohort: Cohort,
    splits: tuple[Split, ...],
    variants: Sequence[Variant],
    metrics: Mapping[str, Metric],
) -> Plan:
    """The cells of these methods on this cohort and these splits; where and how they run is the experiment's.

    Raises UsageError where the first split leaves nothing to learn from.
    """
    _require_learning(splits[0])
    skipped = {variant.label: reason for variant in variants if (reason := unmet_need(variant, cohort))}
    runnable = [variant for variant in variants if variant.label not in skipped]
    inner: dict[str, Split] = {}
    for split in splits:
        inner |= inner_splits(cohort, split, experiment.inner_folds)
    compute = Compute(device_named(experiment.device), experiment.threads)
    jobs = jobs_named(experiment.jobs, compute.threads, experiment.memory_limit, compute.device)
    return Plan(
        experiment=experiment,
        cohort=cohort,
        splits=splits,
        variants={variant.label: variant for variant in variants},
        cells=tuple(cell for outer in splits for cell in cells_of(cohort, outer, runnable, experiment.seeds)),
        skipped=skipped,
        store=Store(Path(experiment.store)),
        compute=compute,
        jobs=jobs,
        limits=cell_limits(experiment.cell_timeout, experiment.memory_limit, jobs),
        metrics=metrics,
        inner_splits=inner,
        inner_cells=tuple(
            cell for within in inner.values() for cell in cells_of(cohort, within, runnable, experiment.seeds)
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


def write_plan(planned: Plan) -> StoredPlan:
    """Keep plan and splits in the store, before the first cell runs."""
    for split in (*planned.splits, *planned.inner_splits.values()):
        planned.store.keep_split(planned.cohort.name, split.name, split.fingerprint, split_to_json(split))
    return keep_plan(planned.store, planned.experiment, planned.every_cell, planned.skipped)


def executor_named(experiment: Experiment) -> str:
    """The executor that an experiment or ``$BENCH_EXECUTOR`` asks for; raises UsageError for another name."""
    name = experiment.executor or os.environ.get("BENCH_EXECUTOR") or EXECUTORS[0]
    if name not in EXECUTORS:
        raise unknown_name("executor", name, EXECUTORS)
    if name == "slurm" and experiment.jobs == AUTO:
        raise UsageError(
            f"{parameter('jobs', 'auto')} counts the cores of this machine; with "
            f"{parameter('executor', 'slurm')} give a number"
        )
    if (not experiment.scheduler) if name == "dask" else (experiment.scheduler and experiment.executor):
        raise UsageError(
            f"{parameter('executor', 'dask')} and {parameter('scheduler', 'tcp://HOST:8786')} go together: "
            "`dask scheduler` and `dask worker` start them"
        )
    return name
