"""Fit and predict every cell of a cohort, a split and some methods, and keep what comes out.

A registered method runs in worker processes, as ``bench run`` has it. An instance of a class that the
notebook or script itself defines runs in this process: its row is named ``Class (not isolated)``, its code is
hashed from its source, so that a changed class runs again, and its hyperparameters are the fields of the
dataclass.
"""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.cohorts.cohort import Cohort
from bench.door.methods import Wanted, variants_of
from bench.door.table import Table, shown
from bench.errors import UsageError
from bench.methods.local import LocalMethod
from bench.methods.ranking_metric import ranking_metrics
from bench.methods.search_space import SearchBudget
from bench.methods.variant import Variant
from bench.predictions.results import Results
from bench.progress import note
from bench.report.board import result_table
from bench.running.environments import with_environments
from bench.running.experiment import Experiment
from bench.running.limits import seconds
from bench.running.monitor import run_view
from bench.running.plan import executor_named, plan_of, write_plan
from bench.running.run import execute
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.collect import results_of_cells
from bench.store.export import validation_of_cells


def run(
    cohort: Cohort,
    split: Split,
    methods: Sequence[Wanted],
    *,
    seeds: Iterable[int] = (0,),
    store: str | Path = "runs",
    jobs: int | str = 1,
    device: str = "auto",
    inner_folds: int = 0,
    retry: Iterable[str] = (),
    quiet: bool = False,
) -> Results:
    """Run what the store lacks of these methods: one row per method, at the same seeds, whatever its status.

    Parameters
    ----------
    cohort, split
        Of :func:`bench.open_cohort` and :func:`bench.make_split`.
    methods
        Names of registered methods, instances, :class:`bench.MethodSpec` or :func:`bench.variant` values.
    seeds, store
        Training seeds, whole numbers; folder of the run store, in which a completed cell is never run twice.
    jobs, device
        Worker processes, ``auto`` for as many as cores and memory allow; ``auto``, ``cpu`` or ``cuda``.
    inner_folds
        Folds of the inner cross-validation where the validation part is too small; 0 for none.
    retry, quiet
        Statuses of earlier failures that run again, such as ``failed``; whether to show no progress.

    Raises
    ------
    UsageError
        No such method or device, a split without training cases, or two methods of one row.
    StoreError
        The store cannot be written.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> split = bench.make_split(cohort, "internal_cv")
    >>> results = bench.run(cohort, split, ["constant", "tumour_size"], store="runs", quiet=True)
    >>> [method.status for method in results.methods]
    ['ok', 'ok']
    """
    experiment = _experiment(seeds, store, jobs, device, inner_folds)
    return _run(experiment, cohort, split, variants_of(methods), tuple(retry), quiet)


def tune(
    cohort: Cohort,
    split: Split,
    methods: Sequence[Wanted],
    *,
    trials: int = 0,
    tune_time: str = "",
    seeds: Iterable[int] = (0,),
    store: str | Path = "runs",
    jobs: int | str = 1,
    device: str = "auto",
    inner_folds: int = 0,
    quiet: bool = False,
) -> Results:
    """Run each method with its defaults and, where it has a search space, tuned with the same budget.

    A tuned row is named ``method[trials=N]``. The search never sees a test case.

    Parameters
    ----------
    cohort, split, methods, seeds, store, jobs, device, inner_folds, quiet
        As in :func:`bench.run`.
    trials, tune_time
        Trials for each method, the defaults being the first; or a time such as ``20m``, not reproducible.

    Raises
    ------
    UsageError
        Neither or both of ``trials`` and ``tune_time``, or as :func:`bench.run`.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> split = bench.make_split(cohort, "internal")
    >>> results = bench.tune(cohort, split, ["constant"], trials=2, store="runs", quiet=True)
    >>> [method.label for method in results.methods]  # the constant has nothing to tune
    ['constant']
    """
    if bool(trials) == bool(tune_time):
        raise UsageError("give trials=N or tune_time='20m', one of the two: a tuning has one budget")
    experiment = replace(
        _experiment(seeds, store, jobs, device, inner_folds), trials=trials, tune_time=tune_time
    )
    budget = SearchBudget({}, trials, math.ceil(seconds(tune_time)) if tune_time else 0, inner_folds)
    return _run(experiment, cohort, split, variants_of(methods, budget), (), quiet)


def evaluate(method: Wanted, cohort: Cohort, split: Split, *, seed: int = 0, device: str = "auto") -> Table:
    """Score one method in a temporary store, one row per task; nothing is kept.

    Parameters
    ----------
    method
        As in :func:`bench.run`.
    cohort, split
        Of :func:`bench.open_cohort` and :func:`bench.make_split`.
    seed
        Training seed.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    UsageError
        As :func:`bench.run`.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> split = bench.make_split(cohort, "internal")
    >>> bench.evaluate("constant", cohort, split).to_frame()["task"].tolist()
    ['er', 'pr', 'her2', 'ki67']
    """
    with TemporaryDirectory() as store:
        results = run(cohort, split, [method], seeds=[seed], store=store, device=device, quiet=True)
        return shown(result_table(results))


def _experiment(
    seeds: Iterable[int], store: str | Path, jobs: int | str, device: str, inner_folds: int
) -> Experiment:
    return Experiment(
        seeds=_whole(seeds), store=str(store), jobs=jobs, device=device, inner_folds=inner_folds
    )


def _whole(seeds: Iterable[int]) -> tuple[int, ...]:
    wanted = tuple(seeds)
    if not wanted or any(type(seed) is not int or seed < 0 for seed in wanted):
        raise UsageError(f"seeds must be whole numbers from 0 on, such as [0, 1, 2], got {list(wanted)}")
    return tuple(dict.fromkeys(wanted))


def _run(
    experiment: Experiment,
    cohort: Cohort,
    split: Split,
    variants: Sequence[Variant],
    retry: tuple[str, ...],
    quiet: bool,
) -> Results:
    named = replace(
        experiment,
        methods=tuple(dict.fromkeys(variant.spec.name for variant in variants)),
        split=split.name,
        cohort=str(cohort.folder),
    )
    executor_named(named)
    variants = with_environments(variants, partial(note, quiet=quiet))
    planned = plan_of(named, cohort, (split,), variants, ranking_metrics(cohort.tasks, (), ()))
    stored = write_plan(planned)
    cells, _ = planned.to_run(retry)
    with run_view(len(cells), quiet, planned.store) as view:
        for part, executor in _by_executor(cells, variants):
            where = replace(
                stored, experiment=replace(stored.experiment, executor=executor or named.executor)
            )
            with _main_unseen():
                execute(planned.work(part, planned.jobs), view, where, retry)
    results = results_of_cells(cohort, split, planned.cells, planned.store, planned.skipped)
    return replace(results, validation=validation_of_cells(cohort, planned.cells, planned.store))


def _by_executor(cells: Sequence[Cell], variants: Sequence[Variant]) -> Iterator[tuple[list[Cell], str]]:
    """Cells whose class a fresh process can import, then the others, which run in this one."""
    local = {variant.label for variant in variants if isinstance(variant.spec, LocalMethod)}
    for executor in ("", "here"):
        if part := [cell for cell in cells if (cell.method in local) == bool(executor)]:
            yield part, executor


@contextmanager
def _main_unseen() -> Iterator[None]:
    """Keep worker processes from running the user's script again, as multiprocessing has them do."""
    main = sys.modules["__main__"]
    names = ("__file__", "__spec__")
    kept: dict[str, Any] = {name: value for name, value in vars(main).items() if name in names}
    vars(main).pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(kept)
