"""Run cells, and see how they stand."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.options import (
    ConfigOption,
    DeviceOption,
    DryRunOption,
    ExecutorOption,
    FormatOption,
    InnerFoldsOption,
    JobsOption,
    MemoryOption,
    MethodOption,
    MetricOption,
    PlanOnlyOption,
    PlanOption,
    PluginOption,
    PresetOption,
    QuietOption,
    RetryOption,
    SeedsOption,
    SettingsOption,
    SkipOption,
    StoreOption,
    ThreadsOption,
    TimeoutOption,
    TrialsOption,
    TuneTimeOption,
    integers,
    names,
    number_of_jobs,
)
from bench.errors import BenchError
from bench.listing import Format, print_rows

if TYPE_CHECKING:
    from bench.config import Experiment


def run(
    method: MethodOption = None,
    split: Annotated[str | None, typer.Option("--split", "-s", help="Split, see `bench splits`.")] = None,
    cohort: Annotated[str | None, typer.Option("--cohort", "-c", help="Phantom scenario or folder.")] = None,
    seeds: SeedsOption = None,
    settings: SettingsOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    store: Annotated[str | None, typer.Option("--store", help="Folder of the run store.")] = None,
    metric: MetricOption = None,
    inner_folds: InnerFoldsOption = None,
    jobs: JobsOption = None,
    cell_timeout: TimeoutOption = None,
    memory_limit: MemoryOption = None,
    retry: RetryOption = None,
    executor: ExecutorOption = None,
    trials: TrialsOption = None,
    tune_time: TuneTimeOption = None,
    plugin: PluginOption = None,
    skip_broken: SkipOption = False,
    dry_run: DryRunOption = False,
    plan: PlanOnlyOption = False,
    quiet: QuietOption = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Fit, predict and score: runs what is missing of the plan, then prints the result table."""
    from bench.config import parse_settings, read_experiment
    from bench.dry_run import dry_run_rows
    from bench.experiment import make_plan, write_plan
    from bench.status import statuses

    given: dict[str, Any] = {
        "methods": names(method),
        "split": split,
        "cohort": cohort,
        "seeds": integers("--seeds", seeds),
        "set": parse_settings(settings) if settings else None,
        "preset": preset,
        "device": device,
        "threads": threads,
        "store": store,
        "skip_broken": skip_broken or None,
        "metric": names(metric),
        "inner_folds": inner_folds,
        "jobs": number_of_jobs(jobs),
        "cell_timeout": cell_timeout,
        "memory_limit": memory_limit,
        "executor": executor,
        "trials": trials,
        "tune_time": tune_time,
        "plugins": [str(path) for path in plugin] if plugin else None,
    }
    experiment = read_experiment(config, {key: value for key, value in given.items() if value is not None})
    again = statuses(retry)
    if dry_run:
        print_rows(dry_run_rows(experiment, quiet, again), wanted, "Plan")
    elif plan:
        stored = write_plan(make_plan(experiment, quiet))
        print(f"plan {stored.id} of {len(stored.cells)} cells; next: bench worker --store {experiment.store}")
    else:
        _run_to_the_end(experiment, quiet, wanted, again)


def _run_to_the_end(experiment: "Experiment", quiet: bool, wanted: Format, retry: Sequence[str]) -> None:
    from bench.experiment import run_experiment

    try:
        went_well = run_experiment(experiment, quiet, wanted, retry)
    except KeyboardInterrupt:
        raise BenchError("stopped; what is finished is kept, the same command goes on from here") from None
    if not went_well:
        raise typer.Exit(1)


def status(
    store: StoreOption = Path("runs"),
    plan: PlanOption = "",
    cells: Annotated[bool, typer.Option("--cells", help="A row a cell instead of one a method.")] = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Show how every planned cell of a store stands, also while it runs elsewhere."""
    from bench.executors.slurm import job_states, jobs_of
    from bench.plans import stored_plan
    from bench.status import cell_rows, status_rows
    from bench.store import Store

    found = stored_plan(Store(store), plan)
    title = f"Plan {found.id} of {found.created}: {found.experiment.cohort}, {found.experiment.split}"
    print_rows((cell_rows if cells else status_rows)(Store(store), found), wanted, title)
    jobs = job_states(jobs_of(Store(store), found.id))
    if jobs and wanted is Format.table:
        print("Slurm jobs: " + ", ".join(f"{job} {state.lower()}" for job, state in jobs.items()))


def worker(
    store: StoreOption = Path("runs"),
    plan: PlanOption = "",
    jobs: JobsOption = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", "-m", help="Rows of the plan: A,B or several times; all.")
    ] = None,
    retry: RetryOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run cells of a planned store until none is left; start as many as a cluster has room for."""
    from bench.status import statuses
    from bench.worker import work_on

    try:
        bad = work_on(store, plan, number_of_jobs(jobs) or 1, names(method) or (), statuses(retry), quiet)
    except KeyboardInterrupt:
        raise BenchError("stopped; other workers take over what it held") from None
    if bad:
        raise typer.Exit(1)
